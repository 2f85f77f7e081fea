"""Types of the arrays that associations are made of: what functions of `gradient_memory` take."""

from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from theory.arguments import AS_FLOATS, FINITE, Shape
from theory.arrays import Floats, Table

Outputs: TypeAlias = Annotated[Table, Shape("K d")]
Inputs: TypeAlias = Annotated[Table, Shape("Z e")]
Coefficients: TypeAlias = Annotated[Table, Shape("Z K")]
FiniteTable: TypeAlias = Annotated[Table, FINITE]
FiniteFloats: TypeAlias = Annotated[Floats, FINITE]
RealOutputs: TypeAlias = Annotated[ArrayLike, Shape("K d"), AS_FLOATS]
RealInputs: TypeAlias = Annotated[ArrayLike, Shape("Z e"), AS_FLOATS]
Weight: TypeAlias = Annotated[ArrayLike, Shape("d e"), AS_FLOATS]
Joint: TypeAlias = Annotated[ArrayLike, Shape("Z K"), AS_FLOATS]


def as_distribution(joint: ArrayLike) -> Floats:
    """`joint` if it is >= 0 with sum 1 up to rounding, else a ValueError."""
    law: Floats = np.asarray(joint)
    bound = 4 * law.size * np.finfo(np.float64).eps  # n numbers over their total, added up: n roundings each way
    if law.min() < 0 or abs(law.sum() - 1) > bound:
        raise ValueError(f"joint must be >= 0 with sum 1 within {bound:.1e}, got {law.min()} and {law.sum()}")
    return law
