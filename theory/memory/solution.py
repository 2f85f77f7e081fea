"""The flow of the associative memory in closed form: modified Bessel functions, and the time in logarithms of them.

With the symbols of `gradient_flow` let

    x = e^{-(n+1) b/2} >= 1,   X = log x,   q = e^{ρ/2}.

Then Z/e^b = x (q + 1/q) + n - 1 for the softmax's denominator Z, and dividing n ρ' by n b' = -e^b/Z leaves a Riccati
equation without t:

    q' = A - B q² - c q/x,   q(1) = 1,   A = 2α/(n+1),  B = 2(1-α)/(n+1),  c = (1-2α)(n-1)/(n+1).                  (3)

q = y'/(B y) makes it linear, y'' + c y'/x = AB y, so with λ = √(AB), μ = (1-c)/2 in (0, 1), y(1) = 1, y'(1) = B:

    y = x^μ φ,   φ = C I_μ(λx) + S K_μ(λx),
    q = √(α/(1-α)) ψ/φ,   ψ = C I_{μ-1}(λx) - S K_{1-μ}(λx),
    C = λ K_{1-μ}(λ) + B K_μ(λ),   S = λ I_{μ-1}(λ) - B I_μ(λ),                                                     (4)

and time follows from x and q:

    t = n/(α(1-α)) log y + n/α log q + n(n-1)/((n+1)α) X,
    dt/dX = 2n/(n+1) (x (q + 1/q) + n - 1).                                                                         (5)

At α = 1/2: q = 1, y = e^{(x-1)/(n+1)}. X and log q give the three values,

    b = -2X/(n+1),   s = (n-1)/(n+1) X + log q,   a = (n-1)/(n+1) X - log q,                                        (6)

and |d log q/dX| < 1, because a - b = X - log q and, a and s being exchangeable with α and 1-α, s - b = X + log q grow.

A, B, C, S, c, λ and μ are numbers of this solution alone: in `sampling_noise` B is a batch's size, C and S are
covariances. Everything is evaluated in balls (Arb) of growing precision until it is known to 2^-60, relatively.

Source: this project.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import flint
from scipy.optimize import brentq

from theory.evaluation import ball_arithmetic

Ball: TypeAlias = flint.arb
Formula = Callable[[Ball, Ball], dict[str, Ball]]
Condition = Callable[[Ball, Ball], Ball]

_ACCURACY = 60  # bits to which a value is known before it is rounded
_UNDERFLOW = flint.arb(2) ** -1075  # below it a float64 is 0
_FIRST_BITS = 192
_DOUBLINGS = 7
_NEWTON_STEPS = 200


class Point(NamedTuple):
    """log q, t and dt/dX at one X, as balls."""

    log_q: Ball
    t: Ball
    slope: Ball


class Curve:
    """Equations (4) and (5) at the current precision of `ball_arithmetic`.

    Args:
        n: number of inputs, >= 2.
        alpha: noise level, 0 < alpha < 1.
    """

    def __init__(self, n: int, alpha: Fraction) -> None:
        self.n, self.balanced = flint.arb(n), alpha == Fraction(1, 2)
        self.alpha, self.beta = _ball(alpha), _ball(1 - alpha)
        self.c = (1 - 2 * self.alpha) * (self.n - 1) / (self.n + 1)
        self.rate = 2 * (self.alpha * self.beta).sqrt() / (self.n + 1)  # λ
        self.order = (1 - self.c) / 2  # μ
        B, rate, order = 2 * self.beta / (self.n + 1), self.rate, self.order
        self.C = rate * rate.bessel_k(1 - order) + B * rate.bessel_k(order)
        self.S = rate * rate.bessel_i(order - 1) - B * rate.bessel_i(order)

    def at(self, X: Ball) -> Point:
        """log q, t and dt/dX at X > 0."""
        x, n = X.exp(), self.n
        log_y, log_q = ((x - 1) / (n + 1), flint.arb(0)) if self.balanced else self._logarithms(X, x)
        t = (n / self.alpha) * (log_y / self.beta + log_q + (n - 1) / (n + 1) * X)
        slope = 2 * n / (n + 1) * (x * (log_q.exp() + (-log_q).exp()) + n - 1)
        return Point(log_q, t, slope)

    def _logarithms(self, X: Ball, x: Ball) -> tuple[Ball, Ball]:
        """log y and log q; e^z is taken out of the Bessel functions of z = λx."""
        z, order = self.rate * x, self.order
        decay = (-2 * z).exp()
        phi = self.C * z.bessel_i(order, scaled=True) + self.S * decay * z.bessel_k(order, scaled=True)
        psi = self.C * z.bessel_i(order - 1, scaled=True) - self.S * decay * z.bessel_k(1 - order, scaled=True)
        return order * X + z + phi.log(), (psi / phi).log() + (self.alpha / self.beta).log() / 2

    def late_constant(self) -> Ball:
        """k, of the next order to (2), with the C, c and λ of (3) and (4) and ℓ = log(α/(1-α)):

            D = log κt - (g log κt + k)/t + O((log t/t)²),
            k = n/(α(1-α)) (log C - log(2πλ)/2 + (n-1) ℓ/(4(n+1)) - c/2) + n ℓ/(2α).                               (15)

        From (5) and I_μ(z) = e^z/√(2πz) (1 - (4μ²-1)/(8z) + …).
        """
        scale, log_odds = self.n / (self.alpha * self.beta), (self.alpha / self.beta).log()
        shift = scale * (self.C.log() - (2 * flint.arb.pi() * self.rate).log() / 2) + self.n / self.alpha * log_odds / 2
        return scale * (self.n - 1) / (self.n + 1) * log_odds / 4 + shift - self.c * scale / 2


def at_time(n: int, alpha: Fraction, t: Fraction, formula: Formula) -> dict[str, float]:
    """`formula(X, log q)`, linear combinations of X and log q, at time t >= 0, each rounded to float64 once."""

    def settled() -> dict[str, Ball]:
        if t == 0:
            return formula(flint.arb(0), flint.arb(0))
        curve = Curve(n, alpha)
        X, error = _coordinate(curve, _ball(t))
        log_q = curve.at(X).log_q
        spread = flint.arb(0, error)
        return formula(X + spread, log_q if curve.balanced else log_q + spread)

    return _round(settled, f"n={n}, alpha={alpha}, t={t}")


def time_of_zero(n: int, alpha: Fraction, condition: Condition) -> float:
    """The time at which `condition(X, log q)`, of one sign before and the other after, vanishes.

    Raises:
        ValueError: no float is large enough.
    """

    def value(X: float) -> float:
        def per_coordinate() -> dict[str, Ball]:
            place = flint.arb(X)
            return {"value": condition(place, Curve(n, alpha).at(place).log_q) / place}

        return _round(per_coordinate, f"n={n}, alpha={alpha}, X={X}")["value"]

    low = high = 1.0
    growing = value(math.ldexp(1.0, -600)) < 0
    while (value(low) < 0) != growing:
        low /= 2
    while (value(high) < 0) == growing:
        high *= 2
    X = brentq(value, low, high, xtol=math.ulp(0.0), rtol=4 * 2.0**-52)
    time = _round(lambda: {"t": Curve(n, alpha).at(flint.arb(X)).t}, f"n={n}, alpha={alpha}, X={X}")["t"]
    if math.isinf(time):
        raise ValueError(f"no float is large enough for the time asked for at n={n}, alpha={float(alpha)}")
    return time


def late_constant(n: int, alpha: Fraction) -> float:
    """`Curve.late_constant` as a float."""
    return _round(lambda: {"k": Curve(n, alpha).late_constant()}, f"n={n}, alpha={alpha}")["k"]


def _coordinate(curve: Curve, time: Ball) -> tuple[Ball, Ball]:
    """X at the given time by safeguarded Newton steps on log t, and a bound on its error.

    q + 1/q >= 2 in (5) gives t >= 2n X and t >= 4n/(n+1) (x-1), bounds of X from above; the first is sharp as t -> 0.
    """
    tolerance = flint.arb(2) ** (-flint.ctx.prec // 2)
    low, high = flint.arb(0), (time / (2 * curve.n)).mid()
    high = min(high, (1 + time * (curve.n + 1) / (4 * curve.n)).log().mid())
    X = high
    for _ in range(_NEWTON_STEPS):
        point = curve.at(X)
        if not point.t > 0 or not point.slope.is_finite():
            break
        ratio = point.t / time
        low, high = (X, high) if ratio < 1 else (low, X)
        step = ratio.log() * point.t / point.slope
        if abs(step) < tolerance * X:
            return (X - step).mid(), tolerance * X
        X = (X - step).mid()
        if not low < X < high:
            X = ((low + high) / 2).mid()
    return X, flint.arb("inf")


def _round(compute: Callable[[], dict[str, Ball]], name: str) -> dict[str, float]:
    """The balls that `compute` returns, at the first precision that settles all of them, as floats."""
    for doubling in range(_DOUBLINGS + 1):
        with ball_arithmetic(_FIRST_BITS << doubling):
            values = compute()
            if all(value.rel_accuracy_bits() >= _ACCURACY or abs(value) < _UNDERFLOW for value in values.values()):
                return {key: float(value.mid()) + 0.0 for key, value in values.items()}
    raise ArithmeticError(f"{_FIRST_BITS << _DOUBLINGS} bits do not give {_ACCURACY} accurate ones for {name}")


def _ball(value: Fraction) -> Ball:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))
