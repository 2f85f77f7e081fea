"""Simulations that several claims share, with sample sizes that follow from exact variances."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.stats import chi2

from simulate import GradientMoments, gradient_moments, resolve_device
from simulate.moments import unit_rows
from theory import ENTRY_CLASSES, Task, class_values, entry_labels
from theory.pooling import class_average_variance

from .comparator import DESIGN
from .recorder import experiment_seed

TASKS = (
    Task(2, 7, Fraction(1, 3), trigger=1),
    Task(3, 11, Fraction(2, 3), trigger=1),
    Task(5, 13, Fraction(4, 5), trigger=3),
    Task(7, 5, Fraction(3, 4), trigger=4),
)
"""Distinct primes throughout, so that exchanged sizes show; q ≠ 0; noise levels on both sides of T1.6's boundary."""

POOLED_ERROR = 0.02  # relative error that a class average must reveal
ENTRY_ERROR = 0.20  # and a single entry
LEAST_BLOCKS = 100  # degrees of freedom that the plan assumes for batch means


def samples_for_means(task: Task, layer: str) -> int:
    """Sequences that make a 2 % error of every class mean and a 20 % error of every single mean detectable."""
    mean, variance = (class_values(task, layer, moment) for moment in ("mean", "variance"))
    pooled = class_average_variance(task, layer)
    return max(
        max(
            DESIGN.samples(mean[entry], pooled[entry], POOLED_ERROR, LEAST_BLOCKS),
            DESIGN.samples(mean[entry], variance[entry], ENTRY_ERROR),
        )
        for entry in pooled
        if mean[entry]
    )


def samples_from_pilot(samples: int, value: float, standard_error: float, degrees: float, error: float) -> int:
    """Samples that make a relative `error` of an estimated variance detectable, from a pilot of `samples`.

    Exact fourth moments are not at hand, so the pilot's standard error is used, at its upper 1 - DESIGN.miss
    confidence limit.
    """
    upper = standard_error * math.sqrt(degrees / float(chi2.ppf(DESIGN.miss, degrees)))
    return math.ceil(samples * (DESIGN.detectable(degrees) * upper / (error * value)) ** 2)


def samples_for_variances(task: Task, layer: str, base_seed: int) -> int:
    """Sequences that make a 2 % error of every class variance detectable, from a pilot on a seed of its own."""
    rows = (LEAST_BLOCKS + 1) * unit_rows(task, resolve_device("cpu"))
    seed = experiment_seed(base_seed, f"pilot {task} {layer}")
    pilot = gradient_moments(task, layer, rows, seed=seed, labels=entry_labels(task)).pooled
    assert pilot is not None
    return max(
        samples_from_pilot(rows, value, error, LEAST_BLOCKS, POOLED_ERROR)
        for value, error in zip(pilot.variance, pilot.variance_standard_error, strict=True)
        if value > 0
    )


@cache
def moments(task: Task, layer: str, base_seed: int) -> GradientMoments:
    """Entrywise and class-averaged gradient moments of one task, drawn once per run."""
    seed = experiment_seed(base_seed, f"moments {task} {layer}")
    samples = max(samples_for_means(task, layer), samples_for_variances(task, layer, base_seed))
    return gradient_moments(task, layer, samples, seed=seed, labels=entry_labels(task))


def class_table(values: dict[tuple[str, str], float]) -> np.ndarray:
    """Class values as an array in the order of ENTRY_CLASSES."""
    return np.array([values[entry] for entry in ENTRY_CLASSES])
