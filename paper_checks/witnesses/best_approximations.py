"""Witness: best low-rank approximations of the memory's logits that take one input to the end of a range.

Where singular values coincide, any subspace U of the degenerate space is as good as another one of its dimension. What
is kept of the first input is v = P_U e_0, any point of the sphere with diameter from 0 to w, the projection of e_0.
"""

import numpy as np
from scipy.special import softmax

from simulate.runtime.arrays import Floats


def degenerate_space(n: int, top: str) -> Floats:
    """Orthonormal columns, shape (n, n-1), of the inputs' space of equal singular values; (n, n) at a tie."""
    return np.eye(n) if top == "tie" else np.linalg.svd(np.ones((1, n)))[2][1:].T


def end_points(space: Floats) -> list[Floats]:
    """0, w, and the points of the sphere furthest in a direction that a log-odds of the first input depends on."""
    n, tie = len(space), space.shape[0] == space.shape[1]
    first, one = space @ space[0], np.eye(n)[0]
    rest = (1 - one) / (n - 1)
    towards = [np.eye(n)[1] - one, one - rest] + ([rest, -rest] if tie else [])
    radius = np.linalg.norm(first) / 2
    return [np.zeros(n), first, *(first / 2 + radius * way / np.linalg.norm(way) for way in towards)]


def directions_through(space: Floats, v: Floats) -> Floats:
    """Columns in the space: any number of the first ones span a U with P_U e_0 = v, a point of the sphere."""
    pair = space.T @ np.column_stack([v, space @ space[0]])
    axes, sizes, _ = np.linalg.svd(pair)
    away = space @ axes[:, (sizes > 1e-9).sum() :]
    return np.column_stack([v, away]) if v.any() else away


def approximations_at_ends(W: Floats, top: str, rank: int) -> list[Floats]:
    """Best approximations of W of this rank that attain the ends of every range for the first input.

    Args:
        W: logits of the memory, shape (n+1, n).
        top: the singular space on top, "correct", "noise" or "tie".
        rank: one at which the best approximation is not unique.
    """
    n = W.shape[1]
    space, noise = degenerate_space(n, top), np.full((n, n), 1 / n) * (top == "noise")
    size = rank - (top == "noise")
    spans = [directions_through(space, v)[:, :size] for v in end_points(space)]
    if top == "tie":  # with 1 in U, and orthogonal to it, for the sum over the inputs
        from_one = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0]
        spans += [from_one[:, :size], from_one[:, n - size :]]
    bases = [np.linalg.qr(span)[0] for span in spans]
    return [W @ (basis @ basis.T + noise) for basis in bases]


def predictions_of(kept: list[Floats]) -> dict[str, Floats]:
    """What each approximation predicts on the first input (the sum: on all), by the attributes of `Truncation`."""
    noise_row = np.array([best[-1] - best[:-1].diagonal() for best in kept])
    first = np.array([best[:, 0] for best in kept])
    return {
        "noise_log_odds": noise_row[:, 0],
        "noise_log_odds_sum": noise_row.sum(axis=1),
        "other_log_odds": first[:, 1:-1].max(axis=1) - first[:, 0],
        "noise_probability": np.asarray(softmax(first, axis=1))[:, -1],
    }
