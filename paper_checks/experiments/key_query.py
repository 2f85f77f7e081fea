"""Checks that the T3 files share: simulated key-query steps, planned from a pilot, and derived expansions."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import sympy

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.design import DESIGN
from paper_checks.jobs import Job, job
from simulate import KeyQueryMoments, key_query_moments
from theory import Task, gradient_mean
from theory.key_query.phase_diagram import CONTRASTS, contrast_value
from theory.key_query.step import KEY_CLASSES, as_absorption
from theory.task import RealNumber

PILOT = 10**5
LEAST = 10**4  # sequences in the smallest estimate


def held_probabilities(task: Task, absorption: RealNumber | None) -> np.ndarray:
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


def held(absorption: RealNumber | None) -> str:
    """The output probabilities of a key-query step, in the name of a comparison."""
    return "uniform p" if absorption is None else f"π = {absorption}"


class Simulation(NamedTuple):
    """A simulated key-query step: of each of directions @ K (None: K) an exact value, and the relative error that must
    be detectable; its seed follows from `drawn_as`."""

    name: str
    drawn_as: str
    task: Task
    absorption: RealNumber | None
    directions: np.ndarray | None
    exact: np.ndarray
    error: float

    def job(self, base_seed: int) -> Job:
        """What draws it."""
        return simulated.of(*self[1:], base_seed)


@job("key-query steps", cost=0.4)
def simulated(
    drawn_as: str,
    task: Task,
    absorption: RealNumber | None,
    directions: np.ndarray | None,
    exact: np.ndarray,
    error: float,
    base_seed: int,
) -> tuple[KeyQueryMoments, np.ndarray]:
    """Estimates of a `Simulation`, and the standard errors that their number was planned for.

    The pilot, on a seed of its own, stands in for the exact variance and skewness of a step: its variance at the upper
    1 - DESIGN.miss confidence limit, and twice its skewness, as a pilot of rare large values tends to see too little.
    """
    values, p = _values(task), held_probabilities(task, absorption)

    def run(samples: int, seed: int) -> KeyQueryMoments:
        return key_query_moments(task, values, p, samples, seed=seed, directions=directions)

    pilot = run(PILOT, experiment_seed(base_seed, f"pilot {drawn_as}"))
    variance = pilot.variance + DESIGN.miss_quantile() * pilot.variance_standard_error
    plans = zip(exact, variance, 2 * np.abs(pilot.skewness), strict=True)
    samples = max(LEAST, *(DESIGN.samples(value, spread, error, skewness=skew) for value, spread, skew in plans))
    return run(samples, experiment_seed(base_seed, drawn_as)), np.sqrt(variance / samples)


def check_simulation(claim: Assertions, stated: Simulation, side: Side = "holds") -> None:
    """Estimates against exact values."""
    found, planned = simulated(*stated[1:], claim.base_seed)
    details = {"samples": found.samples, "seed": found.seed, "seconds": round(found.seconds, 2), "side": side}
    claim.estimate(
        stated.name, stated.exact, found.mean, found.standard_error, stated.error, planned_error=planned, **details
    )


def contrast_simulation(
    name: str, drawn_as: str, task: Task, absorption: RealNumber | None, contrast: str, error: float
) -> Simulation:
    """Of one contrast of `phase_diagram`."""
    exact = np.array([contrast_value(task, contrast, absorption)])
    return Simulation(name, drawn_as, task, absorption, direction(task, CONTRASTS[contrast])[None], exact, error)


def check_expansion(
    claim: Assertions, name: str, found: tuple[int, tuple[sympy.Expr, ...]], power: int, stated: list[sympy.Expr]
) -> None:
    """A derived expansion has the stated first power of 1/N and coefficients."""
    claim.equal(f"{name}: first power of 1/N", power, found[0])
    differences = [sympy.simplify(a - b) for a, b in zip(found[1], stated, strict=True)]
    claim.equal(f"{name}: coefficients", np.zeros(len(stated), dtype=object), np.array(differences))
