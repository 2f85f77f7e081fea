"""The noise margin of one feed-forward step on any law, and the noise level above which the noise comes first.

After a step of size η the logits on a sequence that ends (j, q) are η ξ, ξ_k = G_F[k, E(q)] + G_F[k, P(j)]. With l_c[j]
= P(z_{T-1} = j | c) and l = Σ_c ρ_c l_c, equation (7) gives, but for a term that all k share,

    ξ_k = (1-α) ρ_k (1 + l_k[j]) + α ν_k (1 + l[j]),        margin = max_{ν_s > 0} ξ_s - max_{ν_k = 0} ξ_k.         (17)

**What the threshold must be.** For every chain, T and first token

    α ν* > (1-α) 2ρ*/(1 + ρ*)  =>  the margin is > 0 on every sequence,
    α ν* <= (1-α) (ρ* - ρ_s)  =>  it is <= 0 on some sequence,                                                      (18)

ρ* the largest ρ_k of a token that is no noise, ν* the largest ν_s; ρ_s = 0 if no noise token is an answer, and the
share of the noise token if there is one only. So the level α_F above which the noise comes first lies, where no noise
token is an answer, between the levels at which the odds α/(1-α) are ρ*/ν* and 2/(1 + ρ*) times that: the largest
answer's share and the largest noise share set it, and the chain less than a factor of 2. With one answer both are 1/ν*.
Proof: for the first line ξ_s >= α ν* (1 + l[j]) and, as l[j] >= ρ_k l_k[j], ξ_k <= (1-α) ρ_k (1 + l_k[j]) (1 + l[j])/(1
+ ρ_k l_k[j]) <= (1-α) 2ρ_k/(1 + ρ_k) (1 + l[j]). For the second, as the l_c sum to 1 over j alike, the sum over the
tokens j that occur of ξ_s - ξ_k is a positive number times α ν_s + (1-α) (ρ_s - ρ*), k the token with ρ*; with more
noise tokens take j with l_k[j] >= l[j].

**The chain's part** is in R_k[j] = (1 + l_k[j])/(1 + l[j]), between 1/2 and 2/(1 + ρ_k), how much likelier j is to come
last if k is the answer. With one noise token s the margin on (j, q) vanishes exactly where

    α/(1-α) = max_k ρ_k R_k[j] - ρ_s R_s[j],    R_k[j] - 1 = (l_k[j] - l[j])/(1 + l[j]).                            (19)

At T = 2 every R is 1, and α_F = (ρ* - ρ_s)/(1 + ρ* - ρ_s). In long contexts l_c is f_c of (16): l_k and l differ in
what follows the trigger, so that R_k - 1 is of the order of the trigger's share, but for the trigger as the answer,
l_q[q] = 1/(1 + α νH): there R_q[q] comes near to 2 where α νH is small.

Source: Chen, Bruna, Bietti (ICLR 2025), the one-step theorem, here for every law.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from scipy.optimize import brentq

from theory.arguments import checked
from theory.arrays import Floats, Table
from theory.law import UNIT, AnyLaw, Law, as_law, rational_law
from theory.one_step.margins import Bits

from .between_triggers import (
    EXACT_POSITIONS,
    LawsAtLevels,
    level_polynomial,
    long_run_shares,
    polynomial_laws,
    rounding,
    token_laws,
)
from .counts import _rationals
from .levels import Change, Interpolant, exact_sign_changes

MOST_STEPS = 53**2
"""Of Brent's method, in floats of 53 bits."""


def scores(law: Law, last: Table) -> Table:
    """ξ of (17) as (M, M), first index the token k, second the preceding token j, from l_c as rows of `last`."""
    share, average = law.alpha * law.noise, law.answers @ last
    logits: Table = ((1 - law.alpha) * law.answers)[:, None] * (1 + last) + share[:, None] * (1 + average)
    return logits


@checked
def noise_margins(law: AnyLaw, exact: bool = False) -> Table:
    """The margin (17) of a step of size 1 for every preceding token j, shape (M,).

    Args:
        law: the law (or task).
        exact: `Fraction`s.

    Returns:
        array over j; NaN (None if exact) where no sequence ends (j, q).

    Raises:
        TypeError, ValueError: as `token_laws`.   ValueError: a noise law that leaves no token out.
    """
    law = rational_law(law, exact)
    return margins_given(law, token_laws(law, exact).last)


@checked
def limiting_noise_margins(law: AnyLaw) -> Table:
    """The same for T → ∞, by (16), if the chain is not periodic; exact where the law is.

    Raises:
        ValueError: as `visits_between_triggers`, and a noise law that leaves no token out.
    """
    law = as_law(law)
    return margins_given(law, long_run_shares(law))


def margins_given(law: Law, last: Table) -> Table:
    """(17) from the laws of the last free token."""
    noisy = require_other_tokens(law)
    logits, occurs = scores(law, last), law.answers @ last > 0
    margins: Table = logits[noisy].max(axis=0) - logits[~noisy].max(axis=0)
    margins[~occurs] = None if margins.dtype == object else np.nan
    return margins


def require_other_tokens(law: Law) -> Any:
    """Which tokens are noise, (M,); a ValueError if all are."""
    noisy = np.asarray(law.noise > 0, dtype=bool)
    if noisy.all():
        raise ValueError("noise must leave a token out for a margin, got a law with every token")
    return noisy


@checked
def threshold_bounds(law: AnyLaw) -> tuple[Any, Any]:
    """Levels (low, high) between which α_F lies whatever the chain, the first token and T, by (18).

    At low and below the margin is <= 0 on some sequence, above high > 0 on all. `Fraction`s where the law is exact.
    """
    law = as_law(law)
    noisy = require_other_tokens(law)
    answer, noise = law.answers[~noisy].max(), law.noise.max()
    own = law.answers[noisy].max()
    lead = max(answer - own, 0 * answer) if noisy.sum() == 1 or own == 0 else 0 * answer
    return lead / (lead + noise), 2 * answer / (2 * answer + (1 + answer) * noise)


@checked
def smallest_margin(law: AnyLaw, exact: bool = False) -> Any:
    """The least of `noise_margins` over the sequences that occur."""
    margins = noise_margins(law, exact)
    return min(value for value in margins if value is not None and value == value)


@checked
def noise_threshold(law: AnyLaw, bits: Bits = 40) -> tuple[Any, Any]:
    """A bracket (low, high) of a level where the smallest margin changes from <= 0 to > 0: α_F, if it does so once.

    Whether it does, `margin_sign_changes` says. The law's own α does not matter.

    Args:
        law: the law (or task). If it is exact, so is the bracket, and the signs at its ends are proved.
        bits: the bracket is 2^-bits of that of `threshold_bounds` wide, or less at its ends. In floats it is no
            narrower than the margin can be told from 0: its ends are where the margin is beyond its rounding.

    Raises:
        ValueError: as `noise_margins`.
    """
    law = as_law(law)
    low, high = threshold_bounds(law)
    if low >= high:
        return low, high

    def margin(level: Any) -> Any:
        return smallest_margin(replace(law, alpha=level), law.is_exact)

    if not law.is_exact:
        # ξ is a sum of such terms, and below 4 in all
        return _threshold_in_floats(margin, lambda level: 4 * rounding(replace(law, alpha=level)), low, high, bits)
    for _ in range(bits):
        middle = (low + high) / 2
        low, high = (low, middle) if margin(middle) > 0 else (middle, high)
    return low, high


def _threshold_in_floats(
    margin: Callable[[float], float], rounded: Callable[[float], float], low: float, high: float, bits: int
) -> tuple[float, float]:
    """`noise_threshold` in floats: a level where the margin is about 0, and both ends drawn away from it until theirs
    is beyond its rounding. At `low` it is taken for <= 0 and at `high` for > 0, as (18) has it."""

    def with_ends(level: float) -> float:
        value = margin(level)
        return min(value, 0.0) if level == low else max(value, UNIT) if level == high else value

    step = (high - low) / 2 ** (bits + 1)
    middle = brentq(with_ends, low, high, xtol=step / 2, maxiter=MOST_STEPS)
    step = max(step, UNIT * middle)
    while True:
        below, above = max(low, middle - step), min(high, middle + step)
        is_below = below == low or margin(below) <= -rounded(below)
        if is_below and (above == high or margin(above) > rounded(above)):
            return below, above
        step *= 2


@checked
def margin_sign_changes(law: AnyLaw, known: LawsAtLevels | None = None) -> list[Change] | None:
    """Every change of sign of the smallest margin on [0, 1], by growing α; the law's own α does not matter.

    The margin need not grow with α. Of an exact law with T <= 64 the contrasts ξ_s - ξ_k are had as polynomials, and
    all changes are returned. Else they are certified in floats: if every contrast is > 0 above one level and <= 0 below
    it, so is the smallest margin.

    Args:
        law: the law (or task).
        known: `LawsAtLevels` of a law that differs in its answers and level alone, if at hand.

    Returns:
        the brackets; None where floats do not certify that there is one at most.

    Raises:
        ValueError: as `noise_margins`, and T too large for floats.
    """
    law = as_law(law)
    require_other_tokens(law)
    if law.is_exact and law.T <= EXACT_POSITIONS:
        return _exact_changes(law)
    found = Interpolant.of(*_contrasts(law, known or LawsAtLevels.of(law))).sign_changes()
    if any(one is None or len(one) > 1 or any(change.direction < 0 for change in one) for one in found):
        return None
    noisy = int(require_other_tokens(law).sum())
    ends = np.array([one[0][:2] if one else (0.0, 0.0) for one in found]).reshape(noisy, law.M - noisy, -1, 2)
    low, high = ends.max(axis=1).min(axis=0).max(axis=0)  # every k, some s, every j
    return [Change(float(low), float(high), 1)] if high > 0 else []


def _contrasts(law: Law, known: LawsAtLevels) -> tuple[Floats, float]:
    """ξ_s - ξ_k, (T + 1, noise tokens s × others k × tokens j that occur), and how far they may be off."""
    law, noisy = law.in_floats, require_other_tokens(law)
    occurs = (law.answers @ known.last > 0).all(axis=0)
    logits = np.array(
        [scores(replace(law, alpha=float(level)), last) for level, last in zip(known.levels, known.last, strict=True)]
    )[:, :, occurs]
    contrasts = logits[:, noisy, None] - logits[:, None, ~noisy]
    return contrasts.reshape(len(logits), -1), 4 * rounding(law)  # ξ is a sum of such terms, below 4 in all


def _exact_changes(law: Law) -> list[Change]:
    """The changes of sign of an exact law's smallest margin: they lie where two logits of (17) are equal."""
    noisy, last, level = require_other_tokens(law), polynomial_laws(law).last, level_polynomial()
    answers, noise = _rationals(law.answers), _rationals(law.noise)
    average = answers @ last
    occurs = np.array([bool(polynomial != 0) for polynomial in average])
    logits = ((1 - level) * answers)[:, None] * (1 + last) + (level * noise)[:, None] * (1 + average)
    contrasts = (logits[noisy, None] - logits[None, ~noisy])[:, :, occurs]

    def positive(at: Fraction) -> bool:
        values = np.frompyfunc(lambda polynomial: polynomial(flint.fmpq(at.numerator, at.denominator)), 1, 1)(contrasts)
        return bool(values.min(axis=1).max(axis=0).min() > 0)

    return exact_sign_changes(contrasts.ravel(), positive)
