"""The design of comparisons with a standard error: two error probabilities, and the sample size that follows.

With K = FAMILY comparisons allowed in a run and a family-wise false-alarm probability F, one two-sided comparison has
level F/(2K): the factor 2 pays for the normal approximation, whose tail is off by at most a factor 2 once
|skewness| z³/(3 √m) <= log 2 (first-order correction of a studentised mean), a condition that `Design.samples` imposes
on means; variances are estimated from the same samples. The detectable error of a comparison is (z_F + z_miss) ·
standard error: an error of that size passes unnoticed with probability at most MISS.

The approach (fix both error probabilities and the smallest difference to detect, derive the sample size) is that of
TensorFlow Probability's statistical testing.
"""

import math
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Design:
    """Error probabilities of a run and what follows from them."""

    false_alarm: float = 1e-6  # family-wise, for the whole run
    miss: float = 1e-3
    family: int = 4096  # most comparisons with a standard error in one run; the run fails beyond it

    def critical(self, degrees: float = math.inf) -> float:
        """|z| (or |t|) beyond which one comparison raises the alarm."""
        level = self.false_alarm / (2 * self.family)
        return float(stats.t.isf(level / 2, degrees) if math.isfinite(degrees) else stats.norm.isf(level / 2))

    def detectable(self, degrees: float = math.inf) -> float:
        """Error, in standard errors, that is missed with probability at most `miss`."""
        miss = stats.t.isf(self.miss, degrees) if math.isfinite(degrees) else stats.norm.isf(self.miss)
        return self.critical(degrees) + float(miss)

    def miss_quantile(self) -> float:
        """Standard errors above an estimate at which its one-sided 1 - `miss` confidence limit lies."""
        return float(stats.norm.isf(self.miss))

    def samples(
        self,
        value: float,
        variance: float,
        error: float,
        degrees: float = math.inf,
        span: float = 1,
        skewness: float | None = None,
    ) -> int:
        """Samples that make a relative `error` of `value` detectable in a mean with per-sample `variance`.

        The second condition (above) is on the skewness, at most span/σ for a variable of range `span`.
        """
        if variance == 0:
            return 2
        power = (self.detectable(degrees) / error) ** 2 * variance / value**2 if value else 0
        largest = span / math.sqrt(variance) if skewness is None else abs(skewness)
        normality = (largest * self.critical() ** 3 / (3 * math.log(2))) ** 2
        return math.ceil(max(power, normality, 2))


DESIGN = Design()
