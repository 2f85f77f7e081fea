"""One gradient step on one matrix of a `TwoLayer`, at infinite width or with random embeddings of finite width."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Count, Seed, Shape, Size, checked

from .model import MatrixName, TwoLayer


@checked
@dataclass(frozen=True, eq=False)
class Grams:
    """Inner products of the embeddings that a matrix of finite width stands between; identities at infinite width.

    Attributes:
        outputs: of the N output vectors, shape (N, N).
        values: of the value vectors of the features [E, P, E1, P1], shape (2(N+T), 2(N+T)).
        residual: of the residual stream's vectors of the same features, as keys and as queries, same shape.
    """

    outputs: Annotated[Floats, Shape("N N")]
    values: Annotated[Floats, Shape("K K")]
    residual: Annotated[Floats, Shape("K K")]


@checked
def gaussian_grams(N: Size, T: Size, width: Count, *, seed: Seed) -> Grams:
    """Grams of independent Gaussian embeddings in `width` dimensions, entries of variance 1/width.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, or more than the memory holds.

    Source: Bietti et al. (NeurIPS 2023), random embeddings and remapped embeddings as nearly orthonormal vectors.
    """
    draws = np.random.Generator(np.random.SFC64(seed))
    counts = (N, 2 * (N + T), 2 * (N + T))
    needed = 8 * sum(count * (count + width) for count in counts)
    what = f"N = {N}, T = {T} and width = {width}: inner products"
    require_bytes(what, needed, CPU, "use fewer tokens, positions or dimensions")
    vectors = [draws.standard_normal((count, width)) / width**0.5 for count in counts]
    return Grams(*(rows @ rows.T for rows in vectors))


@checked
def gradient_step(
    model: TwoLayer,
    matrix: MatrixName,
    gradient: Floats,
    size: float,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    grams: Grams | None = None,
) -> TwoLayer:
    """A new model, after a step of this size on one matrix that sees only some feature blocks.

    A matrix between embeddings X on its left and Y on its right, one row per feature, learns associations C as Xᵀ C Y
    and acts on the features as X Xᵀ C Y Yᵀ; its gradient step adds `size` times the gradient in one-hot coordinates to
    C, restricted to the blocks that are seen. So finite width needs the Grams X Xᵀ and Y Yᵀ alone.

    Args:
        model: the model before the step; it is left as it is.
        matrix: "W_O", "W_K2" or "W_K1".
        gradient: negative gradient in one-hot coordinates, a finite real array of the matrix's shape.
        size: the step size, a finite number.
        rows: the blocks seen on the key side; for W_O, whose rows are the outputs, ().
        columns: the blocks seen on the query side, for W_O the value blocks.
        grams: the embeddings' inner products, for the model's N and T; None is infinite width.

    Raises:
        TypeError, ValueError: an argument of the wrong kind, shape or range, or a step to weights that are not finite.
    """
    weight = getattr(model, matrix)
    if gradient.shape != weight.shape:
        raise ValueError(f"gradient must have shape {tuple(weight.shape)}, got {gradient.shape}")
    known = ("E", "P") if matrix == "W_K1" else ("E", "P", "E1", "P1")
    left = _selection(model, "rows", rows, known if matrix != "W_O" else (), weight.shape[0])
    right = _selection(model, "columns", columns, known, weight.shape[1])
    seen = left[:, None] & right
    change = np.where(seen, gradient, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        if grams is not None:
            outer, inner = _gram_pair(model, matrix, grams)
            change = np.where(seen, outer @ change @ inner, 0.0)
    stepped = weight.detach() + size * torch.from_numpy(change)
    if not torch.isfinite(stepped).all():
        largest = float(np.abs(gradient).max())
        raise ValueError(f"size must give finite weights, got {size} with gradient entries up to {largest:.3g}")
    return model.with_weights(**{matrix: stepped})


def _gram_pair(model: TwoLayer, matrix: MatrixName, grams: Grams) -> tuple[Floats, Floats]:
    """The Grams on both sides of a matrix."""
    F = model.N + model.T
    if (len(grams.outputs), len(grams.values), len(grams.residual)) != (model.N, 2 * F, 2 * F):
        sizes = len(grams.outputs), len(grams.values)
        raise ValueError(
            f"grams must be made for N = {model.N}, T = {model.T}, got {sizes[0]} outputs, {sizes[1]} values"
        )
    if matrix == "W_O":
        return grams.outputs, grams.values
    residual = grams.residual if matrix == "W_K2" else grams.residual[:F, :F]
    return residual, residual


def _selection(
    model: TwoLayer, name: str, blocks: tuple[str, ...], known: tuple[str, ...], length: int
) -> NDArray[np.bool_]:
    """Which of the first `length` coordinates lie in the blocks; all of them where no block is known."""
    if not set(blocks) <= set(known) or bool(blocks) != bool(known):
        accepted = f"a tuple of some of {known}" if known else "() for W_O"
        raise ValueError(f"{name} must be {accepted}, got {blocks!r}")
    chosen = np.full(length, not known)
    for block in blocks:
        chosen[model.block(block)] = True  # type: ignore[arg-type]
    return chosen
