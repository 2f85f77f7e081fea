"""Moments of token counts in one sequence, given the correct token, for every law and at any length.

Given c the tokens z_1 … z_n, n = T-1, are a chain P_c (`Law.chains`), with C_a = #{t <= n : z_t = a}. What the layers
need is E[C_a | c], P(z_n = a | c) and Cov(C_a, C_b | c). Three ways lead there; all are exact.

**Position by position.** With the law w_t of z_t given c and S_t[a, z] = Cov(C_a before t, 1{z_t = z}),

    D_t = diag w_t - w_t w_tᵀ,  w_{t+1} = w_t P_c,  S_{t+1} = (S_t + D_t) P_c,  Cov(C) = Σ_t [S_t + S_tᵀ + D_t],     (1)

in any arithmetic, at a cost of n M³ per c; with R = Σ_{t<n} (S_t + D_t) that is R + S_n + D_n + (R P_c)ᵀ.

**Past mixing.** If P_c^t has become Π = 1 ωᵀ, with the deviation matrix Z = Σ_{t>=0} (P_c^t - Π), δ = π₁ - ω and
β = δ Z, the sums of (1) over t, in which every term in P_c^t - Π is summed to infinity, are

    E[C] = n ω + β,    Cov(C) = H + Hᵀ + n ω ωᵀ - diag(n ω + β) - β βᵀ,
    H = diag(ω) (n Z - P_c Z²) - (β P_c Z) ωᵀ + diag(β) Z,                                                    (2)

whose cost does not depend on T: the inverse that gives ω and Z is that of one chain, updated by the one row that
depends on c. What is left out is below 64 k n 2^-100, k as in `_forget`.

**Not mixed**, in floats: (46) and (3) in `slow_chains`, at a cost of √n M³ + n M² or M⁴ log n per c.

**Rounding** (u = 2^-53). A step of (1) rounds sums of M products, and stochastic matrices do not enlarge errors: in the
sum over tokens w_t is off by t (M+3) u, S_t, which sums to at most 2 t, by 5/2 t² (M+3) u, and so

    |error of E[C]/T| <= n (M+3) u,    |error of Cov(C)/T²| <= 5/3 n (M+4) u,                                    (4)

and the ways of `slow_chains` to a multiple, which `slow_rounding` has. For (2), let e be the residual of the inverse,
‖1 - (I - P + 1 gᵀ) H‖, plus the rounding of it, and s = ‖H‖; then H is off by h = s e/(1-e), Z by 4 (1+s) h, and with
r = h + (M+8) u s

    |error of E[C]/T| <= 2 r (1 + s/n),    |error of Cov(C)/T²| <= 40 r (1+s)² (1/n + s/n²).                      (5)

Norms are largest sums of a row. `CountMoments.rounding` is the larger one.

Source: this project. (2) is the central-limit expansion of additive functionals of a chain, with all its constants.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Annotated, Any

import flint
import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from theory.arguments import MAY_BE_INFINITE, Shape, checked
from theory.arrays import Floats, Table
from theory.law import UNIT, AnyLaw, Law, rational_law, recurrent_tokens, require_room

from .slow_chains import slow_moments, slow_rounding

MIXED_BITS = 100
"""Bits to which a chain has forgotten its start where (2) is used."""
HALF_THE_DIGITS = 2.0**-26
"""Of float64, as a bound on rounding."""
RARE = 2.0**-26
"""Frequency below which a token may be one that the chain leaves for good."""
EXACT_WORK = 2**24
"""Most multiplications of fractions: M⁴ T."""


@checked
@dataclass(frozen=True, eq=False)
class CountMoments:
    """Of the counts C_a over z_1 … z_{T-1}, given each correct token (first index c).

    Attributes:
        mean: E[C_a | c], shape (M, M).   last: P(z_{T-1} = a | c), shape (M, M).
        covariance: Cov(C_a, C_b | c), shape (M, M, M).
        rounding: bound (5), or (4) times its multiple, on the error of mean/T, last and covariance/T²; 0 where exact.
    """

    mean: Annotated[Table, Shape("M M")]
    last: Annotated[Table, Shape("M M")]
    covariance: Annotated[Table, Shape("M M M")]
    rounding: Annotated[float, Ge(0), MAY_BE_INFINITE]


@checked
def count_moments(law: AnyLaw, exact: bool = False) -> CountMoments:
    """The moments of counts of a law (or task), read-only; the last two are kept.

    Args:
        law: the law; needs rational numbers for exact=True.
        exact: object arrays of `Fraction`s, by (1), else float64.

    Raises:
        TypeError: not a law, or exact=True and a float among its numbers.
        ValueError: exact=True with M⁴ T above 2^24.
    """
    law = rational_law(law, exact)
    if exact and law.M**4 * law.T > EXACT_WORK:
        raise ValueError(f"T must be at most {EXACT_WORK // law.M**4} for exact=True and M={law.M}, got {law.T}")
    blocks = 16 * min(isqrt(law.T), 6 * law.M) * law.M**2  # powers of a chain, if any is slow
    require_room(law.M, 12 * 8 * law.M**3 + blocks)  # arrays (M, M, M) that are held at once
    return _count_moments(law, exact)


@lru_cache(maxsize=2)
def _count_moments(law: Law, exact: bool) -> CountMoments:
    if exact:
        chains, first = _rationals(law.chains), _rationals(law.first)
        mean, last, covariance = (fractions(part) for part in _by_positions(chains, first, law.T - 1))
        rounding = 0.0
    else:
        (mean, last, covariance), rounding = _in_floats(law)
    for part in (mean, last, covariance):
        part.flags.writeable = False
    return CountMoments(mean, last, covariance, rounding)


def _rationals(array: Table) -> Table:
    """`Fraction`s as flint's rationals, whose arithmetic is far faster."""
    found: Table = np.frompyfunc(lambda value: flint.fmpq(value.numerator, value.denominator), 1, 1)(array)
    return found


def fractions(array: Table) -> Table:
    """Flint's rationals (or ints) as `Fraction`s."""
    found: Table = np.frompyfunc(_fraction, 1, 1)(array)
    return found


def _fraction(value: Any) -> Fraction:
    rational = flint.fmpq(value)
    return Fraction(int(rational.p), int(rational.q))


def _by_positions(chains: Table, first: Table, n: int) -> tuple[Table, Table, Table]:
    """E[C], P(z_n = ·) and Cov(C) by (1), all c at once, in the arithmetic of the arrays."""
    law = np.repeat(first[None], len(chains), axis=0)
    mean, sofar, spread = law, 0 * chains, _spread(0 * chains, law)  # spread: S_t + D_t
    for _ in range(n - 1):
        sofar += spread
        law = (law[:, None, :] @ chains)[:, 0]
        law = law / law.sum(axis=1, keepdims=True)  # 1, but for the rows' roundings, which would add up
        mean = mean + law
        spread = _spread(spread @ chains, law)
    covariance = sofar + spread + (sofar @ chains).transpose(0, 2, 1)  # sofar: R
    return mean, law, (covariance + covariance.transpose(0, 2, 1)) / 2


def _spread(shared: Table, law: Table) -> Table:
    """S_t + D_t of (1), in the place of S_t."""
    own = np.arange(law.shape[1])
    shared -= law[:, :, None] * law[:, None, :]
    shared[:, own, own] += law
    return shared


def _in_floats(law: Law) -> tuple[tuple[Table, Table, Table], float]:
    """For each answer by (2) where its chain has mixed and (5) leaves half of float64's digits, which it does not where
    a chain mixes very slowly; else by `slow_chains`."""
    M, n = law.M, law.T - 1
    fast, bound = _forget(law.chains, n), 0.0
    found = np.empty((M, M)), np.empty((M, M)), np.empty((M, M, M))
    if fast.any():
        mixed, bound = _past_mixing(law, n, fast)
        fast &= bound <= max(HALF_THE_DIGITS, slow_rounding(M, n))
        if fast.all():
            return mixed, bound
    if fast.any():
        for part, values in zip(found, mixed, strict=True):
            part[fast] = values
    for c in np.flatnonzero(~fast):
        for part, values in zip(found, slow_moments(law.chains[c], law.first, n), strict=True):
            part[c] = values
    return found, max(bound if fast.any() else 0.0, slow_rounding(M, n))


def _forget(chains: Floats, n: int) -> NDArray[np.bool_]:
    """Which chains have forgotten their start, to 2^-100, long before position n.

    Two starts differ after k steps by at most f = 1 - Σ_y min_x P^k(x, y) in total variation (Doeblin), after i steps
    by f^⌊i/k⌋. The sums in (2) then miss at most 64 k n f^(n/k - 2) where f <= 1/2, which is asked for some k = 2^j.
    """
    forgets = np.zeros(len(chains), dtype=bool)
    left, power, steps = np.arange(len(chains)), chains, 1
    while 3 * steps <= n and left.size:
        rounding = chains.shape[1] * steps * UNIT  # of the entries of P^k, relative
        f = np.maximum(1 - power.min(axis=1).sum(axis=1), 0) + rounding
        enough = (f <= 0.5) & (-np.log2(f) * (n // steps - 2) >= MIXED_BITS)
        forgets[left[enough]] = True
        left, power = left[~enough], power[~enough]
        power, steps = power @ power, 2 * steps
    return forgets


def _past_mixing(law: Law, n: int, answers: NDArray[np.bool_]) -> tuple[tuple[Floats, Floats, Floats], float]:
    """E[C], P(z_n = ·) and Cov(C) by (2) for some answers, and the bound (5)."""
    stationary, deviation, size, error = _deviations(law, answers)
    after = law.chains[answers] @ deviation
    away = law.first - stationary
    drift = away + (away[:, None, :] @ deviation @ law.chains[answers])[:, 0]  # β = δ Z = δ + β P, for rare tokens
    mean, own = n * stationary + drift, np.arange(law.M)
    covariance = mean[:, :, None] * deviation - stationary[:, :, None] * (after @ deviation)  # of H, half of the rest
    factors = np.stack([n / 2 * stationary - (drift[:, None, :] @ after)[:, 0], -drift / 2], axis=2)
    covariance += factors @ np.stack([stationary, drift], axis=1)
    covariance = covariance + covariance.transpose(0, 2, 1)
    covariance[:, own, own] -= mean
    unit = error + (law.M + 8) * UNIT / 2 * size
    bound = max(2 * unit * (1 + size / n), 40 * unit * (1 + size) ** 2 * (1 / n + size / n**2))
    return (mean, stationary, covariance), bound


def _deviations(law: Law, answers: NDArray[np.bool_]) -> tuple[Floats, Floats, float, float]:
    """Stationary laws ω, shape (A, M), deviation matrices Z, shape (A, M, M), of A answers c; s and h of (5).

    With g uniform, (I - P + 1 gᵀ)⁻¹ = H has gᵀ H = ω and (I - 1 ωᵀ) H = Z. Of P_c only row q depends on c, so H_c is H
    of the chain whose row q is the mean of theirs, updated for the difference in that row (Sherman and Morrison).
    """
    M, q, chains, rows = law.M, law.q, law.chains[answers], law.targets[answers]
    typical = law.chain.copy()
    typical[q] = rows.mean(axis=0)
    base = np.linalg.inv(np.eye(M) - typical + 1 / M)
    change = (rows - typical[q]) @ base  # uᵀ H, a row for each c
    inverse = base + base[None, :, q, None] * (change / (1 - change[:, q, None]))[:, None, :]
    stationary = inverse.mean(axis=1)
    stationary = (stationary[:, None, :] @ chains)[:, 0]  # which gives rare tokens their relative accuracy
    rare = np.flatnonzero(stationary.min(axis=1) < RARE)
    if rare.size:
        stationary[rare] *= recurrent_tokens(chains[rare])  # of tokens that are left for good roundings stay
    residual = np.eye(M) - (inverse - chains @ inverse + stationary[:, None, :])
    size = float(np.abs(inverse).sum(axis=2).max())
    off = float(np.abs(residual).sum(axis=2).max()) + 3 * (M + 4) * UNIT / 2 * size
    return stationary, inverse - stationary[:, None, :] @ inverse, size, size * off / max(1 - off, UNIT)
