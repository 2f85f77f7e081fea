"""Where along a family of laws the first key-query step at uniform p turns: exactly, and by the criterion.

A family is a function of one number to laws: a mixture of two laws by its share λ, or one law by its noise level α.
K is a polynomial in either, and smooth: an interpolant at few Chebyshev points is taken to be right to e, the sum of
the last quarter of its coefficients, which is small by then. `levels` gives every change of sign of what is within e of
the interpolant, or says that it cannot tell; two evaluations of K beside each one prove that it is there:

    sign K(low) and sign K(high) are opposite, and |K| is above its rounding bound at both.                    (45)

What the criterion predicts are the changes of sign of its leading order, equations (36) and (40).

Source: this project.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from theory.arguments import Probability, checked
from theory.arrays import Floats
from theory.law import AnyLaw, Law, as_law
from theory.scalars import wrong_kind

from .criterion import criterion, gradient_rounding
from .levels import Change, Interpolant, levels_with_ends

POINTS = (17, 33, 65, 129, 257)
"""Chebyshev points with both ends: those of an interpolant are among those of the next."""
DIED_OUT = 2.0**-26
"""Of the largest coefficient, the most that is left of each in an interpolant's last quarter."""


class UndecidedError(ArithmeticError, ValueError):
    """A family of laws between whose ends the changes of sign cannot be told."""


@checked
@dataclass(frozen=True)
class Turns:
    """Where one attraction changes sign along a family, by growing number.

    Attributes:
        exact: of d·K, with ends at which its sign is proved.   predicted: of its leading order.
    """

    exact: list[Change]
    predicted: list[Change]


@checked
@dataclass(frozen=True)
class LookTurns:
    """Turns of the two attractions of `Criterion`."""

    noise: Turns
    follower: Turns


@checked
def mix(one: AnyLaw, other: AnyLaw, share: Probability) -> Law:
    """(1-λ) one law + λ another, λ = share, in the chain, the first token, the answers and the noise.

    Raises:
        TypeError: not laws.
        ValueError: a share outside [0, 1], or laws of other sizes, lengths, triggers or noise levels.
    """
    weight = float(share)
    left, right = as_law(one).in_floats, as_law(other).in_floats
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


@checked
def turns(family: Callable[[float], Law], low: float, high: float) -> LookTurns:
    """Every change of sign of Σ_k ν_k K[E(k)] and K[P(q)] at uniform p along a family, from `low` to `high`.

    Raises:
        ValueError: not low < high.
        UndecidedError: the most points do not resolve the family, or an interpolant or rounding hides a change.
    """
    if not low < high:
        raise ValueError(f"low must be below high, got low={low} and high={high}")

    def at(share: float) -> Law:
        try:
            law = family(min(low + (high - low) * share, high))
        except (TypeError, ValueError) as error:
            raise ValueError(f"family must give laws from low={low} to high={high}: {error}") from error
        if not isinstance(law, AnyLaw):
            raise wrong_kind("family", "a function to laws", law)
        return as_law(law)

    interpolant = _interpolant(at)
    changes = interpolant.refined(interpolant.sign_changes())
    found = []
    for name, exact, predicted in zip(("noise", "follower"), changes[:2], changes[2:], strict=True):
        if exact is None or predicted is None:
            raise UndecidedError(f"{name}: a change of sign between low={low} and high={high} cannot be told from none")
        proved = [_proved(at, name, change) for change in exact]
        ends = [
            [Change(low + (high - low) * c[0], low + (high - low) * c[1], c[2]) for c in of]
            for of in (proved, predicted)
        ]
        found.append(Turns(*ends))
    return LookTurns(*found)


def _interpolant(at: Callable[[float], Law]) -> Interpolant:
    """Of the gradients and the leading orders of noise and follower on [0, 1], by the fewest of POINTS."""
    known: dict[Fraction, tuple[list[float], float]] = {}
    for points in POINTS:
        angles = [Fraction(place, points - 1) for place in range(points)]
        for angle, share in zip(angles, levels_with_ends(points), strict=True):
            if angle not in known:
                known[angle] = _attracted(at(float(share)))
        values, roundings = zip(*(known[angle] for angle in angles), strict=True)
        interpolant = Interpolant.with_ends(np.array(values), max(roundings))
        sizes = np.abs(interpolant.coefficients)
        last = sizes[-(points // 4) :]
        if (last.max(axis=0) <= DIED_OUT * sizes.max(axis=0)).all():
            return Interpolant(interpolant.coefficients, interpolant.error + last.sum(axis=0))
    raise UndecidedError(f"{POINTS[-1]} points do not resolve the family")


def _attracted(law: Law) -> tuple[list[float], float]:
    """Gradients of noise and follower, their leading orders, and the bound on the gradients' rounding."""
    found = criterion(law)
    looks = found.noise, found.follower
    return [*(one.gradient for one in looks), *(one.predicted for one in looks)], gradient_rounding(law)


def _proved(at: Callable[[float], Law], name: str, change: Change) -> Change:
    """A change of sign, widened until (45) holds."""
    low, high = float(change.low), float(change.high)
    while low > 0 and high < 1:
        if _sign(at(low), name) == -change.direction and _sign(at(high), name) == change.direction:
            return Change(low, high, change.direction)
        low, high = low - (high - low), high + (high - low)
    raise UndecidedError(f"{name}: rounding hides a change of sign near {change.low}")


def _sign(law: Law, name: str) -> int:
    """Of an attraction's gradient, 0 where rounding may have made it."""
    gradient: float = getattr(criterion(law), name).gradient
    return int(np.sign(gradient)) if abs(gradient) > gradient_rounding(law) else 0
