"""Noise levels at which quantities change sign: exactly for small polynomials, certified in floats for large ones.

What a law's first T positions give is a polynomial in α of degree at most T. Roots of small ones are isolated exactly.
Large ones are interpolated at T + 1 Chebyshev points α = cos² θ/2, without an error but for roundings, p(θ) = Σ_k c_k
cos kθ. As |p''| <= Σ k² |c_k|, a value on a grid in θ holds in its cell, of half-width h, up to h |p'| + h²/2 Σ k²
|c_k|: the sign is certified where |p| is larger, and one change of sign at most where that can be said of the
derivative with respect to α.

Source: this project.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import flint
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.fft import dct

from theory.arguments import checked
from theory.arrays import Floats
from theory.evaluation import ball_arithmetic

CELLS = 2**11
"""Cells of the grid in θ."""
_EDGES = np.sin(np.arange(CELLS + 1) * np.pi / (2 * CELLS)) ** 2
_MIDDLES = np.sin((np.arange(CELLS) + 0.5) * np.pi / (2 * CELLS)) ** 2
_AT_ONCE = 256


@checked
class Change(NamedTuple):
    """A change of sign between the levels low < high: +1 from <= 0 to > 0 with growing α, -1 from > 0 to <= 0."""

    low: float | Fraction
    high: float | Fraction
    direction: Literal[-1, 1]


def exact_sign_changes(polynomials: Iterable[flint.fmpq_poly], positive: Callable[[Fraction], bool]) -> list[Change]:
    """Every change of sign inside (0, 1), by growing α, of a function that changes it at roots of polynomials alone.

    Args:
        polynomials: in α; constants do not count.
        positive: whether the function is > 0 at a rational level.

    Returns:
        brackets at most 2^-60 wide, but where roots are nearer to each other than that.
    """
    joined: list[tuple[Fraction, Fraction]] = []
    for low, high in sorted(bracket for polynomial in polynomials for bracket in _real_roots(polynomial)):
        if joined and low <= joined[-1][1]:
            low, high = joined[-1][0], max(high, joined.pop()[1])
        joined.append((low, high))
    edges = [Fraction(0), *(end for bracket in joined for end in bracket), Fraction(1)]
    signs = [positive((low + high) / 2) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    return [
        Change(low, high, 1 if after else -1)
        for (low, high), before, after in zip(joined, signs, signs[1:], strict=False)
        if before != after
    ]


def _real_roots(polynomial: flint.fmpq_poly) -> list[tuple[Fraction, Fraction]]:
    """Brackets of the roots in (0, 1), inside it."""
    wide, found = Fraction(1, 2**62), []
    with ball_arithmetic(100):
        roots: Any = polynomial.numer().complex_roots() if polynomial.degree() > 0 else []
        for root, _ in roots:
            if root.imag == 0 and 0 < root.real < 1:
                middle = _as_fraction(root.real.mid())
                found.append((max(middle - wide, Fraction(0)), min(middle + wide, Fraction(1))))
    return found


def _as_fraction(number: Any) -> Fraction:
    mantissa, exponent = number.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


@dataclass(frozen=True, eq=False)
class Interpolant:
    """Functions of α on [0, 1], polynomials of degree below n, by their Chebyshev coefficients of shape (n, F).

    Attributes:
        coefficients: of cos kθ, α = cos² θ/2.
        error: how far the values may be off, shape (F,).
    """

    coefficients: Floats
    error: Floats

    @classmethod
    def of(cls, values: Floats, error: Floats | float) -> "Interpolant":
        """From values (n, F) at `chebyshev_levels(n)`, right to `error`; Lebesgue's constant is below 2 + log n."""
        coefficients = dct(values, axis=0, type=2) / len(values)
        coefficients[0] /= 2
        return cls._rounded(coefficients, error)

    @classmethod
    def with_ends(cls, values: Floats, error: Floats | float) -> "Interpolant":
        """From values (n, F) at `levels_with_ends(n)`, with the same bound."""
        coefficients = dct(values, axis=0, type=1) / (len(values) - 1)
        coefficients[[0, -1]] /= 2
        return cls._rounded(coefficients, error)

    @classmethod
    def _rounded(cls, coefficients: Floats, error: Floats | float) -> "Interpolant":
        points = len(coefficients)
        sums = np.abs(coefficients).sum(axis=0)  # the transform adds a rounding per halving
        rounded = 4 * np.log2(points) * np.finfo(np.float64).eps * sums
        return cls(coefficients, (2 + np.log(points)) * (error + rounded))

    def sign_changes(self) -> list[list[Change] | None]:
        """Every change of sign of each function on [0, 1], by growing α; None where it cannot be certified.

        A bracket that begins at 0 or ends at 1 may hold no change if the value there cannot be told from 0.
        """
        points = len(self.coefficients)
        found: list[list[Change] | None] = []
        for first in range(0, self.coefficients.shape[1], _AT_ONCE):
            part, error = self.coefficients[:, first : first + _AT_ONCE], self.error[first : first + _AT_ONCE]
            values, slack = _on_cells(part)
            slopes, slope_slack = _on_cells(2 * chebyshev.chebder(part))
            certain = np.abs(values) > slack + error
            steep = np.abs(slopes) > slope_slack + 2 * points**2 * error  # by Markov's inequality
            ends = np.array([(part.T * sign ** np.arange(points)).sum(axis=1) for sign in (-1.0, 1.0)])  # at α = 0, 1
            signs = (np.where(np.abs(ends) > error, np.sign(ends), 0)).T
            found += map(_changes, values.T > 0, certain.T, slopes.T > 0, steep.T, signs)
        return found

    def refined(self, changes: list[list[Change] | None]) -> list[list[Change] | None]:
        """The brackets of `sign_changes` narrowed for as long as the signs at their ends are certain."""
        places = [(f, i) for f, one in enumerate(changes) if one for i in range(len(one))]
        found = [one if one is None else list(one) for one in changes]
        if not places:
            return found
        columns = [f for f, _ in places]
        low, high, up = np.array([changes[f][i] for f, i in places]).T  # type: ignore[index]
        part = Interpolant(self.coefficients[:, columns], self.error[columns])
        ends = []
        for end, other, before in ((low, high, -up), (high, low, up)):
            certain, doubtful = end, other  # at the first, not at the second, the sign is what it is at the end
            for _ in range(50):
                middle = (certain + doubtful) / 2
                held = before * part.at(middle) > part.error
                certain, doubtful = np.where(held, middle, certain), np.where(held, doubtful, middle)
            ends.append(certain)
        low, high = ends
        for (f, i), *bracket in zip(places, low, high, up, strict=True):
            found[f][i] = Change(float(bracket[0]), float(bracket[1]), 1 if bracket[2] > 0 else -1)  # type: ignore[index]
        return found

    def at(self, levels: Floats) -> Floats:
        """Each function's value at a level of its own; both of shape (F,)."""
        angles = 2 * np.arccos(np.sqrt(levels))
        return np.asarray((self.coefficients * np.cos(np.arange(len(self.coefficients))[:, None] * angles)).sum(axis=0))


def chebyshev_levels(points: int) -> Floats:
    """α = cos² θ/2 at the middles of as many cells of [0, π]: falling."""
    return np.asarray(np.cos((np.arange(points) + 0.5) * np.pi / (2 * points)) ** 2)


def levels_with_ends(points: int) -> Floats:
    """α = cos² θ/2 at the ends of cells, one fewer than points, of [0, π]: falling from 1 to 0."""
    return np.asarray(np.cos(np.arange(points) * np.pi / (2 * (points - 1))) ** 2)


def _on_cells(coefficients: NDArray[Any]) -> tuple[Floats, Floats]:
    """Values at the cells' middles, by growing α, and how far they are off inside a cell at most; both (CELLS, F)."""
    half, order = np.pi / (2 * CELLS), np.arange(len(coefficients))[:, None]
    sines = 2 * np.sqrt(_MIDDLES * (1 - _MIDDLES))[:, None]  # sin θ
    curvature = (order**2 * np.abs(coefficients)).sum(axis=0)
    slack = half * sines * np.abs(_at_middles(chebyshev.chebder(coefficients))) + half**2 / 2 * curvature
    return _at_middles(coefficients), slack


def _at_middles(coefficients: NDArray[Any]) -> Floats:
    padded = np.zeros((CELLS, coefficients.shape[1]))
    padded[: len(coefficients)] = coefficients
    padded[1:] /= 2
    return np.asarray(dct(padded, axis=0, type=3)[::-1])


def _changes(above: Any, certain: Any, rising: Any, steep: Any, ends: Any) -> list[Change] | None:
    """The changes of sign of one function from what is certain in every cell and at the ends, by growing α."""
    unknown = np.flatnonzero(~certain)
    groups = np.split(unknown, np.flatnonzero(np.diff(unknown) > 1) + 1) if unknown.size else []
    found = []
    for group in groups:
        first, end = int(group[0]), int(group[-1]) + 1
        up: Literal[-1, 1] = 1 if rising[first] else -1
        if not steep[group].all() or (rising[group] != rising[first]).any():
            return None
        before = (1 if above[first - 1] else -1) if first > 0 else int(ends[0])
        after = (1 if above[end] else -1) if end < CELLS else int(ends[1])
        if 0 != before == after:  # it comes near to 0
            continue
        if before == up or after == -up:
            return None
        found.append(Change(float(_EDGES[first]), float(_EDGES[end]), up))
    return found
