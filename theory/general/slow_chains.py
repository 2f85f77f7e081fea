"""Moments of token counts along one chain in floats, however slowly it mixes: n positions, from the law of the first.

Two ways, of which `slow_moments` takes the cheaper one; notation as in `counts`.

**In blocks** of b = ⌊√n⌋ positions. With G_m = Σ_{k<=m} P^k, a block from position t on, w_t and S_t given, has w_{t+i}
= w_t P^i, and with W_i = Σ_{i<=k<b} w_{t+k}

    Σ_{i<b} (S + D)_{t+i} = S_t G_{b-1} + Σ_i [diag(w_{t+i}) G_{b-1-i} - w_{t+i} W_iᵀ],
    S_{t+b} = S_t P^b + Σ_i diag(w_{t+i}) P^{b-i} - W_0 w_{t+b}ᵀ,                                                (46)

three products of matrices a block besides the b powers: a cost of about 4 √n M³ + 3 n M².

**By doubling.** Blocks of lengths k and l from every start x, with A = P^k, m[x, a] = E_x[C_a], U[x, a, y] =
Cov_x(C_a, 1{end = y}) and V[x] = Cov_x(C), join as (`Block.then`)

    A A',    m + A m',    U A' + A U' + Cov_x(m'(z), A'(z)),    V + A V' + Cov_x(m'(z)) + U m' + (U m')ᵀ,            (3)

z the end of the first, at a cost of 4 M⁴ log n.

**Rounding.** In (46) P^i is right to i M u relatively, so that w_{t+b} is off by (b+3) M u + 2u more than w_t, and
S_{t+b}, beside what the errors of the w's make of it, by 2t ((b+1) M + 2) u + 3 b² (M+1) u more than S_t. Over n/b
blocks these are the sums of which (4) is made, each times 1 + 5/b at most. (3) rounds less often than (1), to four
times (4).

Source: this project.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from theory.arrays import Floats
from theory.law import UNIT

CALLS = 2**16
"""Multiplications that take as long as what a product in (46) needs besides; a step of (3) has six times as much."""


def slow_moments(chain: Floats, first: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """E[C], shape (M,), P(z_n = ·), shape (M,), and Cov(C), shape (M, M), of n >= 1 positions."""
    return (in_blocks if _is_short(len(first), n) else by_doubling)(chain, first, n)


def slow_rounding(M: int, n: int) -> float:
    """Bound on the errors of mean/T, last and covariance/T² of `slow_moments`, T = n + 1."""
    return (1 + 5 / math.isqrt(n) if _is_short(M, n) else 4) * 5 / 3 * n * (M + 4) * UNIT / 2


def _is_short(M: int, n: int) -> bool:
    """Whether blocks are cheaper than doubling."""
    return 4 * math.sqrt(n) * (M**3 + CALLS) + 3 * n * M**2 <= math.log2(n + 1) * (4 * M**4 + 6 * CALLS)


def in_blocks(chain: Floats, first: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """`slow_moments` by (46)."""
    M, length = len(first), math.isqrt(n)
    steps = np.empty((length + 1, M, M))  # P^i
    steps[0] = np.eye(M)
    for before, power in pairwise(steps):
        np.matmul(before, chain, out=power)
    sums = steps[:-1].cumsum(axis=0)
    law, mean, shared, sofar, position = first, np.zeros(M), np.zeros((M, M)), np.zeros((M, M)), 1
    while position < n:
        b = min(length, n - position)
        laws = law @ steps[:b]
        laws /= laws.sum(axis=1, keepdims=True)  # 1, but for roundings, which would add up
        law = laws[-1] @ chain
        law = law / law.sum()
        left = laws[::-1].cumsum(axis=0)[::-1]  # W_i
        sofar += shared @ sums[b - 1] + _rows_scaled(laws, sums[b - 1 :: -1]) - laws.T @ left
        shared = shared @ steps[b] + _rows_scaled(laws, steps[b:0:-1]) - np.outer(left[0], law)
        mean += left[0]
        position += b
    covariance = sofar + shared - np.outer(law, law) + np.diag(law) + (sofar @ chain).T
    return mean + law, law, (covariance + covariance.T) / 2


def _rows_scaled(laws: Floats, matrices: Floats) -> Floats:
    """Σ_i diag(w_i) A_i."""
    found: Floats = np.einsum("ia,iab->ab", laws, matrices)
    return found


@dataclass(frozen=True)
class Block:
    """k positions from every start x, which is the first of them; `end` is the token after them. See (3)."""

    step: Floats  # A[x, y] = P(end = y)
    mean: Floats  # m[x, a] = E[C_a]
    shared: Floats  # U[x, a, y] = Cov(C_a, 1{end = y})
    covariance: Floats  # V[x, a, b] = Cov(C_a, C_b)

    def then(self, other: "Block") -> "Block":
        """This block and then the other one. Starts may be fewer than tokens here, not in the other."""
        step, M = self.step, len(other.step)
        onward = step @ other.step
        around = other.mean - other.mean.mean(axis=0)  # covariances do not see the shift, rounding does
        expected = step @ around

        def over_end(values: Floats) -> Floats:
            """E over the end of this block of an array that starts there."""
            return (step @ values.reshape(M, -1)).reshape(len(step), *values.shape[1:])

        joint = over_end(around[:, :, None] * other.step[:, None, :])
        between = joint - expected[:, :, None] * onward[:, None, :]
        spread = over_end(around[:, :, None] * around[:, None, :]) - expected[:, :, None] * expected[:, None, :]
        cross = self.shared @ around
        return Block(
            onward / onward.sum(axis=1, keepdims=True),  # 1, but for roundings, which doubling would double
            self.mean + step @ other.mean,
            self.shared @ other.step + over_end(other.shared) + between,
            self.covariance + over_end(other.covariance) + spread + cross + cross.transpose(0, 2, 1),
        )


def by_doubling(chain: Floats, first: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """E[C], P(z_n = ·) and Cov(C) of one chain by (3), from the binary digits of n - 1."""
    M = len(chain)
    none = np.zeros((M, M, M))
    block = Block(chain, np.eye(M), none, none)
    sofar = Block(first[None], np.zeros((1, M)), none[:1], none[:1])
    remaining = n - 1
    while remaining:
        if remaining & 1:
            sofar = sofar.then(block)
        remaining >>= 1
        if remaining:
            block = block.then(block)
    last = sofar.step[0]
    now = np.diag(last) - np.outer(last, last) + sofar.shared[0] + sofar.shared[0].T
    return sofar.mean[0] + last, last, sofar.covariance[0] + now
