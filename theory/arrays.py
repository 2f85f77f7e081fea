"""Types of arrays and numbers, each named once."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Number: TypeAlias = Any
"""Generic arithmetic: a `Fraction`, a ball (flint.arb), an element of a sympy field, with +, -, *, / and ** int."""
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]
"""Of `Fraction`s (dtype object) where exact=True, of float64 elsewhere."""
