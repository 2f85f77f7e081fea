"""Types of arrays, each named once."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Array: TypeAlias = NDArray[Any]
"""Of a dtype that is checked where it matters."""
