"""What the cells of the maps show: quantities whose signs decide about a claim, exact or rounded once.

Arguments are N, T and α, or n, t and α; what a quantity or a stated sign means is said in `maps.Statement`.
"""

import math
from fractions import Fraction
from typing import Any

from paper_checks.experiments.proved import PROVED_RANKS
from theory import Task, class_values
from theory.birth.gradient_memory import context_signal_classes
from theory.key_query import attention_step
from theory.key_query.phase_diagram import CONTRASTS, contrast_value, ranking_gap, window
from theory.key_query.step import key_query_combinations
from theory.memory import gradient_flow as memory
from theory.memory import spectrum as memory_spectrum
from theory.one_step import margins
from theory.one_step.sample_complexity import noise_margin_guarantee

SAMPLES, CONFIDENCE = 48, Fraction(95, 100)
"""Of T2.5."""
ACCURACY = 0.005
"""Of T4.2."""


def least_margin(N: int, T: int, alpha: Fraction) -> float:
    """T1.3: the least margin of the feed-forward step over all sequences, over η."""
    return float(min(margins.feed_forward_margins(Task(N, T, alpha)).values()))


def room_in_bound(N: int, T: int, alpha: Fraction) -> float:
    """1 - (a bound on every |Δ_attn| from the exact entries)/(the stated bound)."""
    return 1 - float(margins.attention_margin_bound(Task(N, T, alpha))) / stated_bound(N, T, alpha)


def stated_bound(N: int, T: int, alpha: Fraction) -> float:
    """T1.4: C(α) (1/N + 1/T)."""
    return float(margins.attention_margin_constant(alpha) * (Fraction(1, N) + Fraction(1, T)))


def attained_within_bound(N: int, T: int, alpha: Fraction) -> int:
    """The sequence q q … q may refute the bound; else it is proved."""
    return 1 if abs(margins.repeated_trigger_margin(Task(N, T, alpha))) <= stated_bound(N, T, alpha) else -1


def factor_above_one(N: int, T: int, alpha: Fraction) -> float:
    """min Δ_ff / max |Δ_attn| - 1 by a bound on the maximum; NaN between that bound and the value on q q … q."""
    task, least = Task(N, T, alpha), least_margin(N, T, alpha)
    factor = least / margins.attention_margin_bound(task)
    attained = abs(margins.repeated_trigger_margin(task))
    return factor - 1 if factor > 1 or least <= attained else math.nan


def entry(row: str, column: str, N: int, T: int, alpha: Fraction) -> float:
    """T1.6: an entry of G_V."""
    return float(class_values(Task(N, T, alpha), "attention_value", "mean")[row, column])


def copying_contrast(N: int, T: int, alpha: Fraction) -> float:
    """Rounding is monotone: the difference of rounded entries has the exact sign, or is 0."""
    values = class_values(Task(N, T, alpha), "attention_value", "mean")
    return float(values["k", "E(k)"] - values["k", "E(j)"])


def in_context_signal(N: int, T: int, alpha: Fraction) -> float:
    """B2: S[k,E(k)]."""
    return float(context_signal_classes(Task(N, T, alpha))["k", "E(k)"])


def where_in_context(N: int, T: int, alpha: Fraction) -> int:
    """T1.6 and B2: positive for T >= 3 and α < 1, zero at T = 2 and at α = 1."""
    return 1 if T >= 3 and alpha < 1 else -1


def guarantee(N: int, T: int, alpha: Fraction) -> float:
    """T2.5: a lower bound on the probability of the right sign, minus CONFIDENCE."""
    return float(noise_margin_guarantee(N, SAMPLES, alpha) - CONFIDENCE)


def enough_at_one_half(N: int, T: int, alpha: Fraction) -> int:
    """T2.5: stated for α = 1/2 and N from 8 to 256."""
    return int(alpha == Fraction(1, 2) and 8 <= N <= 256)


def contrast(name: str, sign: int, absorbed: bool, N: int, T: int, alpha: Fraction) -> float:
    """T3.2 to T3.4: ± a contrast of K, at absorbed or at uniform p."""
    return sign * contrast_value(Task(N, T, alpha), name, alpha if absorbed else None)


def ranking(N: int, T: int, alpha: Fraction) -> float:
    """T3.2: the ranking gap at absorbed p."""
    return float(ranking_gap(Task(N, T, alpha), alpha))


def proved_ranking(N: int, T: int, alpha: Fraction) -> int:
    """T3.2: at PROVED_RANKS, up to α = 0.99."""
    return int((N, T) in PROVED_RANKS and 0 < alpha <= Fraction(99, 100))


def window_width(N: int, T: int, alpha: Fraction) -> float:
    """-1 where there is none; NaN where it is too narrow for the roundings of its two ends."""
    found = window(Task(N, T, alpha))
    width = found[1] - found[0] if found else -1.0
    return width if abs(width) > 2.0**-50 else math.nan


def window_by_signs(N: int, T: int, alpha: Fraction) -> int:
    """Both contrasts in the middle of the window; where there is none, at π = 0 and 1, one of which a window reaches
    unless it lies between two sign changes."""
    task = Task(N, T, alpha)
    found = window(task)
    for place in [sum(found) / 2] if found else [0, 1]:
        if min(key_query_combinations(task, CONTRASTS, place).values()) > 0:
            return 1
    return -1 if found else 0


def logit(above: str, below: str, N: int, T: int, alpha: Fraction) -> float:
    """ξ_above - ξ_below at f = α; as in `copying_contrast` the sign is exact."""
    found = attention_step.follower_logits(Task(N, T, alpha))
    return float(found[above] - found[below])


def accuracy(n: int, t: Fraction, alpha: Fraction) -> float:
    """0.5 % minus the larger relative distance: of D to log κt, of σ to |(n-1) log κt + n log α/(1-α)|/√(n+1)."""
    D = math.log(memory.late_rate(n, alpha) * t)
    noise = abs((n - 1) * D + n * memory.log_odds(alpha)) / math.sqrt(n + 1)
    found = memory_spectrum.singular_values(n, alpha, t)
    if D <= 0 or noise == 0:
        return -math.inf
    return ACCURACY - max(abs(found.correct / D - 1), abs(found.noise / noise - 1))


def spread(n: int, t: Fraction, sign: int) -> float:
    """The α below (sign -1) or above 1/2 at which α(1-α) t = n log t; NaN if there is none."""
    share = n * math.log(t) / float(t)
    return (1 + sign * math.sqrt(1 - 4 * share)) / 2 if share <= 1 / 4 else math.nan


def noise_on_top(n: int, t: Fraction | None, alpha: Fraction) -> float:
    """The exact gap √(n+1) s - D at t, for t → ∞ at twice the time after which nothing changes; NaN for a tie."""
    gap = memory_spectrum.singular_gap(n, alpha, t or max(1.0, 2 * memory_spectrum.crossing_time(n, alpha)))
    return gap or math.nan


def recalled(n: int, t: Fraction, alpha: Fraction) -> float:
    """T4.5: without the noise direction the logits are D(1-1/n), -D/n and 0; the margin of the correct output."""
    return memory.values(n, alpha, t).D * (1 - 1 / n)


def inside(size: int, setting: Any, alpha: Fraction) -> int:
    """Stated for every 0 < α < 1."""
    return int(0 < alpha < 1)
