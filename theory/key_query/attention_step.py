"""What a large key-query step makes of the attention logits, once attention lies on positions that follow the trigger.

With W_V = G_V and attention wholly on such positions, a share f on (q, τ) and 1-f on (q, c), c ≠ q, the logits are

    ξ = G_V (P(q) + (1-f) E(c) + f E(τ)),   rows (1-α)/N μ_k - μ/M for ordinary k, (α - 1/M) μ for τ,               (7)

with μ_k = E[x̄ | c = k]. So ξ_c exceeds every ordinary ξ_k, k ≠ c, q, by (1-α)(1-f)/N times the excess of c in its own
context. Two rows may outrank c: τ, whose row is of order α/N, and q itself, because the trigger repeats itself in
contexts with c = q: for T ≫ N, with u* = 1/(1+αN), δ = u* - 1/(N+1),

    N/(1-α) (ξ_q - ξ_c) = (1 + αf) δ - (1-f) (δ/N + (1-α)/(N+1)),                                                   (8)

which at f = α is positive for every N >= 2, 0 < α < 1, and at f = 0 is positive if and only if α < 1 - 2/N.

Source: this project; Chen, Bruna, Bietti (ICLR 2025), what attention learns.
"""

import math
from fractions import Fraction
from typing import Literal, overload

from theory.arguments import OpenProbability, Probability, Size, checked
from theory.arrays import Number
from theory.evaluation import as_exact_probability, evaluate
from theory.one_step.margins import Bits, bracket_sign_change
from theory.scalars import as_count
from theory.task import Task

from .phase_diagram import NoisyLength, ranking_gap
from .step import KeyQuery

ROWS = ("c", "k", "q", "tau")
"""Rows of (7): the correct token, an ordinary token that is neither c nor q, the trigger, the noise token."""


@overload
def follower_logits(
    task: Task, noise_share: Probability | None = None, exact: Literal[False] = False
) -> dict[str, float]: ...
@overload
def follower_logits(
    task: Task, noise_share: Probability | None = None, *, exact: Literal[True]
) -> dict[str, Fraction]: ...
@overload
def follower_logits(task: Task, noise_share: Probability | None = None, exact: bool = False) -> dict[str, Number]: ...
@checked
def follower_logits(task: Task, noise_share: Probability | None = None, exact: bool = False) -> dict[str, Number]:
    """ξ of equation (7) for c ≠ q per row of ROWS, up to a term common to all rows.

    Args:
        task: the task; T >= 3, so that (q, c) can occur.
        noise_share: f in [0, 1], the attention on (q, τ); None is α, the share of such positions.
        exact: `Fraction`s instead of floats; needs a rational alpha and noise share.

    Raises:
        TypeError: not a task, a noise share that is no number, or exact=True with a float alpha or noise share.
        ValueError: T < 3, a noise share outside [0, 1], or T too large for exact=True.
    """
    as_count("T", task.T, 3)
    # a float alpha is for `evaluate` to refuse
    share = Fraction(task.alpha) if noise_share is None else as_exact_probability("noise_share", noise_share, exact)
    return evaluate(lambda N, T, alpha: _logits(N, T, alpha, share), task, exact)


def _logits(N: Number, T: Number, alpha: Number, noise_share: Fraction) -> dict[str, Number]:
    """Equation (7) in generic arithmetic."""
    step, f = KeyQuery(N, T, alpha), noise_share.numerator / (0 * N + noise_share.denominator)
    other, trigger = (step.given[flag].counts for flag in (False, True))
    seen = {  # T μ at P(q), E(c), E(τ): overall, and given that the row's token is the correct one
        "tau": [step.mean["P", "q"], step.mean["E", "k"], step.mean["E", "tau"]],
        "c": [other["P", "q"], other["E", "c"], other["E", "tau"]],
        "k": [other["P", "q"], other["E", "j"], other["E", "tau"]],
        "q": [trigger["P", "q"], trigger["E", "j"], trigger["E", "tau"]],
    }
    rates = {row: alpha if row == "tau" else (1 - alpha) / N for row in ROWS}
    return {row: rates[row] * (a + (1 - f) * b + f * c) / T for row, (a, b, c) in seen.items()}


@checked
def noise_rank_threshold(N: Size, T: NoisyLength, bits: Bits = 40) -> tuple[Fraction, Fraction]:
    """Bracket of the level α_r above which τ outranks c after the step, by (7) at f = α. Exact values along T = N² have

        N α_r → √(3/2)    (N → ∞),                                                                              (19)

    with a distance of order 1/N.
    """

    def excess(alpha: Fraction) -> float:
        """ξ_τ - ξ_c, rounded once: its sign is exact."""

        def difference(N: Number, T: Number, level: Number) -> dict[str, Number]:
            logits = _logits(N, T, level, alpha)
            return {"excess": logits["tau"] - logits["c"]}

        return float(evaluate(difference, Task(N, T, alpha))["excess"])

    return bracket_sign_change(excess, Fraction(0), Fraction(1), bits)


@checked
def concentrating_step(task: Task, missing: OpenProbability, absorption: Probability | None = None) -> float:
    """Step size η after which at most `missing` of the attention lies off the positions that follow the trigger.

    On every sequence with z_{t-1} = q for some t: the at most T - 1 other positions score lower by the ranking gap or
    more, so they hold at most (T-1) exp(-η gap) of the mass of one that follows, and with the attention a_t

        1 - Σ_{t: z_{t-1} = q} a_t <= (T-1) exp(-η gap).                                                        (20)

    Args:
        task, absorption: as for `key_query_gradient` (None: uniform p).
        missing: in (0, 1).

    Raises:
        TypeError: not a task, or missing or absorption no real number.
        ValueError: missing or absorption out of range, a ranking gap that is not positive, so that no step size is
            enough, or one so small that the step size exceeds the largest float.
    """
    gap = ranking_gap(task, absorption)
    if gap <= 0:
        raise ValueError(f"no step concentrates attention: the ranking gap of {task} is {gap}, not positive")
    ratio = Fraction(task.T - 1) / Fraction(missing)  # may exceed the largest float
    step = (math.log(ratio.numerator) - math.log(ratio.denominator)) / gap
    if math.isinf(step):
        raise ValueError(f"no float is large enough for the step: the ranking gap of {task} is {gap}")
    return step
