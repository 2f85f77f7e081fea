"""Where along a family of laws the first key-query step at uniform p turns: exactly, and by the criterion.

A family is a function of one number to laws: a mixture of two laws by its share λ, or one law by its noise level α. For
mixtures K is a polynomial in λ, of degree at most 2 T + 4, and in α likewise. Its interpolant at Chebyshev's nodes, of
a degree at which the last quarter of the coefficients has died out, gives every change of sign that is not closer to
another one than the interpolant's error; two evaluations beside each one then prove it:

    sign K(low) and sign K(high) are opposite, and |K| is above its rounding bound at both.                    (51)

What the criterion predicts is the root of its leading order, equations (42) and (46), in the same interval.

Source: this project.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Chebyshev

from theory.arrays import Floats
from theory.law import Law, as_law
from theory.task import as_probability

from .criterion import Criterion, criterion, gradient_rounding

DEGREES = (16, 32, 64, 128, 256)
DIED_OUT = 2.0**-26
"""Of the largest coefficient, the most that is left of an interpolant's last quarter."""


@dataclass(frozen=True)
class SignChange:
    """One change of sign between `low` and `high`, proved by (51); `rising`: from < 0 to > 0."""

    low: float
    high: float
    rising: bool


@dataclass(frozen=True)
class Turns:
    """Where one attraction changes sign along a family, in order.

    Attributes:
        exact: of d·K.   predicted: roots of its leading order.   degree: of the interpolants.
    """

    exact: tuple[SignChange, ...]
    predicted: tuple[float, ...]
    degree: int


@dataclass(frozen=True)
class LookTurns:
    """Turns of the two attractions of `Criterion`."""

    noise: Turns
    follower: Turns


def mixture(one: Law, other: Law, share: float) -> Law:
    """(1-λ) one law + λ another, λ = share, in the chain, the first token, the answers and the noise.

    Raises:
        TypeError: not laws.
        ValueError: a share outside [0, 1], or laws of other sizes, lengths, triggers or noise levels.
    """
    weight = float(as_probability("share", share))
    left, right = as_law(one, "one").in_floats, as_law(other, "other").in_floats
    for name in ("M", "T", "trigger", "alpha"):
        ours, theirs = getattr(left, name), getattr(right, name)
        if ours != theirs:
            raise ValueError(f"one and other must have the same {name}, got {ours} and {theirs}")

    def mixed(name: str) -> Floats:
        values: Floats = (1 - weight) * getattr(left, name) + weight * getattr(right, name)
        return values

    return Law(
        mixed("chain"),
        T=left.T,
        trigger=left.trigger,
        alpha=left.alpha,
        first=mixed("first"),
        answers=mixed("answers"),
        noise=mixed("noise"),
    )


def turns(family: Callable[[float], Law], low: float, high: float) -> LookTurns:
    """Every change of sign of Σ_k ν_k K[E(k)] and K[P(q)] at uniform p along a family, from `low` to `high`.

    Raises:
        ValueError: not low < high.
        ArithmeticError: the highest degree does not resolve the family, or rounding hides a change of sign.
    """
    if not low < high:
        raise ValueError(f"low must be below high, got low={low} and high={high}")
    interpolants = _interpolants(lambda at: _looks(criterion(family(at))), low, high)
    found = []
    for column, name in enumerate(("noise", "follower")):
        exact, predicted = interpolants[column], interpolants[2 + column]

        def value(at: float, name: str = name) -> float:
            law = family(at)
            gradient: float = getattr(criterion(law), name).gradient
            return 0.0 if abs(gradient) <= gradient_rounding(law) else gradient

        changes = tuple(_proved(value, exact, root) for root in _roots(exact))
        found.append(Turns(changes, _roots(predicted), exact.degree()))
    return LookTurns(*found)


def _looks(found: Criterion) -> Floats:
    noise, follower = found.noise, found.follower
    return np.array([noise.gradient, follower.gradient, noise.predicted, follower.predicted])


def _interpolants(function: Callable[[float], Floats], low: float, high: float) -> list[Chebyshev]:
    """Of each entry of `function`, at the first of DEGREES at which all have died out."""
    for degree in DEGREES:
        nodes = np.polynomial.chebyshev.chebpts1(degree + 1)
        values = np.array([function(low + (high - low) * (node + 1) / 2) for node in nodes])
        coefficients = np.polynomial.chebyshev.chebvander(nodes, degree).T @ values * 2 / (degree + 1)
        coefficients[0] /= 2
        sizes = np.abs(coefficients)
        if (sizes[-(degree // 4) :].max(axis=0) <= DIED_OUT * sizes.max(axis=0)).all():
            return [Chebyshev(column, domain=[low, high]) for column in coefficients.T]
    raise ArithmeticError(f"degree {DEGREES[-1]} does not resolve the family between {low} and {high}")


def _roots(interpolant: Chebyshev) -> tuple[float, ...]:
    """Its real roots between the ends where it changes sign, in order."""
    low, high = interpolant.domain
    roots = interpolant.trim(DIED_OUT**2 * np.abs(interpolant.coef).max()).roots()
    real = np.sort(roots[np.abs(roots.imag) < DIED_OUT * (high - low)].real)
    inside = real[(real > low) & (real < high)]
    between = np.concatenate([[low], (inside[1:] + inside[:-1]) / 2, [high]])
    signs = np.sign(interpolant(between))
    return tuple(float(root) for root, before, after in zip(inside, signs, signs[1:], strict=False) if before != after)


def _proved(value: Callable[[float], float], interpolant: Chebyshev, root: float) -> SignChange:
    """The narrowest interval around a root, up to a factor of two, at whose ends the sign is certain, and opposite."""
    width = float(np.abs(root)) * DIED_OUT**1.5
    low, high = interpolant.domain
    while low < root - width and root + width < high:
        before, after = value(root - width), value(root + width)
        if before * after < 0:
            return SignChange(root - width, root + width, after > 0)
        width *= 2
    raise ArithmeticError(f"rounding hides the change of sign at {root}")
