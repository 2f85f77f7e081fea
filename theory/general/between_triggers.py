"""How often each token occurs given c: position by position, and in the long run from what lies between two triggers.

**By positions.** With the laws w_t of z_t given each c, stacked to (M, M), the chain P' without its row q, and the laws
t_c of y given c as rows of `targets`,

    w_{t+1} = w_t P' + w_t[·, q] t,    E[C | c] = Σ_{t<T} w_t,    P(z_{T-1} = · | c) = w_{T-1},                     (15)

one product of two (M, M) arrays per position for all answers together. All terms are >= 0, so in floats every number is
right to T (M + 2) units of rounding, relatively. Given c each is a polynomial in α of degree at most T - 2.

**In the long run.** From z a chain makes V[z, a] expected visits to a ≠ q before it meets q, H[z] = Σ_{a≠q} V[z, a] in
all (none from z = q); V[z, q] = 1 counts the trigger that ends the stretch. Between two triggers lies a stretch that
starts from t_c, so by renewal the share of positions with token a tends to

    f_c[a] = (t_c V)[a] / (1 + t_c H) = ((1-α) V[c, a] + α (νV)[a]) / (1 + (1-α) H[c] + α νH),                      (16)

a quotient of two linear functions of α, and one inverse, that of I - P' without q, gives V for all c and α. How
frequent the trigger is, is f_c[q] = 1/(1 + t_c H): for c = q, which repeats itself, 1/(1 + α νH).

Source: this project.
"""

from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import flint
import numpy as np
from annotated_types import Ge

from theory.arguments import Shape, checked
from theory.arrays import Floats, Table
from theory.law import UNIT, AnyLaw, Law, as_law, rational_law, recurrent_classes, require_room

from .counts import _rationals, count_moments, fractions
from .levels import chebyshev_levels

POSITIONS = 2**12
"""Longer sequences are left to `count_moments`."""
EXACT_POSITIONS = 2**6
"""Longest sequences whose laws are had as polynomials in α."""


class TokenLaws(NamedTuple):
    """Given each correct token (first index c): E[C_a | c] over z_1 … z_{T-1}, and P(z_{T-1} = a | c); both (M, M)."""

    visits: Table
    last: Table


@checked
def token_laws(law: AnyLaw, exact: bool = False) -> TokenLaws:
    """Expected counts and the law of the last free token, all answers at once; by (15) in floats.

    Args:
        law: the law (or task).
        exact: arrays of `Fraction`s.

    Raises:
        TypeError, ValueError: as `count_moments`.
    """
    law = rational_law(law, exact)
    if exact or law.T > POSITIONS:
        moments = count_moments(law, exact)
        return TokenLaws(moments.mean, moments.last)
    rows = law.chain.copy()
    rows[law.q] = 0
    now = np.tile(law.first, (law.M, 1))
    visits = now.copy()
    for _ in range(law.T - 2):
        now = now @ rows + now[:, law.q, None] * law.targets
        visits += now
    return TokenLaws(visits, now)


def rounding(law: Law) -> float:
    """Bound on the errors of `token_laws` in floats, of visits over T and of the last law; relative up to POSITIONS."""
    return law.T * (law.M + 2) * UNIT if law.T <= POSITIONS else float(count_moments(law.in_floats).rounding)


@dataclass(frozen=True, eq=False)
class LawsAtLevels:
    """`token_laws` at the T + 1 levels of `chebyshev_levels`, (T + 1, M, M) each: the same for all answers."""

    levels: Floats
    visits: Floats
    last: Floats

    @classmethod
    @checked
    def of(cls, law: AnyLaw) -> "LawsAtLevels":
        """In floats; a ValueError for T above POSITIONS."""
        law = as_law(law).in_floats
        if law.T > POSITIONS:
            raise ValueError(f"T must be at most {POSITIONS} for changes of sign to be certified, got {law.T}")
        require_room(law.M, 32 * (law.T + 1) * law.M**2)
        levels = chebyshev_levels(law.T + 1)
        found = [token_laws(replace(law, alpha=float(level))) for level in levels]
        return cls(levels, *(np.array(part) for part in zip(*found, strict=True)))


def polynomial_laws(law: Law) -> TokenLaws:
    """`token_laws` of an exact law as polynomials in α (`fmpq_poly`), by (15)."""
    rows, level = _rationals(law.chain), level_polynomial()
    rows[law.q] = flint.fmpq(0)
    targets = (1 - level) * _rationals(np.eye(law.M, dtype=int)) + level * _rationals(law.noise)
    now: Table = np.tile(_rationals(law.first), (law.M, 1)) + 0 * level
    visits = now
    for _ in range(law.T - 2):
        now = now @ rows + now[:, law.q, None] * targets
        visits = visits + now
    return TokenLaws(visits, now)


def level_polynomial() -> Table:
    """α as a polynomial, in an array (1,): by itself numpy would take it for its coefficients."""
    level: Table = np.empty(1, dtype=object)
    level[0] = flint.fmpq_poly([0, 1])
    return level


@checked
def visits_between_triggers(law: AnyLaw) -> Table:
    """V of (16), shape (M, M), exact where the law is; whatever its answers, noise and level.

    Raises:
        TypeError: not a law.
        ValueError: a chain that need not meet the trigger from every token, so that a stretch need not end.
    """
    law = as_law(law)
    ended = law.chain.copy()
    ended[law.q] = 0
    inner = np.delete(np.delete(ended, law.q, 0), law.q, 1)
    ended[law.q, law.q] = 1
    if len(recurrent_classes(ended)) > 1:
        raise ValueError("law must have a chain that leads to the trigger from every token")
    found: Table = np.zeros((law.M, law.M), dtype=int) * ended
    found[:, law.q] += 1
    others = np.delete(np.arange(law.M), law.q)
    found[np.ix_(others, others)] = _inverse(np.eye(law.M - 1, dtype=int) - inner)
    return found


@checked
def long_run_shares(law: AnyLaw, visits: Annotated[Table, Shape("M M"), Ge(0)] | None = None) -> Table:
    """f of (16), shape (M, M), a row for each c: the limit for T → ∞ of E[C_a | c]/T, and of P(z_{T-1} = a | c) where
    the chain is not periodic. `visits`: V, if it is known."""
    law = as_law(law)
    known = visits_between_triggers(law) if visits is None else visits
    if len(known) != law.M:
        raise ValueError(f"visits must have shape (M, M) = {(law.M, law.M)}, got {known.shape}")
    if np.abs(known[:, law.q] - 1).max() > law.M * UNIT:
        raise ValueError(f"visits must be 1 in the trigger's column {law.q}, got {known[:, law.q].min()}")
    given = law.targets @ known
    shares: Table = given / given.sum(axis=1)[:, None]
    return shares


def _inverse(matrix: Table) -> Table:
    if matrix.dtype != object:
        return np.asarray(np.linalg.inv(matrix))
    return fractions(np.array(flint.fmpq_mat(_rationals(matrix).tolist()).inv().tolist(), dtype=object))
