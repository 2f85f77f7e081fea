"""Witness: a dynamic programme over positions and all N+1 token states, in extended precision.

For given c it carries P(z_t = s), E[C_j 1{z_t = s}] and E[C_j²] (C_j: how often token j occurred so far) from t to t+1
by the transition rule alone; no lumping, no geometric series. Cost O(T N²) per correct token, so it runs for two of
them (c = q and one c ≠ q), relabels, and combines by the definition of the gradient.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theory import ENTRY_CLASSES, Task

Real = np.longdouble


@dataclass(frozen=True)
class Occupation:
    """Law of z_{T-1} and of the counts over z_1 … z_{T-1} given one correct token; arrays of shape (N+1,)."""

    last: np.ndarray
    mean_count: np.ndarray
    mean_square_count: np.ndarray


def _noise_level(task: Task) -> Any:
    alpha = task.alpha
    return Real(alpha) if isinstance(alpha, float) else Real(alpha.numerator) / alpha.denominator


def _step(weights: np.ndarray, task: Task, correct: int) -> np.ndarray:
    """Push measures over the current token (last axis) one position on."""
    alpha = _noise_level(task)
    at_trigger = weights[..., task.q]
    after = np.empty_like(weights)
    after[..., :] = ((weights.sum(axis=-1) - at_trigger) / Real(task.N))[..., None]
    after[..., task.tau] = 0
    after[..., correct] += (1 - alpha) * at_trigger
    after[..., task.tau] += alpha * at_trigger
    return after


def occupation(task: Task, correct: int) -> Occupation:
    """Run the programme for one correct token."""
    M = task.M
    law = np.full(M, 1 / Real(task.N), dtype=Real)
    law[task.tau] = 0
    joint = np.diag(law)  # joint[j, s] = E[C_j 1{z_t = s}]
    mean, square = law.copy(), law.copy()
    for _ in range(task.T - 2):
        pushed = _step(joint, task, correct)
        law = _step(law, task, correct)
        square = square + 2 * np.diagonal(pushed) + law
        joint = pushed + np.diag(law)
        mean = mean + law
    return Occupation(law, mean, square)


def class_values(task: Task, layer: str) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
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


def _features(task: Task, layer: str, found: Occupation) -> tuple[np.ndarray, np.ndarray]:
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
