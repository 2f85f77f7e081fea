"""Simulations that several claims share, with sample sizes that follow from exact variances.

Both layers' gradients are of the same sequences, which are drawn once; so is the pilot. Statements about the two layers
then depend on each other, which the bound on the family-wise false-alarm probability allows: it is a sum over all
comparisons (Bonferroni), whatever their dependence.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.fitting import Exponent, fit_exponent
from paper_checks.jobs import Job, job
from simulate import (
    GradientMoments,
    PooledMoments,
    ProjectedMoments,
    projected_moments,
    resolve_device,
    shared_gradient_moments,
)
from simulate.one_layer.moments import unit_rows
from theory import ENTRY_CLASSES, LAYERS, Task, class_values, entry_labels
from theory.birth import gradient_memory as memory
from theory.one_step.class_averages import class_average_variance
from theory.one_step.signal_to_noise import centred_copying_moments
from theory.task import Layer

TASKS = (
    Task(2, 3, Fraction(1, 3), trigger=1),
    Task(3, 11, Fraction(2, 3), trigger=1),
    Task(5, 7, Fraction(4, 5), trigger=3),
    Task(7, 5, Fraction(3, 4), trigger=4),
)
"""Primes, distinct within a task, so that exchanged sizes show; q ≠ 0; α on both sides of T1.6's boundary."""


def _octaves(first: int) -> list[int]:
    return [2**power for power in range(first, first + 7)]


GROWTH: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "T = N²": (1, [(s, s * s) for s in _octaves(10)]),
    "T = N": (1, [(s, s) for s in _octaves(10)]),
    "N = T²": (2, [(s * s, s) for s in _octaves(6)]),
    "T = 16": (1, [(s, 16) for s in _octaves(11)]),
}
"""Sequences of (N, T) that grow like a size s, from T ≫ N to T ≪ N, with the power of s that N is."""


def growing_tasks(path: str, level: float) -> list[Task]:
    """The tasks of one sequence of `GROWTH`."""
    return [Task(n, length, level) for n, length in GROWTH[path][1]]


def fit_growth(path: str, values: np.ndarray, orders: int = 2) -> Exponent:
    """`fit_exponent` in the size s along a sequence of `GROWTH`."""
    power, sizes = GROWTH[path]
    return fit_exponent([n ** (1 / power) for n, _ in sizes], list(values), orders)


def fit_distance(path: str, ratios: np.ndarray) -> tuple[float, Exponent]:
    """Exponents in s of 1/N and, fitted, of |ratio - 1|: they agree where ratio = 1 + c/N + o(1/N).

    One order less than elsewhere: at N = 2²⁴ the roundings of ratio - 1 show in the next.
    """
    return -float(GROWTH[path][0]), fit_growth(path, np.abs(ratios - 1), orders=1)


POOLED_ERROR = 0.02  # relative error that a class average must reveal
ENTRY_ERROR = 0.20  # and a single entry
PILOT = 10**5  # sequences of a pilot along one direction
LEAST_BLOCKS = 100  # degrees of freedom of a pilot's batch means, and the fewest of an estimate's


@dataclass(frozen=True)
class Experiment:
    """Simulated gradient moments, and the standard errors per class that their size was planned for."""

    moments: GradientMoments
    pooled: PooledMoments
    planned_mean_error: np.ndarray
    planned_variance_error: np.ndarray


def samples_for_means(task: Task, layer: Layer, degrees: float = LEAST_BLOCKS) -> int:
    """Sequences that make a 2 % error of every class mean and a 20 % error of every single mean detectable."""
    mean, variance = (class_values(task, layer, moment) for moment in ("mean", "variance"))
    pooled = class_average_variance(task, layer)
    return max(
        max(
            DESIGN.samples(mean[entry], pooled[entry], POOLED_ERROR, degrees, class_span(task, entry)),
            DESIGN.samples(mean[entry], variance[entry], ENTRY_ERROR),
        )
        for entry in pooled
        if mean[entry]
    )


def class_span(task: Task, entry: tuple[str, str]) -> float:
    """A bound on the range of a class average: Σ_k |1{y=k} - 1/M| <= 2, coordinates in [0, 1]."""
    return min(1.0, 2 / (task.N - 1)) if entry[0] == "k" else 1.0


def upper_pilot_error(standard_error: Any, degrees: float) -> Any:
    """The upper 1 - DESIGN.miss confidence limit of a standard error estimated by a pilot with `degrees` of freedom."""
    return standard_error * math.sqrt(degrees / float(chi2.ppf(DESIGN.miss, degrees)))


def samples_from_pilot(samples: int, value: float, upper_error: float, degrees: float, error: float) -> int:
    """Samples that make a relative `error` of an estimated variance detectable, given a pilot's upper standard error.

    Exact fourth moments are not at hand; the pilot, on a seed of its own, stands in for them. `degrees` are those of
    the estimate.
    """
    return math.ceil(samples * (DESIGN.detectable(degrees) * upper_error / (error * value)) ** 2)


def whole_blocks(needed: Callable[[float], int], block: int) -> int:
    """Sequences in the fewest whole blocks that are enough for the degrees of freedom that their number gives.

    `needed(degrees)` falls with the degrees of freedom, one less than the number of blocks, at least LEAST_BLOCKS. The
    first count has more blocks than it takes, the second fewer, the third again enough. Whole blocks, as a last,
    partial one would not be pooled.
    """
    degrees = float(LEAST_BLOCKS)
    for _ in range(3):
        blocks = max(math.ceil(needed(degrees) / block), LEAST_BLOCKS + 1)
        degrees = blocks - 1
    return blocks * block


@job("gradient moments", cost=1.5)
def drawn(task: Task, base_seed: int) -> dict[Layer, Experiment]:
    """Entrywise and class-averaged gradient moments of both layers in one draw, planned by the exact values and by one
    pilot of LEAST_BLOCKS + 1 blocks."""
    block, labels = unit_rows(task, resolve_device("cpu")), entry_labels(task)
    rows, seed = (LEAST_BLOCKS + 1) * block, experiment_seed(base_seed, f"moments {task}")
    pilot = shared_gradient_moments(
        task, dict.fromkeys(LAYERS, rows), seed=experiment_seed(base_seed, f"pilot {task}"), labels=labels
    )
    uppers, samples = {}, {}
    for layer in LAYERS:
        pooled, variance = pilot[layer].pooled, class_values(task, layer, "variance")
        assert pooled is not None
        uppers[layer] = upper = upper_pilot_error(pooled.variance_standard_error, LEAST_BLOCKS)
        classes = class_average_variance(task, layer)
        spreads = [(variance[entry], error) for entry, error in zip(ENTRY_CLASSES, upper, strict=True)
                   if entry in classes and variance[entry]]  # fmt: skip

        def needed(degrees: float, layer: Layer = layer, spreads: list[tuple[float, float]] = spreads) -> int:
            pilots = [samples_from_pilot(rows, value, error, degrees, POOLED_ERROR) for value, error in spreads]
            return max(samples_for_means(task, layer, degrees), *pilots)

        samples[layer] = whole_blocks(needed, block)
    found = shared_gradient_moments(task, samples, seed=seed, labels=labels)
    return {layer: _experiment(task, layer, found[layer], uppers[layer] * math.sqrt(rows / samples[layer]))
            for layer in LAYERS}  # fmt: skip


def _experiment(task: Task, layer: Layer, found: GradientMoments, planned_variance_error: np.ndarray) -> Experiment:
    average = class_average_variance(task, layer)
    assert found.pooled is not None
    planned_mean = np.sqrt(np.array([average.get(entry, np.nan) for entry in ENTRY_CLASSES]) / found.samples)
    return Experiment(found, found.pooled, planned_mean, planned_variance_error)


def drawn_jobs(base_seed: int, task: Task) -> list[Job]:
    """What `moments` asks for."""
    return [drawn.of(task, base_seed)]


def moments(task: Task, layer: Layer, base_seed: int) -> Experiment:
    """Entrywise and class-averaged gradient moments of one task and layer, drawn once per run."""
    return drawn(task, base_seed)[layer]


@job("gradient moments", cost=lambda task, layer, direction, samples, seed: samples * (20 + 5 * task.T) * 1e-9)
def along(task: Task, layer: Layer, direction: np.ndarray, samples: int, seed: int) -> ProjectedMoments:
    """Moments of the gradients along one direction."""
    return projected_moments(task, layer, direction, samples, seed=seed)


@job("gradient moments", cost=0.6)
def centred_copying(task: Task, base_seed: int) -> tuple[ProjectedMoments, float]:
    """Moments of the gradient along D, the centred copying entries, to 2 %, and the variance's planned error."""
    exact, seeds = centred_copying_moments(task), (f"pilot along D {task}", f"centred copying {task}")
    pilot_seed, seed = (experiment_seed(base_seed, name) for name in seeds)
    direction = np.zeros((task.M, 2 * task.M))
    direction[: task.N, : task.N] = np.eye(task.N) - 1 / task.N
    pilot = projected_moments(task, "attention_value", direction, PILOT, seed=pilot_seed)
    upper = upper_pilot_error(pilot.variance_standard_error, PILOT - 1)
    samples = max(
        DESIGN.samples(exact.mean, exact.variance, 0.02),
        samples_from_pilot(PILOT, exact.variance, upper, math.inf, 0.02),
    )
    found = projected_moments(task, "attention_value", direction, samples, seed=seed)
    return found, float(upper * (PILOT / samples) ** 0.5)


class Draw(NamedTuple):
    """What simulated gradients show along one direction: the exact value, the variance, and the job that draws them."""

    name: str
    exact: float
    variance: float
    job: Job


def signal_and_residual(base_seed: int, task: Task) -> list[Draw]:
    """Of B2, to 5 %: Σ_k (e_k - mean) E(k)ᵀ sees tr S and no residual, (e_τ - mean) E(q)ᵀ the residual and no S."""
    S, (r, mean) = memory.context_signal(task), memory.distributional_residual(task)
    copying, noise = np.zeros_like(S), np.zeros_like(S)
    copying[: task.N, : task.N] = np.eye(task.N) - 1 / task.N
    noise[:, task.q], noise[task.tau, task.q] = -1 / task.N, 1
    first, second = (class_values(task, "attention_value", name)["tau", "E(q)"] for name in ("mean", "variance"))
    square = (second + first**2) / (task.alpha * (1 - 1 / task.M) ** 2 + (1 - task.alpha) / task.M**2)  # E[x̄_E(q)²]
    exact = (1 + 1 / task.N) * r[task.tau] * mean[task.q]
    variance = (task.alpha + (1 - task.alpha) / task.N**2) * square - exact**2  # y = τ is independent of x̄
    draws = []
    for name, direction, value, spread in (
        ("tr S", copying, S[: task.N, : task.N].trace(), centred_copying_moments(task).variance),
        ("residual", noise, exact, variance),
    ):
        samples, seed = DESIGN.samples(value, spread, 0.05), experiment_seed(base_seed, f"{name} {task}")
        draws.append(Draw(name, value, spread, along.of(task, "attention_value", direction, samples, seed)))
    return draws


def class_table(values: dict[tuple[str, str], float]) -> np.ndarray:
    """Class values as an array in the order of ENTRY_CLASSES."""
    return np.array([values[entry] for entry in ENTRY_CLASSES])
