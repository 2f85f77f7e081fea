"""The exact noise levels that cut the rows of a map, from theory's brackets, with the signs stated beside them.

Where a bracket of theory needs fractions that would be too long, the level is theory's limit, if T has reached it, or
the same quantity bisected, its sign exact as it is rounded once.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from theory.key_query import attention_step, phase_diagram
from theory.memory import spectrum as memory_spectrum
from theory.one_step import margins

from . import quantities as of
from .maps import Threshold, always, silence

FRACTIONS = 256
"""The largest T at which theory's brackets in fractions take a fraction of a second."""
BITS = 40
"""Of brackets, as theory's default."""
TIME_BITS = 20
"""Of brackets of t* = t, each step of which solves for a time; no map has as many columns."""


def noise_first(N: int, T: int) -> list[Threshold]:
    """T1.3: not above, above the level where every sequence has a positive margin."""
    return [_noise_first(N, T, above=1)]


def noise_first_needed(N: int, T: int) -> list[Threshold]:
    """T1.5, T2.5: below that level the statement fails; above it, nothing is said."""
    return [_noise_first(N, T, above=0)]


def _noise_first(N: int, T: int, above: int) -> Threshold:
    name = "threshold of T1.3"
    if T <= FRACTIONS:
        return Threshold(name, *margins.noise_threshold(N, T), -1, above)
    limit = float(margins.limiting_noise_threshold().subs({"N": N}))
    if N > 2 and (1 - limit - 1 / N) ** (T - 2) < 2.0**-BITS:  # z_{T-1} = q decides, and its law has reached its limit
        return Threshold(name, limit * (1 - 2.0**-BITS), limit * (1 + 2.0**-BITS), -1, above)
    least = partial(of.least_margin, N, T)
    return Threshold(name, *margins.bracket_sign_change(least, Fraction(1, 4 * N), Fraction(1), BITS), -1, above)


def copying(N: int, T: int) -> list[Threshold]:
    """T1.6: positive below, negative above."""
    if T <= FRACTIONS:
        return [Threshold("level where copying vanishes", *margins.copying_threshold(N, T), 1, -1)]
    bracket = margins.bracket_sign_change(partial(of.entry, "k", "E(k)", N, T), Fraction(0), Fraction(1), BITS)
    return [Threshold("level where copying vanishes", *bracket, 1, -1)]


def absorbed(N: int, T: int) -> list[Threshold]:
    """T3.2: K[P(q)] > 0 above α₀, and for all of (0, 1) if there is none."""
    level = phase_diagram.absorbed_threshold(N, T)
    return [Threshold("level α₀", *level, -1, 1) if level else always("there being no level α₀", 1)]


def ranking(N: int, T: int) -> list[Threshold]:
    """T3.2: some follower is outranked below α_r. Nothing is said far above it, where small N and T have exceptions."""
    try:
        level = phase_diagram.ranking_threshold(N, T)
    except ValueError:  # the gap has the same sign next to 0 and at 1/N
        return []
    return [Threshold("level α_r", *level, -1, 0)] if level else []


def critical(N: int, T: int) -> list[Threshold]:
    """T3.3: attends between a tiny level, if there is one, and α_c."""
    low, high = phase_diagram.uniform_threshold(N, T), phase_diagram.critical_noise_level(N, T)
    tiny = [Threshold("tiny level", *low, -1, 1)] if low else []
    return [*tiny, Threshold("critical level α_c", *high, 1, -1)]


def avoidance(N: int, T: int) -> list[Threshold]:
    """T3.4, uniform p: avoids above α_τ, reversed below down to 1/(N+1); up to 1 - 1/(2N), next to 1 it may be lost."""
    try:
        level = phase_diagram.avoidance_threshold(N, T)
    except ValueError:  # short contexts, and N = 2
        return []
    ends = Fraction(1, N + 1), 1 - Fraction(1, 2 * N)
    return [silence(ends[0]), Threshold("level α_τ", *level, -1, 1), silence(ends[1])]


def reversal(N: int, T: int) -> list[Threshold]:
    """T3.4, absorbed p: reversed between two levels."""
    try:
        low, high = phase_diagram.reversal_range(N, T)
    except ValueError:  # N = 2, and T <= 8
        return []
    first = [Threshold("lower end", *low, -1, 1)] if low else []
    return [*first, Threshold("upper end", *high, 1, -1)]


def noise_rank(N: int, T: int) -> list[Threshold]:
    """T3.6: τ outranks c above α_r."""
    return [Threshold("level α_r", *attention_step.noise_rank_threshold(N, T), 1, -1)]


def accuracy_box(n: int, t: Fraction) -> list[Threshold]:
    """T4.2: at t = 10⁶ within 0.5 % for α from 0.05 to 0.95 and n to 64."""
    if t != 10**6 or n > 64:
        return []
    ends = Fraction(1, 20), Fraction(19, 20)
    return [Threshold("lower end of T4.2's range", ends[0], ends[0], 0, 1),
            Threshold("upper end of T4.2's range", ends[1], ends[1], 1, 0)]  # fmt: skip


def top_space(n: int, t: Fraction | None) -> list[Threshold]:
    """T4.4: the level with t* = t; α = 1/2 at n = 3; for t → ∞ the noise at n >= 4, the correct space at n = 2."""
    if n == 3:
        return [Threshold("level with t* = t", Fraction(1, 2), Fraction(1, 2), -1, 1)]
    if t is None:
        return [always("theory's rule for t → ∞", -1 if n == 2 else 1)]
    return [Threshold("level with t* = t", *_level_of_crossing(n, t), -1, 1)]


def _level_of_crossing(n: int, t: Fraction) -> tuple[Fraction, Fraction]:
    """t* rises from 0 to ∞ for α from 1/√3 to 1 at n = 2, and falls from ∞ to 0 from 0 to 1/√(n+1) for n >= 4."""
    late: Callable[[Fraction], bool] = (lambda level: crossing(n, level) > t) if n == 2 else (
        lambda level: crossing(n, level) <= t
    )  # fmt: skip
    far = Fraction(1, 4)
    while late(1 - far if n == 2 else far) != (n == 2):
        far /= 16
    ends = (Fraction(1, 2), 1 - far) if n == 2 else (far, Fraction(1, 2))
    return margins.bracket_sign_change(lambda level: 1 if late(level) else -1, *ends, TIME_BITS)


def crossing(n: int, alpha: Fraction) -> float:
    """t*, infinite where no float is large enough."""
    try:
        return memory_spectrum.crossing_time(n, alpha)
    except ValueError:
        return float("inf")
