"""Certified sign regions of the key-query step over the (α, π) square, by interval arithmetic.

The closed forms of `step` are evaluated on truncated power series with ball coefficients (Arb, through
python-flint): on α = m + h, |h| <= r,

    F(m + h) ∈ Σ_{i<n} f_i(m) h^i + f_n([m - r, m + r]) h^n        (Taylor's theorem with Lagrange's remainder),

so that a contrast A + (α-π) C = F(α) - π H(α), with F = A + αC and H = C, lies within q_0 ± Σ_{i>=1} |q_i| r^i, where
the q_i are the coefficients of F - πH. Being affine in π, it has one sign on a box if it has that sign on both of the
box's edges π = const. A sign is proved when the ball lies strictly on one side of 0; otherwise the box is split, and
at the smallest width it is reported as undecided, never as false.

Source: this project. Arb: Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic" (2017).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

import flint
from annotated_types import Ge, Le, MinLen

from theory.arguments import Natural, Size, checked
from theory.evaluation import ball_arithmetic
from theory.task import RealNumber

from .phase_diagram import CONTRASTS, Contrast
from .step import Combinations, KeyQuery, combine

Balls: TypeAlias = list[flint.arb]

ORDER = 8  # n above
PRECISION = 192  # bits: K is of order N^{-3} beside terms of order 1, so most bits are guard bits
MOST_N = 2**32
"""Arb rounds a radius to 30 bits: for larger N the ball of α + 1/N next to α = 0, which formulas divide by, holds 0."""
SHARP = 2.0**-24  # remainder / size below which an enclosure serves for the halves of its interval too
COARSEST = 4  # boxes are at most 1/16 wide
DEEPEST = 12  # a level has up to four times the undecided boxes of the one above

CertifiedSize: TypeAlias = Annotated[int, Ge(2), Le(MOST_N)]
Depth: TypeAlias = Annotated[int, Ge(COARSEST), Le(DEEPEST)]
Level: TypeAlias = Annotated[int, Ge(0), Le(2 * DEEPEST)]


@checked
@dataclass(frozen=True)
class Box:
    """A box (column + [0, 1]) / 2^level of α times (row + [0, 1]) / 2^level of π, with the proved signs."""

    level: Level
    column: Natural
    row: Natural
    signs: Mapping[str, int] = field(default_factory=dict)
    """+1 or -1 where proved, 0 where undecided, per contrast of `phase_diagram.CONTRASTS`."""

    @property
    def width(self) -> Fraction:
        """Side length."""
        return Fraction(1, 2**self.level)

    @property
    def corner(self) -> tuple[Fraction, Fraction]:
        """Lowest α and lowest π."""
        return self.column * self.width, self.row * self.width

    def quarters(self) -> list["Box"]:
        """Its four quarters, without signs."""
        return [Box(self.level + 1, 2 * self.column + i, 2 * self.row + j) for i in (0, 1) for j in (0, 1)]


@checked
@dataclass(frozen=True)
class Regions:
    """A subdivision of the (α, π) square for one (N, T)."""

    N: Size
    T: Size
    boxes: Annotated[tuple[Box, ...], MinLen(1)]

    @checked
    def area(self, contrast: Contrast, sign: Literal[-1, 0, 1]) -> Fraction:
        """Area on which a contrast has the given sign; 0 for undecided.   Raises: ValueError for any other value."""
        return sum((box.width**2 for box in self.boxes if box.signs[contrast] == sign), Fraction(0))

    def decided(self) -> Fraction:
        """Area on which every contrast has a proved sign."""
        return sum((box.width**2 for box in self.boxes if all(box.signs.values())), Fraction(0))

    @checked
    def box_at(self, alpha: RealNumber, absorption: RealNumber) -> Box:
        """The box that holds a point of [0, 1)², lower edges included.   Raises: ValueError for any other point."""
        inside = 0 <= alpha < 1 and 0 <= absorption < 1  # NaN is not
        for level in range(COARSEST, self._depth + 1) if inside else ():
            key = level, math.floor(alpha * 2**level), math.floor(absorption * 2**level)
            if key in self._by_place:
                return self._by_place[key]
        raise ValueError(f"(alpha, absorption) must lie in [0, 1) × [0, 1), got ({alpha}, {absorption})")

    @cached_property
    def _by_place(self) -> dict[tuple[int, int, int], Box]:
        return {(box.level, box.column, box.row): box for box in self.boxes}

    @cached_property
    def _depth(self) -> int:
        return max(box.level for box in self.boxes)


@checked
def certify(N: CertifiedSize, T: Size, depth: Depth = 9) -> Regions:
    """Boxes of width at least 2^-depth on which the signs of both contrasts are proved, or reported as undecided.

    Args:
        N, T: task sizes, 2 <= N <= 2^32, T >= 2.
        depth: smallest box width is 2^-depth, depth in 4..12.

    Raises:
        TypeError, ValueError: N, T or depth of another type or out of range.
    """
    with ball_arithmetic(PRECISION, ORDER + 1):
        enclosures = Enclosures(N, T, CONTRASTS)
        pending = [Box(COARSEST, i, j) for i in range(2**COARSEST) for j in range(2**COARSEST)]
        done = []
        while pending:
            box = pending.pop()
            signs = {contrast: enclosures.sign(contrast, box) for contrast in CONTRASTS}
            if all(signs.values()) or box.level == depth:
                done.append(Box(box.level, box.column, box.row, signs))
            else:
                pending.extend(box.quarters())
    return Regions(N, T, tuple(done))


@checked
def certify_absorbed(
    N: CertifiedSize, T: Size, contrasts: Combinations, depth: Depth = 9
) -> dict[str, list[tuple[Fraction, Fraction, int]]]:
    """Intervals of α, of width at least 2^-depth, with the proved sign of each contrast at absorbed p (0: undecided).

    Args:
        N, T, depth: as for `certify`.
        contrasts: coefficients of K's classes by name, such as `phase_diagram.ranking_contrasts(task)`.

    Returns:
        (low, high, sign) per interval, in ascending order; they tile [0, 1]. The last one is undecided, because K = 0
        at α = 1.

    Raises:
        TypeError, ValueError: as for `certify`, and for contrasts of another type or with an unknown class.
    """
    found: dict[str, list[tuple[Fraction, Fraction, int]]] = {}
    with ball_arithmetic(PRECISION, ORDER + 1):
        enclosures = Enclosures(N, T, contrasts)
        for contrast in contrasts:
            pending = [(COARSEST, column) for column in reversed(range(2**COARSEST))]
            found[contrast] = []
            while pending:
                level, column = pending.pop()
                sign = enclosures.absorbed_sign(contrast, level, column)
                if sign or level == depth:
                    found[contrast].append((Fraction(column, 2**level), Fraction(column + 1, 2**level), sign))
                else:
                    pending += [(level + 1, 2 * column + 1), (level + 1, 2 * column)]
    return found


class Enclosures:
    """Polynomials with ball coefficients that enclose F and H of every contrast on dyadic intervals of α."""

    def __init__(self, N: int, T: int, contrasts: Mapping[str, Mapping[str, int]]) -> None:
        self.N, self.T, self.contrasts = N, T, contrasts
        self._found: dict[tuple[int, int], dict[str, tuple[Balls, Balls]]] = {}
        self._sharp: dict[tuple[int, int], bool] = {}

    def sign(self, contrast: str, box: Box) -> int:
        """The proved sign of a contrast on a box, or 0."""
        F, H = self.on(box.level, box.column)[contrast]
        radius = flint.arb(1) / 2 ** (box.level + 1)
        found = {sign_within(F, H, flint.arb(box.row + edge) / 2**box.level, radius) for edge in (0, 1)}
        return found.pop() if len(found) == 1 else 0

    def absorbed_sign(self, contrast: str, level: int, column: int) -> int:
        """The proved sign of a contrast at π = α on one interval of α, or 0: that of F - (m + h) H = A."""
        F, H = self.on(level, column)[contrast]
        middle, radius = flint.arb(2 * column + 1) / 2 ** (level + 1), flint.arb(1) / 2 ** (level + 1)
        zero = flint.arb(0)
        A = [f - middle * h - before for f, h, before in zip([*F, zero], [*H, zero], [zero, *H], strict=True)]
        return sign_within(A, [zero] * len(A), zero, radius)

    def on(self, level: int, column: int) -> dict[str, tuple[Balls, Balls]]:
        """Coefficients of F and H per contrast, around the middle of the interval."""
        key = level, column
        if key not in self._found:
            above = level - 1, column // 2
            if level > COARSEST and self.is_sharp(*above):
                offset = flint.arb(2 * (column % 2) - 1) / 2 ** (level + 1)
                shift = flint.arb_poly([offset, 1])
                self._found[key] = {
                    contrast: (_shifted(F, shift), _shifted(H, shift)) for contrast, (F, H) in self.on(*above).items()
                }
                self._sharp[key] = True
            else:
                self._direct(level, column)
        return self._found[key]

    def is_sharp(self, level: int, column: int) -> bool:
        """Whether the enclosure's remainder is negligible."""
        self.on(level, column)
        return self._sharp[level, column]

    def _direct(self, level: int, column: int) -> None:
        """Enter the interval's own series: coefficients at its middle, remainder over all of it."""
        radius = flint.fmpq(1, 2 ** (level + 1))
        middle = (2 * column + 1) * radius
        centre, whole = self._series(flint.arb(middle)), self._series(flint.arb(middle, radius))
        self._found[level, column] = {
            contrast: (_joined(F, whole[contrast][0]), _joined(H, whole[contrast][1]))
            for contrast, (F, H) in centre.items()
        }
        self._sharp[level, column] = all(
            terms_are_sharp(terms, 0.5 ** (level + 1)) for pair in self._found[level, column].values() for terms in pair
        )

    def _series(self, level: flint.arb) -> dict[str, tuple[flint.arb_series, flint.arb_series]]:
        """T³ F and T³ H per contrast as power series around a noise level (a ball)."""
        alpha = flint.arb_series([level, 1])
        parts = KeyQuery(flint.arb(self.N), self.T, alpha).scaled_parts
        found = {}
        for contrast, coefficients in self.contrasts.items():
            part = combine(parts, coefficients)
            found[contrast] = (part.at(alpha), part.noise + 0 * alpha)
        return found


def _joined(centre: flint.arb_series, whole: flint.arb_series) -> Balls:
    return [centre[i] for i in range(ORDER)] + [whole[ORDER]]


def terms_are_sharp(terms: Balls, radius: float) -> bool:
    """Whether a Taylor enclosure is finite and its remainder small beside its terms, at this radius."""
    sizes = [abs(term).upper() * flint.arb(radius) ** i for i, term in enumerate(terms)]
    return all(size.is_finite() for size in sizes) and bool(sizes[ORDER] <= SHARP * sum(sizes, flint.arb(0)))


def _shifted(coefficients: Balls, shift: flint.arb_poly) -> Balls:
    moved = flint.arb_poly(coefficients)(shift)
    return [moved[i] for i in range(ORDER + 1)]


def sign_within(F: Balls, H: Balls, absorption: flint.arb, radius: flint.arb) -> int:
    """Sign of F - πH for |h| <= radius if its enclosure excludes 0, else 0."""
    coefficients = [f - absorption * h for f, h in zip(F, H, strict=True)]
    spread = sum((abs(c) * radius**i for i, c in enumerate(coefficients[1:], start=1)), flint.arb(0))
    if coefficients[0] - spread > 0:
        return 1
    return -1 if coefficients[0] + spread < 0 else 0
