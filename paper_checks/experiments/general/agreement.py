"""How the exact values of every law are checked: by enumeration, by a programme over positions, and by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from paper_checks.jobs import job
from paper_checks.witnesses.general import enumeration, programme
from paper_checks.witnesses.general.small_laws import small_laws
from simulate import GradientMoments, shared_gradient_moments
from theory import LAYERS, gradient_mean, gradient_variance, key_query_gradient
from theory.general import count_moments
from theory.task import Layer

from .laws import Answers, shakespeare_law

if TYPE_CHECKING:
    from paper_checks.evidence.assertions import Assertions
    from theory.law import Law

OUTPUTS = {"uniform p": None, "absorbed p": "absorbed"}
"""Output probabilities at which K is compared."""
ANSWERS: dict[str, Answers] = {"S-u": "uniform", "S-s": "stationary"}
"""The two reference laws, by the answers that they have."""
PRECISION = programme.FLOAT64
"""Of the programme: its rounding is less than what theory's own may be, and it takes a twentieth of the time."""
ERRORS = {"m": 4, "v": 8, "K": 32}
"""How many times a rounding of counts over T enters a mean, a variance and K."""


def values_of(law: Law, exact: bool = False) -> dict[str, Any]:
    """Everything that G1 states of a law: means and variances of both layers, K at `OUTPUTS`."""
    found = {f"mean, {layer}": gradient_mean(law, layer, exact) for layer in LAYERS}
    found |= {f"variance, {layer}": gradient_variance(law, layer, exact) for layer in LAYERS}
    return found | {f"K, {title}": key_query_gradient(law, p, exact) for title, p in OUTPUTS.items()}


@job("enumerations", cost=1.5)
def enumerated(number: int, seed: int) -> list[dict[str, np.ndarray]]:
    """The same of small random laws, by every sample that they have."""
    found = []
    for _, law in small_laws(number, seed):
        values = {}
        for layer in LAYERS:
            values[f"mean, {layer}"], values[f"variance, {layer}"] = enumeration.gradient_moments(law, layer)
        values |= {f"K, {title}": enumeration.key_query_gradient(law, p) for title, p in OUTPUTS.items()}
        found.append(values)
    return found


@job("programmes", cost=0.5)
def programmed(name: str, alpha: float, T: int) -> dict[str, np.ndarray]:
    """The same of tiny Shakespeare over positions."""
    law, values = shakespeare_law(alpha, ANSWERS[name], T), {}
    for layer in LAYERS:
        values[f"mean, {layer}"], values[f"variance, {layer}"] = programme.gradient_moments(law, layer, PRECISION)
    return values | {f"K, {title}": programme.key_query_gradient(law, p, PRECISION) for title, p in OUTPUTS.items()}


def check_programme(claim: Assertions, name: str, alpha: float, T: int) -> None:
    """Agreement on tiny Shakespeare, to the rounding that both ways state."""
    law = shakespeare_law(alpha, ANSWERS[name], T)
    ours, theirs = values_of(law), programmed(name, alpha, T)
    counts, steps = count_moments(law).rounding, programme.rounding(law, PRECISION)
    for title, values in ours.items():
        times = ERRORS[title[0]]
        because = f"{times} factors off by {counts:.1e}, the bound of theory's counts, or {steps:.1e}, the programme's"
        claim.close(f"{title}, {name}", theirs[title], values, times * (counts + steps), because, scale=1.0)


@job("gradient moments", cost=4.0)
def simulated(name: str, alpha: float, samples: int, seed: int) -> dict[Layer, GradientMoments]:
    """Moments of both layers on sequences of tiny Shakespeare."""
    law = shakespeare_law(alpha, ANSWERS[name])
    return shared_gradient_moments(law, dict.fromkeys(LAYERS, samples), seed=seed, progress=False)
