"""The numbers of the memories' pictures at small sizes, computed once for all tests of them."""

from fractions import Fraction
from functools import cache, partial

import pytest

from paper_checks.pictures import memory_data as data

LEVEL = Fraction(3, 10)
POINTS, DOTS = 12, 3
ROW = cache(data.row)
FULL = data.all_curves


@cache
def all_curves(alpha=LEVEL):
    """Fewer points per curve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "curves", partial(data.curves, points=POINTS, dots=DOTS))
        return FULL(alpha)
