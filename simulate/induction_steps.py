"""One gradient step on one matrix of a `TwoLayer`, at infinite width or with random embeddings of finite width."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from theory.task import as_count

from .arguments import as_seed
from .two_layer import TwoLayer, as_matrix_name, as_model

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grams:
    """Inner products of the embeddings that a matrix of finite width stands between; identities at infinite width.

    Attributes:
        outputs: of the N output vectors, shape (N, N).
        values: of the value vectors of the features [E, P, E1, P1], shape (2(N+T), 2(N+T)).
        residual: of the residual stream's vectors of the same features, as keys and as queries, same shape.
    """

    outputs: Floats
    values: Floats
    residual: Floats


def gaussian_grams(N: int, T: int, width: int, *, seed: int) -> Grams:
    """Grams of independent Gaussian embeddings in `width` dimensions, entries of variance 1/width.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    Source: Bietti et al. (NeurIPS 2023), random embeddings and remapped embeddings as nearly orthonormal vectors.
    """
    N, T, width = as_count("N", N, 2), as_count("T", T, 2), as_count("width", width, 1)
    draws = np.random.Generator(np.random.SFC64(as_seed(seed)))
    counts = (N, 2 * (N + T), 2 * (N + T))
    vectors = [draws.standard_normal((count, width)) / width**0.5 for count in counts]
    return Grams(*(rows @ rows.T for rows in vectors))


def stepped(
    model: TwoLayer,
    matrix: str,
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
        gradient: negative gradient in one-hot coordinates, of the matrix's shape.
        size: the step size.
        rows: the blocks seen on the key side; for W_O, whose rows are the outputs, ().
        columns: the blocks seen on the query side, for W_O the value blocks.
        grams: the embeddings' inner products; None is infinite width.

    Raises:
        TypeError, ValueError: an argument of the wrong kind, shape or range.
    """
    weight = getattr(as_model(model), as_matrix_name(matrix))
    if gradient.shape != weight.shape:
        raise ValueError(f"gradient must have shape {tuple(weight.shape)}, got {gradient.shape}")
    left, right = (_selection(model, blocks, side) for blocks, side in zip((rows, columns), weight.shape, strict=True))
    change = np.where(left[:, None] & right, gradient, 0.0)
    if grams is not None:
        length = {"W_O": model.N, "W_K2": None, "W_K1": model.N + model.T}[matrix]
        outer = grams.outputs if matrix == "W_O" else grams.residual[:length, :length]
        inner = grams.values if matrix == "W_O" else grams.residual[:length, :length]
        change = np.where(left[:, None] & right, outer @ change @ inner, 0.0)
    return model.with_weights(**{matrix: weight.detach() + size * torch.from_numpy(change)})


def _selection(model: TwoLayer, blocks: tuple[str, ...], length: int) -> NDArray[np.bool_]:
    """Which of the first `length` coordinates lie in the blocks; all of them where there are none to choose from."""
    chosen = np.full(length, not blocks)
    for name in blocks:
        chosen[model.block(name)] = True
    return chosen
