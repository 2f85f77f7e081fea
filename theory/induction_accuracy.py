"""What the three steps of `theory.induction_head` can recall, and where they stop.

After the third step the first layer copies the previous token (position 1 has none and copies itself), so W_K² gives
position t the score of (2) with the copy of z_{t-1}. As its step grows, attention settles on the positions of highest
score; with j the trigger's position, y is predicted on every sequence if and only if position j+1 is that one.

    gap(j) = score of j+1 - highest score of another position, in units of o times the step size.                    (5)

Results, for N >= 4 (N = 2, 3 never learn the match, see `learns_match`):
- Basic reads: gap(j) > 0 for j >= 2, but gap(1) = 0: position 1 copies itself, so q and y tie, and y wins only if two
  of the T-3 free tokens repeat it. Accuracy 1 - P(Bin(T-3, 1/(N-1)) <= 1)/(T-2).                                    (6)
- Keys that read E too: A_E < 0 breaks the tie, gap(j) > 0 for all j, accuracy 1.
- Positions in keys and query: position T-1 can hold y but never q, so b_{T-1} is the highest bias, and it outweighs
  the match unless A_E1/(N-1) > (1 + 1/N)(b_{T-1} - b_2): a threshold in T.
- Values that read the first layer's copies: the bias grows with t at order N times the match; positions win.

Source: this project, on Bietti et al. (NeurIPS 2023).
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .induction_head import (
    BASIC,
    InductionTask,
    Reads,
    basic_key_association,
    key_scores,
    match_score,
    output_association,
    previous_token_step,
)


def learns_match(task: InductionTask) -> bool:
    """Whether, for basic reads, both o and A_E1 are positive, so that W_K² scores a match highest."""
    return output_association(task) > 0 and basic_key_association(task) > 0


def final_scores(task: InductionTask, reads: Reads = BASIC, last_copy: int = 0) -> NDArray[Any]:
    """Second-layer scores, in units of o times W_K²'s step size, once the first layer copies the previous token.

    Args:
        task, reads: the law and what is read.
        last_copy: the share of q that position T copies: 0 after the previous token, at most 1 whatever it copies.

    Returns:
        object array of `Fraction`s, shape (T-2, T): row j-1, column t-1.
    """
    T = task.T
    copied = np.full((T - 2, T), Fraction(0), dtype=object)
    copied[np.arange(T - 2), np.arange(1, T - 1)] = Fraction(1)
    copied[0, 0] = Fraction(1)
    copied[:, -1] = Fraction(last_copy)
    return key_scores(task, reads, copied)


def score_gaps(task: InductionTask, reads: Reads = BASIC, last_copy: int = 0) -> NDArray[Any]:
    """Equation (5) for j = 1..T-2: `Fraction`s, shape (T-2,); arguments as for `final_scores`."""
    scores = final_scores(task, reads, last_copy)
    trigger = np.arange(task.T - 2)
    followers = scores[trigger, trigger + 1].copy()
    others = scores.copy()
    others[trigger, trigger + 1] = scores.min() - 1
    gaps: NDArray[Any] = followers - others.max(axis=1)
    return gaps


def wrong_rows(task: InductionTask, size: float, reads: Reads = BASIC) -> list[int]:
    """Positions t = 2..T at which the third step does not score key t-1 highest; `size` as in `previous_token_step`."""
    step = previous_token_step(task, size, reads)
    return [t + 1 for t in range(1, task.T) if int(np.argmax(step[: t + 1, t])) != t - 1]


def basic_accuracy(task: InductionTask) -> Fraction:
    """Equation (6): P(y alone has the highest logit) for basic reads, once both layers attend sharply.

    Raises:
        ValueError: the match is not learned (`learns_match`).
    """
    if not learns_match(task):
        raise ValueError(f"N = {task.N}, T = {task.T}: the match is not learned, A_E1 = {basic_key_association(task)}")
    free, f = task.T - 3, Fraction(1, task.N - 1)
    fewer = (1 - f) ** free + (free * f * (1 - f) ** (free - 1) if free else 0)
    return 1 - fewer / (task.T - 2)


def least_length(N: int, most: int = 256) -> int | None:
    """Least T from which on, up to `most`, the match is learned for N tokens; None if it is not at `most`."""
    least = None
    for T in range(most, 2, -1):
        if not learns_match(InductionTask(N, T)):
            break
        least = T
    return least


def sufficient_sizes(task: InductionTask, reads: Reads) -> tuple[float, float]:
    """Step sizes, times o, for W_K² and W_K¹ that predict y on every sequence of the law, where values read E alone.

    Let g be the least gap, position T copying whatever it likes (its row of W_K¹ is learned last), and μ the score of a
    match. A W_K² step above (4/3) log(T-1)/g leaves position j+1 more than half of the attention even if positions
    2..T-1 misplace a share g/(8μ) of their own, which the W_K¹ step ensures through the margins of (3).

    Raises:
        ValueError: values that read E1, or no step size suffices.
    """
    if reads.values != ("E",):
        raise ValueError(f"values must be ('E',) here, got {reads.values!r}")
    gap, match = min(score_gaps(task, reads, 1)), match_score(task, 1, reads)
    if not gap > 0 or output_association(task) <= 0:
        raise ValueError(f"N = {task.N}, T = {task.T}, {reads}: no step size suffices, least gap {float(gap):.3g}")
    size = 1.01 * 4 / 3 * math.log(task.T - 1) / float(gap)
    step = previous_token_step(task, size, reads)
    margin = min(step[t - 1, t] - np.delete(step[: t + 1, t], t - 1).max() for t in range(1, task.T - 1))
    if not margin > 0:
        raise ValueError(f"N = {task.N}, T = {task.T}, {reads}: rows {wrong_rows(task, size, reads)} are wrong")
    return size, math.log(task.T * 8 * float(match / gap)) / float(margin)
