"""What the three steps of `theory.birth.three_steps` can recall, and where they stop.

After the third step the first layer copies the previous token (position 1 has none and copies itself), so W_K² gives
position t the score of (2) with the copy of z_{t-1}. As its step grows, attention settles on the positions of highest
score; with j the trigger's position, values that read E alone predict y on every sequence if and only if position j+1
is that one. Values that read copies too give q the vote o₁ there, so that y also needs o > o₁, which fails in long
contexts: from T = 12 at N = 8, from T = 51 at N = 20.

    gap(j) = score of j+1 - highest score of another position, in units of o times the step size.                    (5)

The match is learned, o > 0 and A_E1 > 0, from one T on (T (T-2) A_E1 grows with T from T = 5): 26 at N = 4, 10 at
N = 5, 5 for N >= 14; never at T <= 4 or N <= 3 (A_E1 = -(T-1)/T³ for N = 3). The rest is for where it is learned.

Basic reads: gap(j) > 0 for j >= 2, but gap(1) = 0. Position 1 copies itself, so q and y tie, and y wins only if two of
the T-3 free tokens repeat it (with one repetition the tie goes to q, by what row T misplaces; floats lose it beyond
log-odds of some 30):

    accuracy = 1 - P(Bin(T-3, 1/(N-1)) <= 1)/(T-2).                                                                 (6)

Keys that read E too: A_E = -2ē/T < 0 breaks the tie, gap(j) > 0 for all j, accuracy 1.

Positions in keys and query: position T-1 can hold y but never q, so b_{T-1} is the highest bias, and it outweighs the
match unless T is so large that

    A_E1 > (1 + 1/N)/(T (T-2)).                                                                                     (7)

Values that read copies, positions in keys and query: b_t grows up to T-1, by about N/log T times the match, and a
position wins up to hundreds of T (T < 285 at N = 7).

Rows 2..T-1 of W_K¹ prefer the previous token for basic reads and any size, N >= 3 (a_t falls with j and ē <= 1/2), and
where keys read tokens at every size tried. Keys that read positions and not tokens lose row T-1 at large sizes. Row T
prefers key T-1 whenever values read E alone and λ > 0: its entry is 0 and the others are averages of -a_T ē.

Source: this project, on Bietti et al. (NeurIPS 2023).
"""

import math
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from theory.arguments import NonNegative, Size, checked
from theory.arrays import Table

from .three_steps import (
    BASIC,
    MOST_POSITIONS,
    ExactTask,
    InductionTask,
    Reads,
    basic_key_association,
    key_scores,
    match_score,
    output_association,
    previous_token_margins,
    previous_token_step,
)


@checked
def learns_match(task: ExactTask) -> bool:
    """Whether, for basic reads, both o and A_E1 are positive, so that W_K² scores a match highest."""
    return output_association(task) > 0 and basic_key_association(task) > 0


@checked
def final_scores(task: ExactTask, reads: Reads = BASIC, last_copy: Literal[0, 1] = 0) -> Table:
    """Second-layer scores, in units of o times W_K²'s step size, once the first layer copies the previous token.

    Args:
        task, reads: the law and what is read.
        last_copy: the share of q that position T copies: 0 after the previous token; 1 is the worst it can copy.

    Returns:
        object array of `Fraction`s, shape (T-2, T): row j-1, column t-1.
    """
    T = task.T
    copied = np.full((T - 2, T), Fraction(0), dtype=object)
    copied[np.arange(T - 2), np.arange(1, T - 1)] = Fraction(1)
    copied[0, 0] = Fraction(1)
    copied[:, -1] = Fraction(last_copy)
    return key_scores(task, reads, copied)


@checked
def score_gaps(task: ExactTask, reads: Reads = BASIC, last_copy: Literal[0, 1] = 0) -> Table:
    """Equation (5) for j = 1..T-2: `Fraction`s, shape (T-2,); arguments as for `final_scores`."""
    scores = final_scores(task, reads, last_copy)
    trigger = np.arange(task.T - 2)
    followers = scores[trigger, trigger + 1].copy()
    others = scores.copy()
    others[trigger, trigger + 1] = scores.min() - 1
    gaps: Table = followers - others.max(axis=1)
    return gaps


@checked
def wrong_rows(task: ExactTask, size: NonNegative, reads: Reads = BASIC) -> list[int]:
    """Positions t = 2..T at which the third step, as floats give it, does not score key t-1 highest.

    `size` as in `previous_token_step`, whose rounding may decide where margins are small.
    """
    step = previous_token_step(task, size, reads)
    return [t + 1 for t in range(1, task.T) if int(np.argmax(step[: t + 1, t])) != t - 1]


@checked
def basic_accuracy(task: ExactTask) -> Fraction:
    """Equation (6): P(y alone has the highest logit) for basic reads, once both layers attend sharply.

    Raises:
        ValueError: the match is not learned (`learns_match`).
    """
    if not learns_match(task):
        raise ValueError(f"N = {task.N}, T = {task.T}: the match is not learned, A_E1 = {basic_key_association(task)}")
    free, f = task.T - 3, Fraction(1, task.N - 1)
    fewer = (1 - f) ** free + (free * f * (1 - f) ** (free - 1) if free else 0)
    return 1 - fewer / (task.T - 2)


@checked
def least_length(N: Size, most: Annotated[int, Ge(3), Le(MOST_POSITIONS)] = MOST_POSITIONS) -> int | None:
    """Least T at which the match is learned for N tokens, and with it every larger T; None if it exceeds `most`.

    Raises:
        TypeError, ValueError: N or `most` no integer, N < 2, `most` outside 3..MOST_POSITIONS.
    """
    lengths = range(3, most + 1) if N > 3 else ()
    return next((T for T in lengths if learns_match(InductionTask(N, T))), None)


@checked
def sufficient_sizes(task: ExactTask, reads: Reads) -> tuple[float, float]:
    """Step sizes, times o, for W_K² and W_K¹ that predict y on every sequence of the law; values must read E alone.

    Let g be the least gap, position T copying whatever it likes (its row of W_K¹ is learned last), and μ the score of a
    match. A W_K² step above (4/3) log(T-1)/g leaves position j+1 more than half of the attention even if positions
    2..T-1 misplace a share g/(8μ) of their own, which the W_K¹ step ensures through the margins of (3).

    Raises:
        TypeError, ValueError: an argument of the wrong kind, values that read E1, no positive gap or match, or margins
            of W_K¹ that are negative or below the rounding of floats.
    """
    if reads.values != ("E",):
        raise ValueError(f"values must be ('E',) here, got {reads.values!r}")
    gap, match, named = (
        min(score_gaps(task, reads, 1)),
        match_score(task, 1, reads),
        f"N = {task.N}, T = {task.T}, {reads}",
    )
    if not (gap > 0 and match > 0 and output_association(task) > 0):
        raise ValueError(f"{named}: no step size suffices, least gap {float(gap):.3g}, match {float(match):.3g}")
    size = 1.01 * 4 / 3 * math.log(task.T - 1) / float(gap)
    step = previous_token_step(task, size, reads)
    margin = previous_token_margins(step)[:-1].min()
    if not margin > 4 * task.T * np.finfo(np.float64).eps * np.abs(step).max():
        raise ValueError(
            f"{named}: margins of W_K¹ after a step of {size:.3g} are negative or below rounding, {margin:.1e}"
        )
    return size, math.log(task.T * 8 * float(match / gap)) / float(margin)
