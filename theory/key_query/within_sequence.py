"""Means and covariances of the features x_t within one sequence, given the correct token c.

With x_t = E(z_t) + P(z_{t-1}), P(z_0) = 0, and x̄ = (1/T) Σ_t x_t, the two quantities are

    μ_c = E[x̄ | c],    Σ_c = E[(1/T) Σ_t (x_t - x̄)(x_t - x̄)ᵀ | c].

Entry (a, b) of T² Σ_c is T E[#{t : a, b ∈ x_t}] - E[n_a] E[n_b] - Cov(n_a, n_b), with n_a = #{t : a ∈ x_t}: the number
of the token among z_1 … z_{T-1}, plus one for a = E(q) because z_T = q. Two different features meet in x_t only
across the blocks, as the neighbours (z_{t-1}, z_t), whose expected number is `TriggerChain.pair_count`.

Every x_t has one E feature, and one P feature unless t = 1, so that

    Σ_b Σ_c[a, b] over the E block = 0,    over the P block = (E[n_a] - P(a ∈ x_1) T) / T².                       (5)

Tokens are named as in `TriggerChain`; "j" is one of the tokens that are neither q, c nor τ.
Source: this project; the covariance form of the attention gradient of Chen, Bruna, Bietti (ICLR 2025).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from theory.arguments import Element, checked
from theory.arrays import Number
from theory.one_step.symmetry import BLOCKS
from theory.one_step.trigger_chain import TriggerChain

Feature = tuple[str, str]  # (block "E" or "P", token name)


@checked
@dataclass(frozen=True)
class WithinSequence:
    """T μ_c and T² Σ_c applied to vectors; T stays out of every denominator, so T may be a polynomial generator."""

    chain: TriggerChain

    @cached_property
    def counts(self) -> dict[Feature, Number]:
        """E[n_a | c] = T μ_c[a] per feature name."""
        return {
            (block, token): self.chain.mean_count(token) + int(block == "E" and law.is_trigger)
            for block in BLOCKS
            for token, law in self.chain.laws.items()
            if token != "rest"
        }

    @checked
    def applied(self, weights: Mapping[Feature, Element]) -> dict[Feature, Number]:
        """T² Σ_b Σ_c[a, b] w_b for every feature a; w takes the value `weights[block, "j"]` on all "j" of a block.

        By (5), w_b is replaced by w_b minus that value, which leaves q, c and τ to sum over, and the P block's total.
        """
        missing = [feature for feature in self.counts if feature not in weights]
        if missing:
            raise ValueError(f"weights must have a number for each feature, got none for {missing[0]}")
        return self.seen(weights)

    def seen(self, weights: Mapping[Feature, Number]) -> dict[Feature, Number]:
        """`applied`, unchecked."""
        tracked = [feature for feature in self.counts if feature[1] != "j"]
        excess = {feature: weights[feature] - weights[feature[0], "j"] for feature in tracked}
        return {
            a: sum(excess[b] * self._scaled_covariance(a, b) for b in tracked)
            + weights["P", "j"] * self._previous_total(a)
            for a in self.counts
        }

    @checked
    def scaled_covariance(self, left: Feature, right: Feature) -> Number:
        """T² Σ_c[left, right] of two features that are not both "j"."""
        for name, feature in (("left", left), ("right", right)):
            self._require(name, feature)
        if left[1] == right[1] == "j":
            raise ValueError(f"left and right must not both be 'j', got {left} and {right}")
        return self._scaled_covariance(left, right)

    def _require(self, name: str, feature: Feature) -> None:
        if feature not in self.counts:
            raise ValueError(f"{name} must be one of {tuple(self.counts)}, got {feature!r}")

    def _scaled_covariance(self, left: Feature, right: Feature) -> Number:
        spread = self._spreads[frozenset((left[1], right[1]))]  # the same for all blocks: z_T = q is no fluctuation
        return self.chain.T * self._meetings(left, right) - self.counts[left] * self.counts[right] - spread

    @property
    def _tokens(self) -> list[str]:
        return [token for block, token in self.counts if block == "E"]

    @cached_property
    def _spreads(self) -> dict[frozenset[str], Number]:
        """Cov(n_a, n_b | c) per pair of tokens that are not both "j"."""
        pairs = {frozenset((i, j)): (i, j) for i in self._tokens for j in self._tokens if j != "j"}
        return {pair: self.chain.count_covariance(*names) for pair, names in pairs.items()}

    def _meetings(self, left: Feature, right: Feature) -> Number:
        """E[#{t : both features in x_t} | c]."""
        if left[0] == right[0]:
            return self.counts[left] if left == right else 0
        current, previous = (left, right) if left[0] == "E" else (right, left)
        return self.pair_counts[previous[1], current[1]]

    @cached_property
    def pair_counts(self) -> dict[tuple[str, str], Number]:
        """Expected numbers of neighbours (i, j), by the names of the two tokens."""
        names = [(i, j) for i in self._tokens for j in self._tokens if (i, j) != ("j", "j")]
        return {pair: self.chain.pair_count(*pair) for pair in names}

    @checked
    def previous_total(self, feature: Feature) -> Number:
        """T² times the P block's total in (5)."""
        self._require("feature", feature)
        return self._previous_total(feature)

    def _previous_total(self, feature: Feature) -> Number:
        block, token = feature
        first = self.chain.laws[token].rho if block == "E" else 0  # P(z_1 = token): ρ, as z_0 is no trigger
        return self.counts[feature] - self.chain.T * first
