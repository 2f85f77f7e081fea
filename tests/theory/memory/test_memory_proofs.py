"""Proofs, step by step in sympy, of what `theory.memory*` states about the flow of the associative memory."""

import pytest
import sympy
from sympy import Rational, exp, log, sqrt

from theory.memory.gradient_flow import symbolic_rates
from theory.memory.solution import Curve, ball_arithmetic

SYMBOLS, RATES = symbolic_rates()
n, alpha, a, b, s = SYMBOLS.values()
total = exp(a) + (n - 1) * exp(b) + exp(s)
p_a, p_b, p_s = exp(a) / total, exp(b) / total, exp(s) / total
m, y, D, X, x, t, q = sympy.symbols("m y D X x t q", positive=True)
R = sympy.Symbol("R", real=True)  # ρ


def is_zero(expression):
    """Exactly zero as a rational function of the exponentials, or else after simplification."""
    return sympy.cancel(sympy.together(expression)) == 0 or sympy.simplify(sympy.expand(expression)) == 0


def along_the_flow(expression):
    """Time derivative."""
    return sum(sympy.diff(expression, SYMBOLS[name]) * rate for name, rate in RATES.items())


def test_the_weighted_sum_is_conserved():
    assert is_zero(RATES["a"] + (n - 1) * RATES["b"] + RATES["s"])


@pytest.mark.parametrize("size", [2, 3, 4])
def test_three_values_stay_three_values(size):
    """The gradient of the loss of a general matrix, at any matrix of three values, has the three values of (1)."""
    W = sympy.Matrix(size + 1, size, lambda i, j: sympy.Symbol(f"W{i}_{j}"))
    loss = 0
    for column in range(size):
        normaliser = log(sum(exp(W[row, column]) for row in range(size + 1)))
        loss += (normaliser - (1 - alpha) * W[column, column] - alpha * W[size, column]) / size
    name = {(i, j): "s" if i == size else "a" if i == j else "b" for i in range(size + 1) for j in range(size)}
    place = {W[entry]: SYMBOLS[letter] for entry, letter in name.items()}
    for entry, letter in name.items():
        rate = -sympy.diff(loss, W[entry]).subs(place)
        assert is_zero(rate - RATES[letter].subs(n, size)), entry


def test_the_correct_and_the_noise_output_are_exchangeable_with_the_noise_level():
    swap = {a: s, s: a, alpha: 1 - alpha}
    for name, other in (("a", "s"), ("b", "b"), ("s", "a")):
        assert is_zero(RATES[name].subs(swap, simultaneous=True) - RATES[other])


def test_the_gap_of_correct_over_other_never_stops_growing():
    """n D' = 1-α at the start; where D' = 0, n D'' = (1 + 1/n) p_b p_s (p_a - p_b), positive as D > 0."""
    rate = RATES["a"] - RATES["b"]
    assert is_zero(n * rate.subs({a: 0, b: 0, s: 0}) - (1 - alpha))
    stop = sympy.solve(rate, alpha)[0]
    second = along_the_flow(rate).subs(alpha, stop)
    assert is_zero(n * second - (1 + 1 / n) * p_b * p_s * (p_a - p_b))


def test_noise_over_correct_keeps_the_sign_of_the_noise_level_over_a_half():
    assert is_zero(n * (RATES["s"] - RATES["a"]).subs(s, a) - (2 * alpha - 1))


COMMON = (n - 1) / (n + 1) * X
IN_X_AND_Q = {a: COMMON - log(q), b: -2 * X / (n + 1), s: COMMON + log(q)}


def from_other(expression):
    """With e^{a-b} = x/q and e^{s-b} = x q, as in IN_X_AND_Q with X = log x."""
    return expression.subs({a: b + log(x) - log(q), s: b + log(x) + log(q)}, simultaneous=True)


def test_the_coordinates_conserve_the_weighted_sum():
    assert is_zero((a + (n - 1) * b + s).subs(IN_X_AND_Q))
    assert is_zero((a - b - X + log(q)).subs(IN_X_AND_Q))
    assert is_zero((s - b - X - log(q)).subs(IN_X_AND_Q))


A, B, c = 2 * alpha / (n + 1), 2 * (1 - alpha) / (n + 1), (1 - 2 * alpha) * (n - 1) / (n + 1)


def test_time_drops_out_into_a_riccati_equation():
    """dq/dx = A - B q² - c q/x and dt/dX = 2n/(n+1) (x (q + 1/q) + n - 1)."""
    X_rate = from_other(-(n + 1) / 2 * RATES["b"])
    q_rate = from_other(RATES["s"] - RATES["a"]) * q / 2
    slope = 2 * n / (n + 1) * (x * (q + 1 / q) + n - 1)
    assert is_zero(X_rate * slope - 1)
    assert is_zero(q_rate * slope / x - (A - B * q**2 - c * q / x))


def test_the_riccati_equation_is_linear_in_y_and_time_is_a_logarithm_of_it():
    """With q = y'/(B y) and y'' = AB y - c y'/x: (3), and the derivative of (5) is dt/dX."""
    value, first = sympy.symbols("value first", positive=True)
    second = A * B * value - c * first / x
    ratio = first / (B * value)
    ratio_rate = (second * value - first**2) / (B * value**2)
    assert is_zero(ratio_rate - (A - B * ratio**2 - c * ratio / x))
    t_rate = (
        n / (alpha * (1 - alpha)) * first / value + n / alpha * ratio_rate / ratio + n * (n - 1) / ((n + 1) * alpha) / x
    )
    assert is_zero(t_rate - 2 * n / (n + 1) * (ratio + 1 / ratio + (n - 1) / x))


def test_powers_times_bessel_functions_solve_the_linear_equation():
    """x^μ Z_μ(λx) for Z = I, and for K, where the derivative changes sign; from Z_{μ-1} and Z_μ alone."""
    order, rate = (1 - c) / 2, sympy.Symbol("lambda", positive=True)
    lower, upper = sympy.symbols("lower upper")  # Z_{μ-1}(z), Z_μ(z)
    for sign in (1, -1):  # Z_μ' = ± Z_{μ-1} - μ/z Z_μ,  Z_{μ-1}' = ± Z_μ + (μ-1)/z Z_{μ-1}
        z = rate * x
        upper_rate, lower_rate = sign * lower - order / z * upper, sign * upper + (order - 1) / z * lower
        first = order / x * upper + rate * upper_rate  # y' / x^μ
        assert is_zero(first - sign * rate * lower)
        second = order / x * first + sign * rate * rate * lower_rate
        assert is_zero(second + c / x * first - rate**2 * upper)
    assert is_zero((2 * sqrt(alpha * (1 - alpha)) / (n + 1)) ** 2 - A * B)
    for function, sign, down in ((sympy.besseli, 1, -1), (sympy.besselk, -1, -1)):
        z, order = Rational(17, 10), Rational(3, 7)
        slope = sympy.diff(function(order, x), x).subs(x, z)
        assert abs((slope - sign * function(order + down, z) + order / z * function(order, z)).evalf(30)) < 1e-25


@pytest.mark.parametrize(("size", "level"), [(2, (1, 10)), (3, (1, 2)), (5, (2, 3)), (1000, (1, 1000))])
def test_the_solution_starts_where_the_flow_does(size, level):
    """y(1) = 1 (the Wronskian) and q(1) = 1, and the case α = 1/2 is no exception of the general formula."""
    with ball_arithmetic(256):
        curve = Curve(size, Rational(*level))
        curve.balanced = False
        start = curve.at(curve.n * 0)
        for value in (start.log_q, start.t):
            assert value.contains(0)
            assert value.rad() < 1e-50
        assert start.slope.contains(2 * size)
        if level == (1, 2):
            general, special = curve.at(curve.n), Curve(size, Rational(1, 2)).at(curve.n)
            assert all(one.overlaps(other) and one.rad() < 1e-50 for one, other in zip(general, special, strict=True))


def test_at_one_half_the_solution_is_implicit():
    """4 (e^D - 1) + 2 (n-1) D = (n+1) t/n, from ρ = 0."""
    rate = from_other(RATES["a"] - RATES["b"]).subs({alpha: Rational(1, 2), q: 1})
    assert is_zero((4 * x + 2 * (n - 1)) * rate - (n + 1) / n)


def test_the_singular_values_are_those_stated():
    """WᵀW = D² (I - 11ᵀ/n) + (n+1) s² 11ᵀ/n, and W 1 = s (-1, …, -1, n)ᵀ, entry by entry for any n."""
    sum_zero = {a: -(n - 1) * b - s}
    common = ((n + 1) * s**2 - (a - b) ** 2) / n
    diagonal, other = a**2 + (n - 1) * b**2 + s**2, 2 * a * b + (n - 2) * b**2 + s**2
    for entry, stated in ((diagonal, (a - b) ** 2 + common), (other, common), (a + (n - 1) * b, -s)):
        assert is_zero((entry - stated).subs(sum_zero))


def test_late_expansion():
    """The ansatz D = log κt - (g L + k) ε, ρ = ℓ + r ε with L = log κt, ε = 1/t solves (1) to the order stated."""
    L, k, e = sympy.symbols("L k epsilon")
    beta = 1 - alpha
    kappa, g = (n + 1) * beta / (2 * n), n * (n - 1) / (2 * (n + 1) * alpha * beta)
    r, loss = n * (n - 1) * (2 * alpha - 1) / ((n + 1) * alpha * beta), n * (n - 1) / (n + 1)
    inverse = e / kappa * (1 + (g * L + k) * e)  # e^{-D} up to e³
    odds = alpha / beta * (1 + r * e)  # e^ρ up to e²
    normaliser = 1 + odds + (n - 1) * inverse
    D_rate, rho_rate = e + (g * L + k) * e**2 - g * e**2, -r * e**2  # dL/dt = e, de/dt = -e²
    a_rate, b_rate = ((n - 1) * D_rate - rho_rate) / (n + 1), -(2 * D_rate + rho_rate) / (n + 1)

    def vanishes(expression, order):
        return all(is_zero(sympy.diff(expression, e, power).subs(e, 0)) for power in range(order + 1))

    assert vanishes(n * b_rate * normaliser + inverse, 2)  # n b' = -p_b, whatever k
    assert vanishes((n * a_rate - beta) * normaliser + 1, 1)  # n a' = 1 - α - p_a
    assert vanishes((n * (a_rate + rho_rate) - alpha) * normaliser + odds, 1)  # n s' = α - p_s
    assert vanishes((alpha - loss * e) * normaliser - odds, 1)  # p_s
    assert vanishes((beta - loss * e) * normaliser - 1, 1)  # p_a


def test_the_late_constant():
    """(15) from (5), x = 1/ε: I_μ(z) = e^z/√(2πz) (1 - (4μ²-1)/(8z) + …) in y and q, κt e^{-D} to first order in ε.

    K_μ is exponentially small; w = √(α/(1-α)), ℓ = 2 log w, and L is log C - log(2πλ)/2.
    """
    e, w, ell, L, order, z = sympy.symbols("epsilon w ell L mu z", positive=True)
    level, beta = w**2 / (1 + w**2), 1 / (1 + w**2)
    rate, c = 2 * w / ((1 + w**2) * (n + 1)), (1 - 2 * level) * (n - 1) / (n + 1)
    upper, lower = (1 - (4 * power**2 - 1) / (8 * z) for power in (order, order - 1))
    assert is_zero(sympy.series(lower / upper, z, sympy.oo, 2).removeO() - 1 - (2 * order - 1) / (2 * z))
    root = w * (1 - c * e / (2 * rate))  # q, as 2μ - 1 = -c
    log_y = (1 - c) / 2 * X + rate / e - X / 2 + L
    time = n / (level * beta) * log_y + n / level * ell / 2 + n * (n - 1) / ((n + 1) * level) * X
    kappa, g = (n + 1) * beta / (2 * n), n * (n - 1) / (2 * (n + 1) * level * beta)
    k = n / (level * beta) * (L + (n - 1) * ell / (4 * (n + 1)) - c / 2) + n * ell / (2 * level)
    first = (g * (X - ell / 2) + k) * level * beta * e / (n * rate)  # (g log κt + k)/t, at log κt = D = X - ℓ/2
    rest = sympy.cancel(sympy.together(kappa * time * root * e - 1 - first))  # κt e^{-D} = κt q/x
    assert all(is_zero(sympy.diff(rest, e, power).subs(e, 0)) for power in (0, 1))


def test_the_gap_of_the_singular_values_moves_as_stated():
    """n G' = (m+1)(α - (m-1) p_b - p_s); where G = 0, s - b = D/(m-1), and the last two terms are h(D)."""
    rate = (m * RATES["s"] - (RATES["a"] - RATES["b"])).subs(n, m**2 - 1)
    stated = ((m + 1) * (alpha - (m - 1) * p_b - p_s)).subs(n, m**2 - 1)
    assert is_zero((m**2 - 1) * rate - stated)
    top = ((n - 1) * D + n * R) / (n + 1)  # s in D and ρ
    zero = sympy.solve((m * top - D).subs(n, m**2 - 1), R)[0]
    assert is_zero(D + zero - D / (m - 1))
    h = (y + m - 1) / (y ** (m - 1) + y + m**2 - 2)
    at_zero = ((m - 1) * p_b + p_s).subs(n, m**2 - 1).subs({a: b + (m - 1) * log(y), s: b + log(y)})
    assert is_zero(at_zero - h)
    gap = (m * s - a + b).subs(IN_X_AND_Q).subs(n, m**2 - 1)
    assert is_zero(gap - (m + 1) * ((m - 2) / m * X + log(q)))


def test_a_negative_noise_logit_never_brings_the_noise_on_top():
    """At m s = -D: s - b = -D/(m+1) < 0, so p_s < p_b, and n (D + m s)' = n p_b - (m-1) p_s + (m-1) α > 0."""
    top = ((n - 1) * D + n * R) / (n + 1)
    zero = sympy.solve((m * top + D).subs(n, m**2 - 1), R)[0]
    assert is_zero(D + zero + D / (m + 1))
    rate = n * (RATES["a"] - RATES["b"] + m * RATES["s"])
    assert is_zero(rate - (n * p_b - (m - 1) * p_s + (m - 1) * alpha))
    assert sympy.factor((n - (m - 1)).subs(n, m**2 - 1)) == m * (m - 1)


def test_the_level_at_a_tie_is_monotone():
    """1/h - 1 = (y^{m-1} + m² - m - 1)/(y + m - 1): its derivative's numerator is 0 at y = 1 and has a signed slope."""
    h = (y + m - 1) / (y ** (m - 1) + y + m**2 - 2)
    inverse = 1 + (y ** (m - 1) + m**2 - m - 1) / (y + m - 1)
    assert is_zero(1 / h - inverse)
    numerator = sympy.simplify(sympy.diff(inverse, y) * (y + m - 1) ** 2)
    stated = (m - 2) * y ** (m - 1) + (m - 1) ** 2 * y ** (m - 2) - (m**2 - m - 1)
    assert is_zero(numerator - stated)
    assert is_zero(stated.subs(y, 1))
    slope = (m - 1) * (m - 2) * y ** (m - 3) * (y + m - 1)  # the sign of m - 2, as m > 1
    assert is_zero(sympy.powsimp(sympy.expand(sympy.diff(stated, y) - slope)))
    assert is_zero(h.subs(y, 1) - 1 / m)
    assert is_zero(h.subs(m, 2) - Rational(1, 2))
    assert sympy.limit(h.subs(m, sqrt(3)), y, sympy.oo) == 1
    assert all(sympy.limit(h.subs(m, sqrt(size + 1)), y, sympy.oo) == 0 for size in (4, 8, 24))


def test_the_early_crossing_time():
    """h = 1/m - (m-2) D²/(2m³(m-1)) + …, D = t/(m(m+1)) + … at α = 1/m: ∫ (α - h) dt vanishes at the time stated."""
    h = ((exp(D / (m - 1)) + m - 1) / (exp(D) + exp(D / (m - 1)) + m**2 - 2)).series(D, 0, 3).removeO()
    assert is_zero(h - (1 / m - (m - 2) * D**2 / (2 * m**3 * (m - 1))))
    rate = (RATES["a"] - RATES["b"]).subs({a: 0, b: 0, s: 0}).subs(n, m**2 - 1).subs(alpha, 1 / m)
    assert is_zero(rate - 1 / (m * (m + 1)))
    integral = sympy.integrate(sympy.expand((alpha - h).subs(D, t / (m * (m + 1)))), (t, 0, t))
    square = (m * (m + 1)) ** 2 * 6 * m**3 * (m - 1) * (1 / m - alpha) / (m - 2)
    assert is_zero(sympy.expand(integral / t).subs(t, sqrt(square)))


def test_the_late_crossing_time():
    """G = 0 with ρ = ℓ: D = -(m-1)/(m-2) ℓ, the exponent n/(n-1-m); 1 + √3 for n = 2, in α/(1-α)."""
    root = sympy.solve((m * ((n - 1) * D + n * R) / (n + 1) - D).subs(n, m**2 - 1), D)[0]
    exponent = n / (n - 1 - m)
    assert is_zero(root + (m - 1) / (m - 2) * R)
    assert is_zero(exponent.subs(n, m**2 - 1) - (m - 1) / (m - 2))
    assert sympy.simplify(exponent.subs({n: 2, m: sqrt(3)}) + 1 + sqrt(3)) == 0


def test_the_noise_logit_turns_positive_once():
    """Where s = 0, p_s = 1/(1 + e^{D(1-1/n)} + (n-1) e^{-D/n}), from 1/(n+1) strictly down as D grows from 0."""
    at_zero = 1 / p_s.subs({s: b + D / n, a: b + D})
    assert is_zero(sympy.solve(((n - 1) * D + n * R), R)[0] + D - D / n)
    stated = 1 + exp(D * (1 - 1 / n)) + (n - 1) * exp(-D / n)
    assert is_zero(sympy.powsimp(sympy.expand(at_zero - stated)))
    slope = (1 - 1 / n) * exp(-D / n) * (exp(D) - 1)
    assert is_zero(sympy.powsimp(sympy.expand(sympy.diff(stated, D) - slope)))
    assert stated.subs(D, 0) == n + 1


def test_the_error_without_the_noise_direction():
    """n = 2: error = z - z³ + O(z⁴), z = e^{-D/2}; else z^{n-1} (1 + (n-1) z + O(z²))."""
    z = sympy.Symbol("z", positive=True)
    for size in (2, 3, 4, 7):
        odds = z ** (size - 1) + (size - 1) * z**size
        logits = {"correct": z ** (1 - size), "other": z, "noise": 1}
        error = 1 - logits["correct"] / (logits["correct"] + (size - 1) * z + 1)
        assert is_zero(error - odds / (1 + odds))
        expected = z - z**3 if size == 2 else z ** (size - 1) * (1 + (size - 1) * z)
        order = 4 if size == 2 else size + 1
        assert is_zero(sympy.series(odds / (1 + odds), z, 0, order).removeO() - expected)
