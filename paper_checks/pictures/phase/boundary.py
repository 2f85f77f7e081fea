"""The curves π*(α) on which a contrast of the key-query step vanishes, as polylines inside the unit square.

π* = α + A/C has a pole where C vanishes and A does not. Where A is tiny, π* leaves the square only next to the pole:
the contrast then changes sign on a line that is vertical to the eye, and that line is drawn, as the two legs of π*.
"""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from theory import Task
from theory.key_query.phase_diagram import contrast_parts

Point = tuple[float, float]

RISE = 1 / 32  # largest step in π between neighbours, unless their distance in α is FINEST
FINEST = Fraction(1, 2**12)


class _Place(NamedTuple):
    """π* at one α, as far as the square shows it."""

    level: float  # π*, or the end of [0, 1] next to it
    upwards: bool  # whether A/C > 0, which says to which infinity π* runs at a pole
    C_positive: bool

    @property
    def outside(self) -> bool:
        return self.level in (0.0, 1.0)


def boundary(N: int, T: int, contrast: str, intervals: int = 64) -> list[list[Point]]:
    """Branches of {(α, π*(α))} inside the square, each a list of points of ascending α.

    π* is `Parts.zero` on a grid of `intervals` intervals (a power of 2), refined where π* is steep, leaves the
    square or has a pole. Nothing is joined across a pole.
    """
    grid = [Fraction(i, intervals) for i in range(intervals + 1)]
    places = {alpha: place for alpha in grid if (place := _place(N, T, alpha, contrast))}
    pending = list(pairwise(places))
    while pending:
        left, right = pending.pop()
        if right - left <= FINEST or not _is_coarse(places[left], places[right]):
            continue
        between = [(left + right) / 2, (2 * left + right) / 3]  # C may vanish at one of them
        middle, place = next((alpha, place) for alpha in between if (place := _place(N, T, alpha, contrast)))
        places[middle] = place
        pending += [(left, middle), (middle, right)]
    return _branches([(float(alpha), places[alpha]) for alpha in sorted(places)])


def _place(N: int, T: int, alpha: Fraction, contrast: str) -> _Place | None:
    """None where C = 0."""
    parts = contrast_parts(Task(N, T, alpha), contrast)
    level, (A, C) = parts.zero(alpha), parts
    return None if level is None else _Place(min(max(level, 0.0), 1.0), A * C > 0, C > 0)


def _is_coarse(one: _Place, other: _Place) -> bool:
    """Whether π* is steep, leaves the square or has a pole between two neighbours."""
    steep = abs(one.level - other.level) > RISE
    return steep or one.outside != other.outside or one.C_positive != other.C_positive


def _branches(places: list[tuple[float, _Place]]) -> list[list[Point]]:
    branches: list[list[Point]] = [[]]
    for (left, one), (right, other) in pairwise(places):
        if one.C_positive == other.C_positive:
            _extend(branches, (left, one.level), (right, other.level))
        else:
            pole = (left + right) / 2
            _extend(branches, (left, one.level), (pole, float(one.upwards)))
            branches.append([])
            _extend(branches, (pole, float(other.upwards)), (right, other.level))
    return [branch for branch in branches if branch]


def _extend(branches: list[list[Point]], start: Point, end: Point) -> None:
    """Add a piece of curve to the last branch, or begin a new one if the piece is outside of the square."""
    if start[1] == end[1] and start[1] in (0.0, 1.0):
        branches.append([])
    else:
        branches[-1] += [end] if branches[-1] else [start, end]
