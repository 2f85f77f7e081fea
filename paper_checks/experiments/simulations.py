"""Simulations that several claims share, with sample sizes that follow from exact variances."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import chi2

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.fitting import Exponent, fit_exponent
from simulate import GradientMoments, PooledMoments, gradient_moments, resolve_device
from simulate.one_layer.moments import unit_rows
from theory import ENTRY_CLASSES, Task, class_values, entry_labels
from theory.one_step.class_averages import class_average_variance
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
LEAST_BLOCKS = 100  # degrees of freedom that the plan assumes for batch means


@dataclass(frozen=True)
class Experiment:
    """Simulated gradient moments, and the standard errors per class that their size was planned for."""

    moments: GradientMoments
    pooled: PooledMoments
    planned_mean_error: np.ndarray
    planned_variance_error: np.ndarray


def samples_for_means(task: Task, layer: Layer) -> int:
    """Sequences that make a 2 % error of every class mean and a 20 % error of every single mean detectable."""
    mean, variance = (class_values(task, layer, moment) for moment in ("mean", "variance"))
    pooled = class_average_variance(task, layer)
    return max(
        max(
            DESIGN.samples(mean[entry], pooled[entry], POOLED_ERROR, LEAST_BLOCKS, class_span(task, entry)),
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

    Exact fourth moments are not at hand; the pilot, on a seed of its own, stands in for them.
    """
    return math.ceil(samples * (DESIGN.detectable(degrees) * upper_error / (error * value)) ** 2)


def variance_pilot(task: Task, layer: Layer, rows: int, base_seed: int) -> np.ndarray:
    """Per class, the upper limit of the standard error of its variance in `rows` sequences."""
    seed = experiment_seed(base_seed, f"pilot {task} {layer}")
    pilot = gradient_moments(task, layer, rows, seed=seed, labels=entry_labels(task)).pooled
    assert pilot is not None
    return np.asarray(upper_pilot_error(pilot.variance_standard_error, LEAST_BLOCKS))


@cache
def moments(task: Task, layer: Layer, base_seed: int) -> Experiment:
    """Entrywise and class-averaged gradient moments of one task, drawn once per run."""
    block = unit_rows(task, resolve_device("cpu"))
    rows = (LEAST_BLOCKS + 1) * block
    upper, average = variance_pilot(task, layer, rows, base_seed), class_average_variance(task, layer)
    variance = class_values(task, layer, "variance")
    needed = max(
        samples_for_means(task, layer),
        *(
            samples_from_pilot(rows, variance[entry], error, LEAST_BLOCKS, POOLED_ERROR)
            for entry, error in zip(ENTRY_CLASSES, upper, strict=True)
            if entry in average and variance[entry]
        ),
    )
    samples = math.ceil(needed / block) * block  # whole blocks: a last, partial one would not be pooled
    seed = experiment_seed(base_seed, f"moments {task} {layer}")
    found = gradient_moments(task, layer, samples, seed=seed, labels=entry_labels(task))
    assert found.pooled is not None
    planned_mean = np.sqrt(np.array([average.get(entry, np.nan) for entry in ENTRY_CLASSES]) / samples)
    return Experiment(found, found.pooled, planned_mean, upper * math.sqrt(rows / samples))


def class_table(values: dict[tuple[str, str], float]) -> np.ndarray:
    """Class values as an array in the order of ENTRY_CLASSES."""
    return np.array([values[entry] for entry in ENTRY_CLASSES])
