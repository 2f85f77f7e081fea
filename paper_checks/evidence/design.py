"""The design of comparisons with a standard error: two error probabilities, and the sample size that follows.

With K = FAMILY comparisons allowed in a run and a family-wise false-alarm probability F, one two-sided comparison has
level F/(2K): the factor 2 pays for the normal approximation, whose tail is off by at most a factor 2 once
|skewness| z³/(3 √m) <= log 2 (first-order correction of a studentised mean), a condition that `Design.samples` imposes
on means; variances are estimated from the same samples. The detectable error of a comparison is (z_F + z_miss) ·
standard error: an error of that size passes unnoticed with probability at most MISS.

The approach (fix both error probabilities and the smallest difference to detect, derive the sample size) is that of
TensorFlow Probability's statistical testing.

A rate can be told value by value, so that no more of them are drawn than it takes.

Values x_1, x_2, … in [0, 1], independent, of one expectation, R of them at most. That the expectation is at most θ is
rejected, at level δ, as soon as

    W_n = Π_{i<=n} (1 + λ (x_i - θ)) >= 1/δ,   λ = (s - θ)/(θ (1-θ)),   R KL(s‖θ) = log 1/δ,   s > θ,                (1)

with KL the divergence of Bernoulli laws: s is the mean with which Hoeffding's bound of R values is δ. (For the other
side x and θ become 1 - x and 1 - θ.)

False alarms. If the expectation is at most θ, W is a non-negative supermartingale with W_0 = 1, so that it ever reaches
1/δ with probability at most δ (Ville's inequality), whenever one looks and however many values there are.

Power. The logarithm is concave, so a factor of (1) is at least (s/θ)^x ((1-s)/(1-θ))^(1-x). So after R values with
mean x̄ >= s, log W_R >= R (x̄ log(s/θ) + (1-x̄) log((1-s)/(1-θ))), which grows with x̄ and is log 1/δ at x̄ = s: what
Hoeffding's bound tells after R values is told here by then. What R values detect is detected, with no less power.

Source: Ville (1939); Waudby-Smith and Ramdas (2024), betting on bounded means.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri, rel_entr, stdtrit


@dataclass(frozen=True)
class Design:
    """Error probabilities of a run and what follows from them."""

    false_alarm: float = 1e-6  # family-wise, for the whole run
    miss: float = 1e-3
    family: int = 4096  # most comparisons with a standard error in one run; the run fails beyond it

    def critical(self, degrees: float = math.inf) -> float:
        """|z| (or |t|) beyond which one comparison raises the alarm."""
        level = self.false_alarm / (2 * self.family)
        return _upper(level / 2, degrees)

    def detectable(self, degrees: float = math.inf) -> float:
        """Error, in standard errors, that is missed with probability at most `miss`."""
        return self.critical(degrees) + _upper(self.miss, degrees)

    def miss_quantile(self) -> float:
        """Standard errors above an estimate at which its one-sided 1 - `miss` confidence limit lies."""
        return _upper(self.miss)

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


def _upper(level: float, degrees: float = math.inf) -> float:
    """Beyond which the standard normal law, or Student's t, is with probability `level`."""
    return float(-stdtrit(degrees, level) if math.isfinite(degrees) else -ndtri(level))


DESIGN = Design()


def divergence(mean: float, rate: float) -> float:
    """KL(mean‖rate) of Bernoulli laws."""
    return float(rel_entr(mean, rate) + rel_entr(1 - mean, 1 - rate))


def hoeffding_mean(threshold: float, expected: int, most: int, design: Design = DESIGN) -> float:
    """s of (1): the mean nearest `threshold`, above (+1) or below (-1), that `most` values tell from it by Hoeffding's
    bound; 1 or 0 where no mean is.

    Raises:
        ValueError: a threshold that is not in (0, 1), or no value at most.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be in (0, 1), got {threshold}")
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    end, needed = (1.0 if expected > 0 else 0.0), needed_exponent(design) / most
    if divergence(end, threshold) <= needed:
        return end
    return float(brentq(lambda mean: divergence(mean, threshold) - needed, threshold, end))


def needed_exponent(design: Design = DESIGN) -> float:
    """log 1/δ, δ the level of one comparison."""
    return math.log(design.family / design.false_alarm)


def exponents(
    values: Iterable[float], threshold: float, expected: int, most: int, design: Design = DESIGN
) -> NDArray[np.float64]:
    """log W_n of (1) after each value."""
    gain = (hoeffding_mean(threshold, expected, most, design) - threshold) / (threshold * (1 - threshold))
    with np.errstate(divide="ignore"):  # a value that ends all hope where nothing short of 1, or of 0, is told
        return np.cumsum(np.log1p(gain * (np.asarray(values, dtype=np.float64) - threshold)))


def told(
    values: Iterable[float], threshold: float, expected: int, most: int, design: Design = DESIGN
) -> NDArray[np.float64]:
    """The first of the values, up to the one that tells their rate from the threshold; `most` of them if none does."""
    found: list[float] = []
    wealth, needed = 0.0, needed_exponent(design)
    gain = (hoeffding_mean(threshold, expected, most, design) - threshold) / (threshold * (1 - threshold))
    for value in islice(values, most):
        found.append(value)
        factor = 1 + gain * (value - threshold)
        wealth += math.log(factor) if factor > 0 else -math.inf
        if wealth >= needed:
            break
    return np.array(found)
