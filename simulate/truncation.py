"""Low-rank parts of a weight matrix, from one exact singular value decomposition.

W = Σ_i σ_i u_i v_iᵀ with σ_1 >= σ_2 >= …, k = min(rows, columns) terms. The top part of rank r keeps the terms 1..r
and is a nearest matrix of rank <= r (Eckart-Young); the bottom part of rank r keeps the terms k-r+1..k. So the top part
of rank r and the bottom part of rank k-r add up to W. Where σ_r = σ_{r+1} the top part depends on an arbitrary
basis of the singular space; its distance from W, sqrt(Σ_{i > r} σ_i²), does not.

Source: Chen, Bruna, Bietti (ICLR 2025), truncation of feed-forward weights; layer-selective rank reduction (LASER).
"""

import math
from fractions import Fraction
from functools import cached_property
from typing import Generic, Literal, TypeAlias, TypeVar, get_args

import numpy as np
import scipy.linalg
import torch

from simulate.runtime.arrays import Array, Floats
from simulate.runtime.byte_limit import require_bytes
from theory.arguments import Natural, Probability, checked
from theory.scalars import RealNumber

Weight = TypeVar("Weight", Array, torch.Tensor)

FLOATING = ("float16", "bfloat16", "float32", "float64")
Keep: TypeAlias = Literal["top", "bottom"]
PARTS: tuple[Keep, ...] = get_args(Keep)


@checked
class Spectrum(Generic[Weight]):
    """The singular value decomposition of one matrix, computed at first use and reused for every rank.

    Holds a copy of the matrix: what happens to the original later does not matter. Made by `decompose`.
    """

    def __init__(self, weight: Weight) -> None:
        _check_weight(weight)
        rows, columns = weight.shape
        needed = 8 * (3 * rows * columns + 8 * min(rows, columns) ** 2)
        require_bytes(
            f"weight of shape {(rows, columns)}: singular vectors", needed, _place(weight), "use a smaller one"
        )
        self._weight: Weight = _copy(weight)

    @cached_property
    def _factors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        left, values, right = singular_factors(_double(self._weight))
        if not torch.isfinite(values).all():
            raise ValueError("weight must have singular values within the range of float64, they overflow")
        return left, values, right

    @property
    def values(self) -> Floats:
        """Singular values σ_1 >= … >= σ_k, float64, shape (k,)."""
        return _array(self._factors[1])

    @property
    def left(self) -> Floats:
        """Left singular vectors u_i as columns, float64, shape (rows, k)."""
        return _array(self._factors[0])

    @property
    def right(self) -> Floats:
        """Right singular vectors v_i as columns, float64, shape (columns, k)."""
        return _array(self._factors[2].T)

    @checked
    def truncate(
        self, rank: Natural | None = None, *, fraction: Probability | None = None, keep: Keep = "top"
    ) -> Weight:
        """The part of the given rank; arguments, result and errors as for `simulate.truncate`."""
        size = min(self._weight.shape)
        kept = as_rank(size, rank, fraction)
        if kept == size:
            return _copy(self._weight)
        if kept == 0:
            return _like(self._weight, torch.zeros(self._weight.shape, dtype=torch.float64))
        left, values, right = self._factors
        part = slice(0, kept) if keep == "top" else slice(size - kept, size)
        return _like(self._weight, (left[:, part] * values[part]) @ right[part])


@checked
def decompose(weight: Weight) -> Spectrum[Weight]:
    """The singular value decomposition of `weight`, to be reused for every rank.

    Args:
        weight: as for `truncate`.

    Returns:
        `Spectrum` with `.values`, `.left`, `.right` and `.truncate(rank, fraction=, keep=)`.

    Raises:
        TypeError, ValueError: as for `truncate`.
    """
    return Spectrum(weight)


@checked
def truncate(
    weight: Weight, rank: Natural | None = None, *, fraction: Probability | None = None, keep: Keep = "top"
) -> Weight:
    """The part of `weight` made of its largest or smallest singular directions.

    Computed in float64 on the weight's device (on the CPU where the device has no float64) and rounded once to the
    weight's type. At full rank the result is a copy, bit by bit; at rank 0 it is zero.

    Args:
        weight: numpy array or torch tensor, two-dimensional, not empty, of type float16, bfloat16, float32 or float64.
            It is neither changed nor aliased.
        rank: number r of directions kept, in 0..k with k = min(weight.shape).
        fraction: r / k in [0, 1], in place of the rank: r is the integer nearest to fraction · k, the greater one of
            two. A float stands for the shortest decimal that denotes it: 0.3 · 5 is the tie 1.5 and gives 2.
        keep: "top" for the r largest singular values (a best approximation of rank r), "bottom" for the r smallest.

    Returns:
        An array or tensor of the same kind, shape, type and device; a tensor without gradient.

    Raises:
        TypeError: a weight of another kind or type, a rank that is no integer, a fraction that is no real number.
        ValueError: a weight of another shape, NaN or infinite entries, singular values beyond float64 or results beyond
            the weight's type, more than the memory holds; both or neither of rank and fraction, or one out of range;
            another `keep`.

    Source: Chen, Bruna, Bietti (ICLR 2025), low-rank truncation.
    """
    return decompose(weight).truncate(rank, fraction=fraction, keep=keep)


@checked
def remove_direction(weight: Weight, right: torch.Tensor | Array) -> Weight:
    """W - (W v) vᵀ: `weight` made zero on the direction v of its inputs, and unchanged on all that is orthogonal to v.

    If v is a right singular vector this drops the term σ u vᵀ of the decomposition.

    Args:
        weight: as for `truncate`, shape (rows, columns).
        right: v, numpy array or torch tensor of shape (columns,), float32 or float64, of Euclidean norm 1 up to the
            rounding of its type, 4 · columns · epsilon; what is left of the deviation is divided out.

    Returns:
        As for `truncate`.

    Raises:
        TypeError, ValueError: a weight that `truncate` refuses, or another kind, type, shape or norm of `right`.
    """
    _check_weight(weight)
    matrix = _double(weight)
    direction = _as_unit("right", right, weight.shape[1]).to(matrix.device)
    return _like(weight, matrix - torch.outer(matrix @ direction, direction / direction.dot(direction)))


def singular_factors(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Factors u, σ, vᵀ; where divide and conquer does not converge, by the slower QR iteration."""
    try:
        left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        array = matrix.numpy(force=True)
        factors = scipy.linalg.svd(array, full_matrices=False, lapack_driver="gesvd")
        left, values, right = (torch.from_numpy(factor).to(matrix.device) for factor in factors)
    return left, values, right


def as_rank(size: int, rank: int | None, fraction: RealNumber | None) -> int:
    """The rank asked for, of a matrix that has `size` directions; errors as for `truncate`."""
    if (rank is None) == (fraction is None):
        raise ValueError(f"give exactly one of rank and fraction, got rank = {rank!r} and fraction = {fraction!r}")
    if rank is None:
        exact = Fraction(repr(fraction)) if isinstance(fraction, float) else Fraction(fraction or 0)
        return math.floor(exact * size + Fraction(1, 2))
    if rank > size:
        raise ValueError(f"rank must be at most min(weight.shape) = {size}, got {rank}")
    return rank


def _type_name(values: Array | torch.Tensor) -> str:
    return str(values.dtype).removeprefix("torch.") if isinstance(values, torch.Tensor) else values.dtype.name


def _check_kind(name: str, values: object, types: tuple[str, ...]) -> None:
    kind = type(values).__name__
    if not isinstance(values, np.ndarray | torch.Tensor) or isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a numpy array or a torch tensor, got {values!r:.80} ({kind})")
    if _type_name(values) not in types:
        raise TypeError(f"{name} must be of type {', '.join(types)}, got {_type_name(values)}")
    if isinstance(values, torch.Tensor) and (values.layout != torch.strided or values.is_meta):
        raise TypeError(f"{name} must be a dense tensor with data, got layout {values.layout} on {values.device}")


def _check_weight(weight: Array | torch.Tensor) -> None:
    _check_kind("weight", weight, FLOATING)
    shape = tuple(weight.shape)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"weight must have shape (rows, columns), both >= 1, got {shape}")
    finite = torch.isfinite(weight) if isinstance(weight, torch.Tensor) else np.isfinite(weight)
    if not finite.all():
        raise ValueError("weight must be finite, got NaN or infinite entries")


def _as_unit(name: str, vector: Array | torch.Tensor, length: int) -> torch.Tensor:
    _check_kind(name, vector, ("float32", "float64"))
    if tuple(vector.shape) != (length,):
        raise ValueError(f"{name} must have shape (columns,) = {(length,)}, got {tuple(vector.shape)}")
    unit, bound = _double(vector), 4 * length * float(np.finfo(_type_name(vector)).eps)
    norm = float(torch.linalg.vector_norm(unit))
    if not abs(norm - 1) <= bound:  # NaN fails too
        raise ValueError(f"{name} must have norm 1 within {bound:.1e}, got {norm}")
    return unit


def _array(tensor: torch.Tensor) -> Floats:
    return np.array(tensor.numpy(force=True), dtype=np.float64)


def _place(values: Array | torch.Tensor) -> torch.device:
    """Where to compute: on the tensor's GPU if it knows float64, else on the CPU."""
    return values.device if isinstance(values, torch.Tensor) and values.is_cuda else torch.device("cpu")


def _double(values: Array | torch.Tensor) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values.detach().to(_place(values)).to(torch.float64)
    return torch.from_numpy(np.array(values, dtype=np.float64))


def _copy(values: Weight) -> Weight:
    return values.detach().clone() if isinstance(values, torch.Tensor) else np.array(values)


def _like(weight: Weight, result: torch.Tensor) -> Weight:
    """`result` in the kind, type and device of `weight`; an entry beyond the type's range is an error, not infinite."""
    rounded = result.to(getattr(torch, _type_name(weight)))
    if not torch.isfinite(rounded).all():
        largest = float(result.abs().max())
        raise ValueError(f"weight has type {_type_name(weight)}, and an entry of the result, {largest}, is beyond it")
    if isinstance(weight, torch.Tensor):
        return rounded.to(weight.device)
    return rounded.numpy(force=True).astype(weight.dtype)
