"""Counts, means and central power sums that can be merged."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit

from simulate.runtime.arrays import Floats

Values: TypeAlias = Any
"""A float or a float64 array, whatever the others are: they broadcast."""


class CentralSums(NamedTuple):
    """Summary of some numbers x, entrywise: how many, their mean, and Σ (x - mean)^p for p = 2, 3, 4.

    The five arrays (or scalars) broadcast against each other. Merging summaries never subtracts large sums.
    """

    count: Values
    mean: Values
    second: Values
    third: Values
    fourth: Values

    @classmethod
    def of_values(cls, values: Floats) -> "CentralSums":
        """Of the numbers along the first axis of `values`, at least one, in two passes."""
        mean, shape = values.mean(axis=0), values.shape[1:]
        sums = np.zeros((3, *shape))
        _add_powers(values.reshape(len(values), -1), np.reshape(mean, -1), sums.reshape(3, -1))
        return cls(len(values), mean, *sums)

    @classmethod
    def of_powers(cls, count: Values, powers: Values, shift: int) -> "CentralSums":
        """From the counts and Σ (x - shift)^p, p = 1..4, in `powers` (first axis p - 1); `count` may hold zeros."""
        first, second, third, fourth = powers
        d = first / np.maximum(count, 1)
        return cls(
            count,
            np.where(np.asarray(count) > 0, shift + d, 0.0),
            np.maximum(second - count * d**2, 0.0),
            third - 3 * d * second + 2 * count * d**3,
            np.maximum(fourth - 4 * d * third + 6 * d**2 * second - 3 * count * d**4, 0.0),
        )

    def scaled(self, factor: float) -> "CentralSums":
        """The summary of factor · x."""
        return CentralSums(
            self.count,
            self.mean * factor,
            self.second * factor**2,
            self.third * factor**3,
            self.fourth * factor**4,
        )

    def merge(self, other: "CentralSums") -> "CentralSums":
        """The summary of both sets of numbers together.

        With δ the difference of the means, each set contributes Σ (x - mean + its shift)^p, expanded; its shift is
        -δ · (share of the other set), and with the opposite sign for the other one.
        """
        total = self.count + other.count
        share = other.count / np.maximum(total, 1)
        difference = other.mean - self.mean
        parts = (self._shifted(difference * -share), other._shifted(difference * (1 - share)))
        return CentralSums(total, self.mean + difference * share, *(a + b for a, b in zip(*parts, strict=True)))

    def _shifted(self, shift: Values) -> tuple[Values, Values, Values]:
        """Σ (x - mean + shift)^p for p = 2, 3, 4."""
        count, _, second, third, fourth = self
        return (
            second + count * shift**2,
            third + 3 * shift * second + count * shift**3,
            fourth + 4 * shift * third + 6 * shift**2 * second + count * shift**4,
        )

    def variance(self) -> Values:
        """Unbiased variance."""
        return self.second / (self.count - 1)

    def standard_error(self) -> Values:
        """Standard error of the mean: √(variance / count)."""
        return np.sqrt(self.variance() / self.count)

    def variance_standard_error(self) -> Values:
        """Standard error of the variance: √((m₄ - m₂²) / count), where m_p = Σ (x - mean)^p / count."""
        excess = self.fourth / self.count - (self.second / self.count) ** 2
        return np.sqrt(np.maximum(excess, 0.0) / self.count)

    def skewness(self) -> Values:
        """m₃ / m₂^(3/2), m_p = Σ (x - mean)^p / count; nan where m₂ = 0."""
        with np.errstate(invalid="ignore"):
            return self.third / self.count / (self.second / self.count) ** 1.5


@njit(nogil=True, cache=True)
def _add_powers(values, mean, sums):  # type: ignore[no-untyped-def]
    """Add Σ (x - mean)^p for p = 2, 3, 4 of each column to its sums, without arrays in between."""
    rows, columns = values.shape
    for row in range(rows):
        for column in range(columns):
            deviation = values[row, column] - mean[column]
            square = deviation * deviation
            sums[0, column] += square
            sums[1, column] += square * deviation
            sums[2, column] += square * square
