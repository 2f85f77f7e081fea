"""The terms of equation (12) of `gradient_memory`."""

from theory.arrays import Number
from theory.key_query.step import KeyQuery
from theory.one_step.symmetry import EntryClass
from theory.one_step.trigger_chain import Power, integer_power


class ContextParts:
    """The terms of (12) in generic arithmetic; entries are named by their class."""

    def __init__(self, N: Number, T: Number, alpha: Number, power: Power = integer_power) -> None:
        self.N, self.T, self.alpha, self.step = N, T, alpha, KeyQuery(N, T, alpha, power)

    def excess(self, entry: EntryClass) -> Number:
        """(μ_row - μ)[column]; zero in row τ."""
        row, block, token = entry[0], entry[1][0], entry[1][2:-1]
        if row == "tau":
            return 0 * self.N
        own = self.step.given[row == "q"].counts[block, "c" if token == "k" else token]
        return (own - self.step.mean[block, token if token in ("q", "tau") else "k"]) / self.T

    def signal(self, entry: EntryClass) -> Number:
        """One entry of S."""
        return (1 - self.alpha) / self.N * self.excess(entry)

    def residual(self, row: str) -> Number:
        """r in row "tau" or any other."""
        level = self.alpha - 1 / (self.N + 1)
        return level if row == "tau" else -level / self.N

    def mean(self) -> dict[tuple[str, str], Number]:
        """μ per (block, "q" | "k" | "tau")."""
        return {feature: count / self.T for feature, count in self.step.mean.items()}
