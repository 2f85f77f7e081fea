"""Exponents of power laws from exact values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Exponent:
    """The fitted exponent and the error of the fit."""

    exponent: float
    error: float


def fit_exponent(sizes: Sequence[float], values: Sequence[float], orders: int = 2) -> Exponent:
    """Fit log y = p log x + c_0 + c_1/x + … + c_K/x^K by least squares, for K = orders and K = orders + 1.

    The values are exact, so the only error is that of the truncated expansion: it is estimated by the change of p from
    K = orders to K = orders + 1, whose p is returned. Sizes should span several octaves.

    Raises:
        ValueError: fewer than orders + 3 points, or values that are not positive.
    """
    x, y = np.asarray(sizes, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.size < orders + 3:
        raise ValueError(
            f"fit_exponent needs at least {orders + 3} sizes and as many values, got {x.size} and {y.size}"
        )
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError("fit_exponent needs positive sizes and values")
    fitted = [_slope(x, y, order) for order in (orders, orders + 1)]
    return Exponent(fitted[1], abs(fitted[1] - fitted[0]))


def _slope(x: np.ndarray, y: np.ndarray, order: int) -> float:
    basis = np.stack([np.log(x)] + [(x.min() / x) ** power for power in range(order + 1)], axis=1)
    return float(np.linalg.lstsq(basis, np.log(y), rcond=None)[0][0])
