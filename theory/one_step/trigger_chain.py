"""The token chain given the correct token c: exact first and second moments of token counts.

Given c, all that z_1 … z_n (n = T-1) remember is whether the last token was the trigger q:

    P(z_t = j | z_1 … z_{t-1}) = ρ_j + β_j 1{z_{t-1} = q},        (1)

    c ≠ q:  q and any other ordinary token (1/N, -1/N),   c (1/N, 1-α-1/N),   τ (0, α)
    c = q:  q (1/N, 1-α-1/N),   any other ordinary token (1/N, -1/N),   τ (0, α).

With r = β_q and the stationary value u* = ρ_q/(1-r), the trigger's own law u_t = P(z_t = q) obeys
u_t = ρ_q + r u_{t-1}, u_0 = 0, hence

    u_t = u* (1 - r^t),    P(z_t = j) = ρ_j + β_j u_{t-1} = ρ_j + β_j u* - β_j u* r^{t-1}.        (2)

For c ≠ q this is r = -1/N, u* = 1/(N+1); for c = q it is r = 1-α-1/N, u* = 1/(1+αN).

By (1), for h >= 1, Cov(1{z_s = i}, 1{z_{s+h} = j}) = P(z_s = i) β_j r^{h-1} (1{i = q} - u_s), and summing over h,

    Cov(C_i, C_j) = Σ_s [1{i=j} P(z_s=i) - P(z_s=i) P(z_s=j)]
                  + Σ_s (1 - r^{n-s})/(1-r) [P(z_s=i) β_j (1{i=q} - u_s) + P(z_s=j) β_i (1{j=q} - u_s)]           (3)

for the counts C_j = #{t <= n : z_t = j}. Every summand is a polynomial of degree 2 in r^{s-1}, so (3) is elementary.

Arithmetic is generic: N, alpha may be `Fraction`s, balls or elements of a sympy field, and T an int or such
an element. Source: this project's exact version of the moment estimates of Chen, Bruna, Bietti (ICLR 2025).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import flint

from theory.arguments import Element, checked, unchecked
from theory.arrays import Number
from theory.scalars import out_of_range

Power = Callable[[Number, Number], Number]
Polynomial = tuple[Number, Number, Number]  # coefficients of 1, X, X² with X = r^{s-1}


def integer_power(base: Number, exponent: int) -> Number:
    """base^exponent for exponent >= 0; of balls and series by squaring.

    Arb's own power is undefined where a ball holds 0, and that of series takes no exponent of more than 64 bits.
    """
    if not isinstance(base, (flint.arb, flint.arb_series, flint.fmpq_series)):
        return base**exponent
    square: Number = base
    result = 0 * square + 1
    while exponent:
        if exponent & 1:
            result = result * square
        square, exponent = square * square, exponent >> 1
    return result


@checked
@dataclass(frozen=True)
class TokenLaw:
    """ρ, β of equation (1) for one token, or for a set of tokens lumped into one."""

    rho: Element
    beta: Element
    is_trigger: bool = False


_token_law = unchecked(TokenLaw)


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    """Product of two polynomials of degree 1 (their X² coefficients are zero)."""
    return (left[0] * right[0], left[0] * right[1] + left[1] * right[0], left[1] * right[1])


@checked
@dataclass(frozen=True)
class TriggerChain:
    """Law of z_1 … z_{T-1} given the class of the correct token: c = q or c ≠ q.

    Tokens are named "q" (trigger), "c" (correct, only for c ≠ q), "j" (one ordinary token that is neither),
    "rest" (all such tokens lumped) and "tau" (noise). `power(r, T-2)` computes the only power that depends on T.
    """

    N: Element
    T: Element
    alpha: Element
    correct_is_trigger: bool
    power: Power = integer_power

    @cached_property
    def laws(self) -> dict[str, TokenLaw]:
        """ρ and β per token name; the table under equation (1)."""
        uniform = 1 / self.N
        after_trigger = 1 - self.alpha - uniform
        others = self.N - 1 if self.correct_is_trigger else self.N - 2
        laws = {
            "q": _token_law(uniform, after_trigger if self.correct_is_trigger else -uniform, is_trigger=True),
            "j": _token_law(uniform, -uniform),
            "rest": _token_law(others * uniform, -others * uniform),
            "tau": _token_law(0 * uniform, self.alpha),
        }
        if not self.correct_is_trigger:
            laws["c"] = _token_law(uniform, after_trigger)
        return laws

    @property
    def ratio(self) -> Number:
        """r, the geometric ratio of the trigger's law."""
        return self.laws["q"].beta

    @cached_property
    def stationary(self) -> Number:
        """u*, the limit of P(z_t = q)."""
        return self.laws["q"].rho / (1 - self.ratio)

    @cached_property
    def last_power(self) -> Number:
        """r^{n-1}; n >= 1, and 0**0 = 1 is the value that (2) needs."""
        return self.power(self.ratio, self.T - 2)

    @cached_property
    def _power_sums(self) -> tuple[Number, Number, Number]:
        """Σ_{s=1}^{n} r^{i(s-1)} for i = 0, 1, 2."""
        n, r, last = self.T - 1, self.ratio, self.last_power
        full = r * last
        return n, (1 - full) / (1 - r), (1 - full * full) / (1 - r * r)

    @cached_property
    def tail_sums(self) -> tuple[Number, Number, Number]:
        """Σ_{s=1}^{n} (1 - r^{n-s}) r^{i(s-1)} for i = 0, 1, 2."""
        n, first, second = self._power_sums
        return n - first, first - n * self.last_power, second - self.last_power * first

    def _law(self, name: str, token: str) -> TokenLaw:
        """ρ and β of a token, or an error that calls it `name`: cheaper than `checked`, as it is called so often."""
        try:
            return self.laws[token]
        except (KeyError, TypeError):
            raise out_of_range(name, f"one of {tuple(self.laws)}", token) from None

    def _law_of_position(self, name: str, token: str) -> Polynomial:
        """P(z_s = token) as a polynomial in r^{s-1}, equation (2)."""
        law = self._law(name, token)
        return law.rho + law.beta * self.stationary, -law.beta * self.stationary, 0

    def probability_at_end(self, token: str) -> Number:
        """P(z_{T-1} = token | c)."""
        constant, slope, _ = self._law_of_position("token", token)
        return constant + slope * self.last_power

    def mean_count(self, token: str) -> Number:
        """E[C_token | c], the expected number of positions 1..T-1 that hold the token."""
        constant, slope, _ = self._law_of_position("token", token)
        n, first, _ = self._power_sums
        return constant * n + slope * first

    def count_covariance(self, left: str, right: str) -> Number:
        """Cov(C_left, C_right | c), equation (3)."""
        position = {left: self._law_of_position("left", left), right: self._law_of_position("right", right)}
        both = _product(position[left], position[right])
        same = position[left] if left == right else (0, 0, 0)
        now = sum(total * (a - b) for total, a, b in zip(self._power_sums, same, both, strict=True))
        forward = _product(position[left], self._response(left, right))
        backward = _product(position[right], self._response(right, left))
        later = sum(total * (a + b) for total, a, b in zip(self.tail_sums, forward, backward, strict=True))
        return now + later / (1 - self.ratio)

    def pair_count(self, previous: str, current: str) -> Number:
        """E[#{t = 2..T : z_{t-1} = previous, z_t = current} | c], z_T = q: equation (1) summed over t, then t = T."""
        law, follows = self._law("current", current), self._law("previous", previous).is_trigger
        end = self.probability_at_end(previous)
        inside = (self.mean_count(previous) - end) * (law.rho + law.beta * int(follows))
        return inside + end * int(law.is_trigger)

    def _response(self, now: str, later: str) -> Polynomial:
        """β_later (1{now = q} - u_s) as a polynomial in r^{s-1}."""
        beta, u = self.laws[later].beta, self.stationary
        return beta * (int(self.laws[now].is_trigger) - u), beta * u * self.ratio, 0


trigger_chain = unchecked(TriggerChain)
"""The same of numbers that are known to be good."""
