"""Simulated key-query steps, with sample sizes planned from a pilot, and checks of them against exact values."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from simulate import key_query_moments
from theory import Task, gradient_mean
from theory.key_query import KEY_CLASSES, as_absorption

from .comparator import DESIGN
from .recorder import Recorder

PILOT = 10**5
LEAST = 10**4  # sequences in the smallest estimate


def held_probabilities(task: Task, absorption: Any) -> np.ndarray:
    """p with p_τ = π and p_k = (1-π)/N; None is uniform."""
    level = float(as_absorption(absorption, task.N))
    return np.append(np.full(task.N, (1 - level) / task.N), level)


def class_directions(task: Task) -> dict[str, np.ndarray]:
    """Vectors whose product with a step is its average over one class of KEY_CLASSES, each of shape (2(N+1),)."""
    ordinary = np.ones(task.M)
    ordinary[[task.q, task.tau]] = 0
    eye = np.eye(task.M)
    tokens = {"q": eye[task.q], "k": ordinary / ordinary.sum(), "tau": eye[task.tau]}
    blocks = {"E": np.array([1, 0]), "P": np.array([0, 1])}
    return {name: np.kron(blocks[name[0]], tokens[name[2:-1]]) for name in KEY_CLASSES}


def direction(task: Task, coefficients: Mapping[str, int]) -> np.ndarray:
    """The vector of an integer combination of K's classes, shape (2(N+1),)."""
    classes = class_directions(task)
    total: np.ndarray = sum((count * classes[name] for name, count in coefficients.items()), np.zeros(2 * task.M))
    return total


@cache
def _values(task: Task) -> np.ndarray:
    return gradient_mean(task, "attention_value")


def check_simulation(
    claim: Recorder,
    name: str,
    task: Task,
    absorption: Any,
    directions: np.ndarray | None,
    exact: np.ndarray,
    errors: np.ndarray,
    side: str = "holds",
) -> None:
    """Estimates of directions @ K (None: K) against exact values; each relative error in `errors` must be detectable.

    The pilot, on a seed of its own, stands in for the exact variance and skewness of a step: its variance at the upper
    1 - DESIGN.miss confidence limit, twice its skewness in the condition on the normal approximation.
    """
    values, p = _values(task), held_probabilities(task, absorption)

    def run(samples: int, seed: int) -> Any:
        return key_query_moments(task, values, p, samples, seed=seed, directions=directions)

    pilot = run(PILOT, claim.seed(f"pilot {name}"))
    variance = pilot.variance + DESIGN.miss_quantile() * pilot.variance_standard_error
    plans = zip(exact, variance, errors, 2 * np.abs(pilot.skewness), strict=True)
    samples = max(LEAST, *(DESIGN.samples(x, v, e, skewness=s) for x, v, e, s in plans))
    seed = claim.seed(name)
    found = run(samples, seed)
    planned = np.sqrt(variance / samples)
    details = {"samples": samples, "seed": seed, "seconds": round(found.seconds, 2), "side": side}
    for error in np.unique(errors):
        chosen = errors == error
        claim.estimate(
            f"{name}, {error:.0%} detectable",
            exact[chosen],
            found.mean[chosen],
            found.standard_error[chosen],
            float(error),
            planned_error=planned[chosen],
            **details,
        )
