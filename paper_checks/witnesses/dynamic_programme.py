"""Witness: a dynamic programme over positions and all N+1 token states, in extended precision.

For given c it carries P(z_t = s) and E[C_j 1{z_t = s}] (C_j: how often token j occurred so far) from t to t+1 by the
transition rule alone, and adds up what each quantity needs; no lumping, no geometric series. Cost O(T N²) per correct
token. Gradient moments take two of them (c = q and one c ≠ q), relabel, and combine by the definition; the key-query
step takes every one of them, without relabelling.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from theory import ENTRY_CLASSES, Task
from theory.task import Layer, RealNumber

Real = np.longdouble


@dataclass(frozen=True)
class Occupation:
    """Law of z_{T-1} and of the counts over z_1 … z_{T-1} given one correct token; arrays of shape (N+1,)."""

    last: np.ndarray
    mean_count: np.ndarray
    mean_square_count: np.ndarray


def _noise_level(task: Task) -> Any:
    return _real(Fraction(task.alpha))


def _real(value: Fraction) -> Any:
    """A fraction rounded to extended precision, one rounding per part."""
    return Real(value.numerator) / Real(value.denominator)


def _step(weights: np.ndarray, task: Task, correct: int) -> np.ndarray:
    """Push measures over the current token (last axis) one position on, without a subtraction."""
    at_trigger = weights[..., task.q]
    elsewhere = weights.copy()
    elsewhere[..., task.q] = 0
    after = np.empty_like(weights)
    after[..., :] = (elsewhere.sum(axis=-1) / Real(task.N))[..., None]
    after[..., task.tau] = 0
    after[..., correct] += _real(1 - Fraction(task.alpha)) * at_trigger
    after[..., task.tau] += _noise_level(task) * at_trigger
    return after


def _positions(task: Task, correct: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """P(z_t = s) of shape (N+1,), and E[C_j 1{z_t = s}] as [j, s] with C_j counted before t, for t = 1 … T-1."""
    law = np.full(task.M, 1 / Real(task.N), dtype=Real)
    law[task.tau] = 0
    before = np.zeros((task.M, task.M), dtype=Real)
    for _ in range(task.T - 2):
        yield law, before
        before = _step(before + np.diag(law), task, correct)
        law = _step(law, task, correct)
    yield law, before


def occupation(task: Task, correct: int) -> Occupation:
    """Run the programme for one correct token."""
    mean, square = np.zeros(task.M, dtype=Real), np.zeros(task.M, dtype=Real)
    for law, before in _positions(task, correct):
        mean += law
        square += 2 * np.diagonal(before) + law
    return Occupation(law, mean, square)


@lru_cache(maxsize=16)
def class_values(task: Task, layer: Layer) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Mean and variance of the per-sample gradient per entry class (float64); N >= 4, so that every class has entries.

    The correct tokens c = q and c = the column's token are taken one by one, all others by one representative.
    """
    if task.N < 4:
        raise ValueError(f"N must be at least 4 here, got {task.N}")
    N, M, q, tau = task.N, task.M, task.q, task.tau
    k, j, rest = [token for token in range(N) if token != q][:3]
    given = {c: _features(task, layer, occupation(task, c)) for c in (q, k)}
    representatives = {"q": q, "k": k, "j": j, "tau": tau}

    def conditional(column: str, correct: int, power: int) -> Any:
        """E[f_a^power | c]; by relabelling every c other than q and a looks like c = k ≠ a."""
        block, token = column[0], representatives[column[2:-1]]
        source = q if correct == q else k
        if source == k and token not in (q, tau):
            token = k if token == correct else rest  # relabel so that c becomes k
        return given[source][power - 1][M * (block == "P") + token]

    means, variances = {}, {}
    alpha = _noise_level(task)
    for row, column in ENTRY_CLASSES:
        token = representatives[column[2:-1]]
        corrects = {q: 1, token: 1} if token not in (q, tau) else {q: 1}
        corrects[rest] = N - len(corrects)  # any c that is neither q nor the column's token
        moment = []
        for power in (1, 2):
            total = Real(0)
            for correct, number in corrects.items():
                hit = alpha if row == "tau" else (1 - alpha) * _share(row, correct, representatives, column, number)
                value = conditional(column, correct, power)
                miss_value, hit_value = (-1 / Real(M)) ** power, (1 - 1 / Real(M)) ** power
                total += Real(number) / N * value * (hit * hit_value + (1 - hit) * miss_value)
            moment.append(total)
        means[row, column] = float(moment[0])
        variances[row, column] = float(moment[1] - moment[0] ** 2)
    return means, variances


def _share(row: str, correct: int, tokens: dict[str, int], column: str, number: int) -> Any:
    """P(c = row's token | c is one of the `number` tokens that `correct` stands for)."""
    target = tokens[row]
    if target == correct:
        return Real(1)
    listed = {tokens["q"], tokens[column[2:-1]]}
    return Real(0) if target in listed or correct in listed else Real(1) / number


def _features(task: Task, layer: Layer, found: Occupation) -> tuple[np.ndarray, np.ndarray]:
    """E[f | c] and E[f² | c] for the 2M columns."""
    M, q = task.M, task.q
    last = np.zeros(M, dtype=Real)
    last[q] = 1  # E(z_T)
    if layer == "feed_forward":
        first = np.concatenate([last, found.last])
        return first, first
    own_square = found.mean_square_count + last * (2 * found.mean_count + 1)
    first = np.concatenate([found.mean_count + last, found.mean_count]) / task.T
    return first, np.concatenate([own_square, found.mean_square_count]) / Real(task.T) ** 2


@dataclass(frozen=True)
class FeatureCounts:
    """n_a = #{t : a ∈ x_t} given c: E[n_a] of shape (2M,), E[n_a n_b] and E[#{t : a, b ∈ x_t}] of shape (2M, 2M)."""

    mean: np.ndarray
    product: np.ndarray
    meetings: np.ndarray


def feature_counts(task: Task, correct: int) -> FeatureCounts:
    """Run the programme for one correct token, keeping all pairs of counts and of neighbours."""
    visits, square = np.zeros(task.M, dtype=Real), np.zeros((task.M, task.M), dtype=Real)
    for law, before in _positions(task, correct):
        earlier, visits = visits, visits + law
        square = square + before + before.T + np.diag(law)
    neighbours = _step(np.diag(earlier), task, correct)  # [z_{t-1}, z_t] for t = 2 … T-1
    neighbours[:, task.q] += law  # and for t = T
    end = np.eye(2 * task.M, dtype=Real)[task.q]  # E(z_T)
    twice = np.concatenate([visits, visits])
    product = np.tile(square, (2, 2)) + np.outer(end, twice) + np.outer(twice, end) + np.outer(end, end)
    meetings = np.diag(twice + end)
    meetings[: task.M, task.M :], meetings[task.M :, : task.M] = neighbours.T, neighbours
    return FeatureCounts(twice + end, product, meetings)


def key_query_gradient(task: Task, absorption: RealNumber | None = None) -> np.ndarray:
    """K by its definition, every correct token in its own right: float64 (2(N+1),).

    Args:
        task: the task; time O(T N³), memory O(N³).
        absorption: p_τ; None is 1/(N+1). The N other tokens share the rest equally.

    The error of entry a is at most `key_query_rounding(task)` times `key_query_scale(task, absorption)[a]`.
    """
    return np.asarray(_key_query(task, absorption, -1), dtype=np.float64)


def key_query_scale(task: Task, absorption: RealNumber | None = None) -> np.ndarray:
    """Size of what cancels in K: its definition with every difference turned into a sum; float64 (2(N+1),)."""
    return np.asarray(_key_query(task, absorption, +1), dtype=np.float64)


def key_query_rounding(task: Task) -> float:
    """Bound on the difference of `key_query_gradient` and the exact value rounded to float64, per `key_query_scale`.

    No count is formed by a subtraction, so its rounding errors are relative. In units of half the extended precision,
    a step sums N+1 terms and rounds at most 6 times more, a count adds 3 terms per position, and K multiplies two such
    quantities: 2 T (M+9) in all. Probabilities and the sums over tokens, features and c add less than 6M + 32. The last
    term is the rounding of both numbers to float64. For α near 1 and p absorbed K itself is far smaller than the bound.
    """
    extended = float(np.finfo(Real).eps)
    return (task.T * (task.M + 10) + 3 * task.M + 16) * extended + float(np.finfo(np.float64).eps)


def _key_query(task: Task, absorption: RealNumber | None, sign: int) -> Any:
    """K for sign = -1; for sign = +1 the sum of the sizes of its terms."""
    given, scale = _every_correct_token(task), Real(task.N) * task.T
    p = _outputs(task, absorption)
    targets = np.eye(task.N, task.M, dtype=Real) * _real(1 - Fraction(task.alpha))  # P(y | c) as [c, y]
    targets[:, task.tau] = _noise_level(task)
    G = (targets + sign / Real(task.M)).T @ np.array([counts.mean for counts in given]) / scale
    total = sum(
        (task.T * counts.meetings + sign * counts.product) @ ((target + sign * p) @ G)
        for counts, target in zip(given, targets, strict=True)
    )
    return total / (scale * task.T)


@lru_cache(maxsize=1)
def _every_correct_token(task: Task) -> tuple[FeatureCounts, ...]:
    return tuple(feature_counts(task, correct) for correct in range(task.N))


def _outputs(task: Task, absorption: RealNumber | None) -> np.ndarray:
    """p of shape (N+1,)."""
    noise = Fraction(1, task.M) if absorption is None else Fraction(absorption)
    p = np.full(task.M, _real((1 - noise) / task.N), dtype=Real)
    p[task.tau] = _real(noise)
    return p
