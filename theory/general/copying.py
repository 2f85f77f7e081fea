"""The sign of copying on any law: from which noise level on attention's first step unlearns what it should copy.

The copying entry of token k is G_V[k, E(k)]: how much k in the context raises the logit of k. By equation (8), with n_k
= C_k + 1{k=q} the number of times that k occurs,

    T G_V[k, E(k)] = (1-α) ρ_k E[n_k | c=k] + (α ν_k - 1/M) E[n_k].                                                 (25)

If k is no noise its sign is that of (1-α) M ρ_k λ_k - 1, where the lift λ_k = E[n_k | c=k]/E[n_k] says how much more
often k occurs where it is the answer. In long contexts (16) gives the lift: with V[c, k] the visits to k in a stretch
between two triggers that starts from c,

    λ_k → f_k[k]/Σ_c ρ_c f_c[k] ≈ 1 + (1-α) r_k,    r_k = V[k, k]/Σ_c ρ_c V[c, k] - 1,                              (26)

the second where no answer is likely, stretches are equally long whatever they start from, and the noise leads to k as
often as a typical answer does. On a chain without memory,
that draws every token after another one than q from φ, r_k = φ_q/φ_k, how much more frequent the trigger is than the
answer. Then the sign changes from + to - at the level

    α*(k) ≈ 1 - (√(1 + 4 r_k/(M ρ_k)) - 1)/(2 r_k),                                                                 (27)

which is (3-√5)/2 at r = M ρ = 1, the uniform task (T1.6); it falls with the answer's frequency while all ρ_k are equal:
rare answers are copied up to levels near 1. With ρ_k = φ_k rare answers share one level, at which (1-α)² M φ_q = 1.

Source: this project; Chen, Bruna, Bietti (ICLR 2025), the one-step analysis.
"""

from fractions import Fraction
from functools import partial
from typing import Annotated, Any, TypeAlias

import flint
import numpy as np

from theory.arguments import MAY_HAVE_NAN, Shape, checked
from theory.arrays import Floats, Table
from theory.law import AnyLaw, Law, as_law, rational_law

from .between_triggers import (
    EXACT_POSITIONS,
    LawsAtLevels,
    level_polynomial,
    long_run_shares,
    polynomial_laws,
    rounding,
    token_laws,
    visits_between_triggers,
)
from .counts import _rationals
from .levels import Change, Interpolant, exact_sign_changes

PerToken: TypeAlias = Annotated[Floats, Shape("M"), MAY_HAVE_NAN]


@checked
def copying_entries(law: AnyLaw, exact: bool = False) -> Table:
    """G_V[k, E(k)] for every token k, shape (M,), by (25); arguments and errors as `token_laws`."""
    law = rational_law(law, exact)
    visits = token_laws(law, exact).visits
    entries: Table = _entries(law, visits, law.alpha) / law.T
    return entries


def _entries(law: Law, visits: Table, level: Any) -> Table:
    """(25) from E[C | c], with the answers and noise of a law at any level."""
    counts = visits + np.eye(law.M, dtype=int)[law.q]
    own = (1 - level) * (law.answers * np.diagonal(counts, axis1=-2, axis2=-1))
    entries: Table = own + (level * law.noise - law.answers.sum() / law.M) * (law.answers @ counts)
    return entries


@checked
def lifts(law: AnyLaw) -> Floats:
    """λ_k of (25), shape (M,); NaN where k never occurs."""
    law = as_law(law).in_floats
    counts = token_laws(law).visits + np.eye(law.M)[law.q]
    average = law.answers @ counts
    found: Floats = np.divide(np.diagonal(counts), average, out=np.full(law.M, np.nan), where=average > 0)
    return found


@checked
def limiting_lifts(law: AnyLaw) -> Table:
    """Their limits for T → ∞, by (26); exact where the law is; errors as `visits_between_triggers`."""
    law = as_law(law)
    shares = long_run_shares(law)
    found: Table = np.diagonal(shares) / (law.answers @ shares)
    return found


@checked
def excess_visits(law: AnyLaw) -> Floats:
    """r_k of (26), shape (M,); r_q = 0: a stretch that starts from the trigger has ended. NaN if k never occurs."""
    law = as_law(law)
    visits = visits_between_triggers(law).astype(np.float64)
    average = law.in_floats.answers @ visits
    ratio: Floats = np.divide(np.diagonal(visits), average, out=np.full(law.M, np.nan), where=average > 0)
    return ratio - 1


@checked
def approximate_copying_levels(law: AnyLaw, excess: PerToken | None = None) -> Floats:
    """α*(k) by (27), shape (M,), from r_k (`excess`; by default that of (26)); 1 - 1/(M ρ_k) where r_k = 0.

    Not for noise tokens. 0 or below: the entry is negative at every level; 1 where k is no answer makes no sense: NaN.
    """
    law = as_law(law).in_floats
    r = excess_visits(law) if excess is None else excess
    if len(r) != law.M:
        raise ValueError(f"excess must have shape (M,) = ({law.M},), got {r.shape}")
    weight = law.M * law.answers
    with np.errstate(divide="ignore", invalid="ignore"):
        left = 2 / (weight * (1 + np.sqrt(1 + 4 * r / weight)))  # (√(1 + 4r/w) - 1)/(2r), without the cancellation
    return np.where((weight > 0) & (law.noise == 0), 1 - left, np.nan)


@checked
def copying_levels(law: AnyLaw, known: LawsAtLevels | None = None) -> list[list[Change] | None]:
    """Every change of sign of G_V[k, E(k)] on [0, 1], for every token k; the law's own α does not matter.

    An entry need not fall with α, nor change sign once. Exact, as roots of polynomials, for an exact law with T <= 64;
    else certified in floats, and None for a token whose changes are not.

    Args:
        law: the law (or task).
        known: `LawsAtLevels` of a law that differs in its answers and level alone, if at hand.

    Returns:
        a list over tokens of brackets by growing α; in floats each is as narrow as the entry can be told from 0.

    Raises:
        ValueError: T too large for floats.
    """
    law = as_law(law)
    if law.is_exact and law.T <= EXACT_POSITIONS:
        return _exact_levels(law)
    law = law.in_floats
    given = known or LawsAtLevels.of(law)
    entries = np.array([_entries(law, visits, level) for level, visits in zip(given.levels, given.visits, strict=True)])
    counts = given.visits + np.eye(law.M)[law.q]
    size = (law.answers * np.diagonal(counts, axis1=1, axis2=2) + law.answers @ counts).max(axis=0)  # of the terms
    occurs = size > 0
    scaled = Interpolant.of(entries[:, occurs] / size[occurs], 2 * rounding(law))
    found: list[list[Change] | None] = [[] for _ in range(law.M)]
    for token, changes in zip(np.flatnonzero(occurs), scaled.refined(scaled.sign_changes()), strict=True):
        found[token] = changes
    return found


def _exact_levels(law: Law) -> list[list[Change] | None]:
    visits, level = polynomial_laws(law).visits, level_polynomial()
    answers, noise = _rationals(law.answers), _rationals(law.noise)
    counts = visits + np.eye(law.M, dtype=int)[law.q]
    shared = answers @ counts
    entries = (1 - level) * (answers * np.diagonal(counts)) + (level * noise - flint.fmpq(1, law.M)) * shared
    return [exact_sign_changes([entry], partial(_positive, entry)) for entry in entries]


def _positive(entry: flint.fmpq_poly, at: Fraction) -> bool:
    return bool(entry(flint.fmpq(at.numerator, at.denominator)) > 0)
