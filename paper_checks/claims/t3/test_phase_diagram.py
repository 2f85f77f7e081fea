"""T3.3 and T3.4: uniform against absorbed output probabilities, and their critical noise levels."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments.key_query import Simulation, check_expansion, check_simulation, contrast_simulation, held
from paper_checks.experiments.named import in_words
from paper_checks.witnesses.sturm import key_query_roots
from theory import Task
from theory.evaluation import N, alpha
from theory.key_query.limits import (
    expand,
    fixed_noise_expansion,
    long_sequence_parts,
    s,
    scaled_noise_expansion,
    threshold_series,
    turning_expansion,
    x,
)
from theory.key_query.phase_diagram import (
    avoidance_threshold,
    contrast_value,
    critical_noise_level,
    reversal_range,
    turning_absorption,
    uniform_threshold,
)


@pytest.mark.claims("T3.3")
def test_leading_orders(claim: Assertions) -> None:
    """Derived from the exact T → ∞ forms, at fixed α and at fixed x = αN (where the event c = q dominates)."""
    a, parts = alpha, long_sequence_parts("P(q)")
    context = [(1 - a) ** 4, (1 - a) ** 4 * (2 - 5 * a**2) / a**2]
    check_expansion(claim, "K[P(q)] in context, fixed α", fixed_noise_expansion(parts.in_context, 2), 3, context)
    noise = [-(a**2) * (1 - a), (1 - a) * (4 * a**2 - a + 1)]
    check_expansion(claim, "its noise part, fixed α", fixed_noise_expansion(parts.noise, 2), 2, noise)
    scaled = [2 * x / (1 + x) ** 3, x * (x**2 - 5 * x - 2) / (1 + x) ** 3]
    check_expansion(claim, "K[P(q)] in context, fixed αN", scaled_noise_expansion(parts.in_context, 2), 2, scaled)


REMAINDERS: dict[str, tuple[Callable[[int], float], Callable[[int], float] | None, Callable[[int, float], float]]] = {
    "fixed α, absorbed": (lambda n: 0.4, lambda n: 0.4, lambda n, a: (1 - a) ** 4 / n**3),
    "fixed α, uniform": (
        lambda n: 0.6,
        None,
        lambda n, a: ((1 - a) ** 4 - a**3 * (1 - a) * n + a**2 * (1 - a) + a * (1 - a) * (4 * a**2 - a + 1)) / n**3,
    ),
    "fixed αN = 2, absorbed": (lambda n: 2 / n, lambda n: 2 / n, lambda n, a: 4 / 27 / n**2),
}
"""Noise level, absorption and leading terms of K[P(q)]; (α-π) α² (1-α) N at π = 1/(N+1) is α³ (1-α) N - α² (1-α)."""


@pytest.mark.claims("T3.3")
@pytest.mark.parametrize("name", REMAINDERS)
def test_order_of_the_remainder(claim: Assertions, name: str) -> None:
    """Along T = N² the leading terms miss K[P(q)] by a relative (uniform: absolute in N⁻³) error of order 1/N."""
    level, absorption, leading = REMAINDERS[name]
    sizes, gaps = [2**power for power in range(6, 14)], []
    for n in sizes:
        task = Task(n, n * n, level(n))
        found = contrast_value(task, "attends", None if absorption is None else absorption(n))
        power = 2 if "αN" in name else 3
        gaps.append(abs(found - leading(n, level(n))) * n**power)
    claim.exponent(f"exponent of the remainder in N, {name}", -1.0, fit_exponent(sizes, gaps))


@pytest.mark.claims("T3.3")
def test_leading_order_needs_more_than_large_alpha_N(claim: Assertions) -> None:
    """(1-α)⁴/N³ at absorbed p needs α²N ≫ 1, not αN ≫ 1: along α = 1/√N, αN → ∞ and N³ K[P(q)] → 3."""
    sizes = [4**power for power in range(3, 12)]
    found = [n**3 * contrast_value(Task(n, n * n, n**-0.5), "attends", n**-0.5) for n in sizes]
    roots = [2**power for power in range(3, 12)]
    fit = fit_exponent(roots, [abs(value - 3) for value in found])
    claim.exponent("exponent of N³ K[P(q)] - 3 in √N", -1.0, fit, "beyond")
    claim.less(
        "distance to 3 shrinks", np.abs(np.array(found[1:]) - 3), np.abs(np.array(found[:-1]) - 3), side="beyond"
    )


@pytest.mark.claims("T3.3")
def test_critical_noise_level(claim: Assertions) -> None:
    """At uniform p, K[P(q)] is positive just below α_c(N, T) and negative just above: the only change if T is short."""
    stated, (low, high) = 0.3603, critical_noise_level(16, 256)
    claim.close("noise level α_c at N = 16, T = 256", stated, float(high), 0.5e-4 / stated, "stated to 4 decimals")
    for n, length in ((3, 5), (5, 11), (8, 64), (16, 256), (32, 4096), (101, 211), (512, 512**2)):
        low, high = critical_noise_level(n, length)
        below, above = (contrast_value(Task(n, length, level), "attends") for level in (low, high))
        claim.greater(f"K[P(q)] just below α_c = {float(low):.6f}, N = {n}, T = {length}", below, 0)
        claim.less(f"K[P(q)] just above, N = {n}, T = {length}", above, 0, side="beyond")
    for n, length in ((3, 5), (5, 7), (5, 11), (8, 12)):
        roots = key_query_roots(n, length, "attends", absorbed=False)
        claim.equal(f"sign changes of K[P(q)] on (0, 1), N = {n}, T = {length}", 1, roots)
    for level in (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        value = contrast_value(Task(7, 2, level), "attends")
        claim.greater(f"positive on both sides at T = 2, α = {level}", value, 0, side="beyond")


@pytest.mark.claims("T3.3")
def test_uniform_probabilities_at_tiny_noise(claim: Assertions) -> None:
    """For T above about 2N³ the step points away below a second level too, about 1/(2N³) - 1/T; for less T it does not.

    At α = x/N³ the leading terms of K[P(q)] are N⁻⁴ (2x - 1) + N⁻¹ 2/T.
    """
    for n, length in ((5, 1250), (8, 10**4), (32, 10**6)):
        threshold = uniform_threshold(n, length)
        assert threshold is not None
        low, high = (contrast_value(Task(n, length, level), "attends") for level in threshold)
        claim.less(f"K[P(q)] just below {float(threshold[0]):.3g}, N = {n}, T = {length}", low, 0, side="beyond")
        claim.greater(f"K[P(q)] just above, N = {n}, T = {length}", high, 0)
    for n, length in ((5, 125), (8, 512), (32, 4096)):
        value = contrast_value(Task(n, length, Fraction(1, 10**12)), "attends")
        claim.greater(f"K[P(q)] at α = 10⁻¹², N = {n}, T = {length}", value, 0)
    for order, power, stated in ((0, 4, 2 * x - 1), (1, 1, 2)):
        found = long_sequence_parts("P(q)", order).at(alpha - 1 / (N + 1)).subs(alpha, x / N**3).subs(N, 1 / s)
        leading = expand(found, 1)
        claim.equal(f"T^-{order} part at α = x/N³: power of 1/N", power, leading.exponent, side="beyond")
        difference = sympy.cancel(leading.coefficients[0] - stated)
        claim.equal(f"T^-{order} part at α = x/N³: coefficient", sympy.Integer(0), difference, side="beyond")


@pytest.mark.claims("T3.3")
def test_critical_noise_level_in_the_limit(claim: Assertions) -> None:
    """α_c = N^{-1/3} - 1/N + O(N^{-4/3}), so N^{-1/3} is met to 1/N; 1/(1+N^{1/3}) is off already at N^{-2/3}."""
    series = np.array(threshold_series("attends", 3, 4))
    claim.equal("α_c in powers of N^{-1/3}", np.array([1, 0, -1, 1]), series)
    cubes = [2**power for power in range(2, 9)]
    found = np.array([float(critical_noise_level(c**3, c**6, bits=50)[1]) for c in cubes])
    near, off = np.abs(found - 1 / np.array(cubes)), np.abs(found - 1 / (1 + np.array(cubes)))
    claim.exponent("exponent in N^{1/3} of α_c - N^{-1/3}", -3.0, fit_exponent(cubes, near.tolist()))
    claim.exponent("exponent in N^{1/3} of α_c - 1/(1+N^{1/3})", -2.0, fit_exponent(cubes, off.tolist()), "beyond")


def uniform_simulation(level: float) -> Simulation:
    """K[P(q)] at uniform p."""
    task = Task(8, 61, level, 5)
    what = "uniform K[P(q)]"
    return contrast_simulation(f"{what}, {in_words(task)}", f"{what}, {task}", task, None, "attends", 0.02)


@pytest.mark.claims("T3.3")
@pytest.mark.jobs.with_args(lambda base_seed, level: [uniform_simulation(level).job(base_seed)])
@pytest.mark.parametrize(("level", "side"), [(0.25, "holds"), (0.6, "beyond")])
def test_uniform_probabilities_simulated(claim: Assertions, level: float, side: Side) -> None:
    """Simulated K[P(q)] at uniform p to 2 %, on both sides of α_c(8, 61)."""
    expected, critical = (1 if side == "holds" else -1), float(critical_noise_level(8, 61)[1])
    claim.greater(f"distance of α = {level} from α_c, with its sign", expected * (critical - level), 0, side=side)
    check_simulation(claim, uniform_simulation(level), side)


@pytest.mark.claims("T3.4")
def test_avoiding_noise_both_sides(claim: Assertions) -> None:
    """Uniform p: K[E(τ)] < K[E(k)] above α_τ(N, T) ≈ N^{-1/2}, and the reverse just below it."""
    for n, length in ((3, 20), (5, 11), (8, 64), (16, 256), (32, 4096), (101, 211)):
        low, high = avoidance_threshold(n, length)
        below, above = (contrast_value(Task(n, length, level), "avoids") for level in (low, high))
        claim.less(f"K[E(k)] - K[E(τ)] just below {float(low):.6f}, N = {n}, T = {length}", below, 0, side="beyond")
        claim.greater(f"just above, N = {n}, T = {length}", above, 0)
    series = np.array(threshold_series("avoids", 2, 3))
    stated = np.array([1, -sympy.Rational(1, 2), -sympy.Rational(1, 8)])
    claim.equal("α_τ in powers of N^{-1/2}", stated, series)
    roots = [2**power for power in range(2, 9)]
    gaps = [abs(float(avoidance_threshold(r * r, r**4, bits=50)[1]) - 1 / r) for r in roots]
    claim.exponent("exponent in N^{1/2} of α_τ - N^{-1/2}", -2.0, fit_exponent(roots, gaps))


@pytest.mark.claims("T3.4")
def test_avoiding_noise_in_short_contexts(claim: Assertions) -> None:
    """Uniform p: in short contexts a second range of levels, around 1/(N+1), has the order too; reversed between both.

    One position more and it is reversed at 1/(N+1). At N = 3 up to T = 12 the level lies below 1/4, and at T = N² = 9
    the order is lost far below α = 1; at N = 2 it is never reversed at 1/3.
    """

    def at(n: int, length: int, *levels: Fraction) -> list[float]:
        return [contrast_value(Task(n, length, level), "avoids") for level in levels]

    for n, longest in ((4, 9), (5, 8), (8, 8), (16, 9), (32, 10), (100, 13), (1000, 25)):
        low, between, high = Fraction(1, n + 1), Fraction(3, 10), 1 - Fraction(1, 2 * n)
        first, second = at(n, longest, low, between)
        claim.greater(f"K[E(k)] - K[E(τ)] at α = 1/(N+1), N = {n}, T = {longest}", first, 0, side="beyond")
        claim.less(f"at α = 3/10, N = {n}, T = {longest}", second, 0)
        first, last = at(n, longest + 1, low, high)
        claim.less(f"at α = 1/(N+1), N = {n}, T = {longest + 1}", first, 0)
        claim.greater(f"at α = 1 - 1/(2N), N = {n}, T = {longest + 1}", last, 0)
    for length, side in ((12, "beyond"), (13, "holds")):
        (value,) = at(3, length, Fraction(1, 4))
        claim.greater(
            f"at α = 1/4, N = 3, T = {length}, with its sign", value if side == "beyond" else -value, 0, side=side
        )
    claim.less("at α = 5/6, N = 3, T = 9", at(3, 9, Fraction(5, 6))[0], 0, side="beyond")
    for length in (3, 4, 12, 64, 1000, 10**6):
        claim.greater(f"at α = 1/3, N = 2, T = {length}", at(2, length, Fraction(1, 3))[0], 0, side="beyond")


@pytest.mark.claims("T3.4")
def test_avoiding_noise_near_the_ends(claim: Assertions) -> None:
    """Uniform p: near α = 1 the order is lost only for T above N²/2, within 2/(NT) - N/T²; below 1/N² it returns.

    The noise part at α = 1 - δ has the leading terms δ/N², -2/(N³T) and 1/(NT²), all derived.
    """
    for n, length in ((5, 30), (8, 64), (16, 256), (32, 4096)):
        inside, at_one = (contrast_value(Task(n, length, level), "avoids") for level in (1 - 8 / (n * length), 1))
        claim.greater(f"K[E(k)] - K[E(τ)] at α = 1 - 8/(NT), N = {n}, T = {length}", inside, 0)
        claim.less(f"at α = 1, N = {n}, T = {length}", at_one, 0, side="beyond")
    for n, length in ((8, 12), (32, 200), (101, 1000)):
        claim.greater(f"at α = 1, N = {n}, T = {length}", contrast_value(Task(n, length, 1), "avoids"), 0)
    for order, power, stated in ((0, 4, x), (1, 3, -2), (2, 1, 1)):
        part = long_sequence_parts("avoids", order).noise.subs(alpha, 1 - x / N**2).subs(N, 1 / s)
        leading = expand(part, 1)
        name = f"T^-{order} part of the noise part at α = 1 - x/N²"
        claim.equal(f"{name}: power of 1/N", power, leading.exponent)
        claim.equal(f"{name}: coefficient", sympy.Integer(0), sympy.cancel(leading.coefficients[0] - stated))
    for n, length in ((8, 10**4), (32, 10**6)):
        values = [contrast_value(Task(n, length, share / n**2), "avoids") for share in (0.5, 2)]
        claim.greater(f"K[E(k)] - K[E(τ)] at α = 1/(2N²), N = {n}, T = {length}", values[0], 0)
        claim.less(f"at α = 2/N², N = {n}, T = {length}", values[1], 0, side="beyond")


@pytest.mark.claims("T3.4")
def test_reversal_at_absorbed_noise(claim: Assertions) -> None:
    """Absorbed p: K[E(τ)] > K[E(k)] between two levels, 1/N² - 2/T and 1 - 1/N for T ≫ N² ≫ 1; never for T <= 8."""
    for n, length in ((3, 20), (8, 64), (8, 1000), (16, 256), (32, 4096), (32, 10**6)):
        low, high = reversal_range(n, length)
        sizes = f"N = {n}, T = {length}"
        for name, level, inside in (
            ("at α = 2/5", Fraction(2, 5), True),
            *((("below the range", low[0], False), ("just inside it", low[1], True)) if low else ()),
            ("just inside the top", high[0], True),
            ("above the range", high[1], False),
        ):
            gap = contrast_value(Task(n, length, level), "avoids", level)
            if inside:
                claim.less(f"reversed {name}, {sizes}", gap, 0)
            else:
                claim.greater(f"not reversed {name}, {sizes}", gap, 0, strict=False, side="beyond")
    for n, length in ((3, 8), (5, 7), (5, 8), (8, 8)):
        roots = key_query_roots(n, length, "avoids", absorbed=True)
        claim.equal(f"sign changes on (0, 1) at T = {length}, N = {n}", 0, roots, side="beyond")
        gap = contrast_value(Task(n, length, Fraction(1, 2)), "avoids", Fraction(1, 2))
        claim.greater(f"and not reversed at α = 1/2, N = {n}, T = {length}", gap, 0, side="beyond")
    part = long_sequence_parts("avoids").in_context
    for name, level in (("α = x/N²", x / N**2), ("α = 1 - x/N", 1 - x / N)):
        leading = expand(part.subs(alpha, level).subs(N, 1 / s), 1).coefficients[0]
        claim.equal(f"root for T → ∞, {name}", np.array([1]), np.array(sympy.solve(leading, x)), side="beyond")
    short = expand(long_sequence_parts("avoids", 1).in_context.subs(alpha, x / N**2).subs(N, 1 / s), 1)
    found = (short.exponent, short.coefficients[0])
    claim.equal("1/T part at α = x/N², against N⁻⁴ (1 - x)", (2, sympy.Integer(-2)), found, side="beyond")


@pytest.mark.claims("T3.4")
def test_where_the_order_turns(claim: Assertions) -> None:
    """For given α the order turns at one π*; α - π* → (1-α)⁴ (1+2α)/(α³ N²) for T ≫ N ≫ 1."""
    for task in (Task(8, 64, 0.4), Task(16, 256, 0.6), Task(32, 4096, 0.4), Task(101, 211, 0.3)):
        turn = turning_absorption(task, "avoids")
        assert turn is not None
        step = 2.0**-40
        below, above = (contrast_value(task, "avoids", turn * (1 + sign * step)) for sign in (-1, 1))
        claim.greater(f"avoids the noise just below π* = {turn:.6f}, {in_words(task)}", below, 0)
        claim.less(f"reversed just above, {in_words(task)}", above, 0, side="beyond")
    stated = [(1 - alpha) ** 4 * (1 + 2 * alpha) / alpha**3]
    check_expansion(claim, "α - π* of the order", turning_expansion("avoids", 1), 2, stated)


def order_simulation(task: Task, absorption: float | None) -> Simulation:
    """K[E(k)] - K[E(τ)]."""
    name, drawn_as = f"{in_words(task)}, {held(absorption)}", f"{task}, π={absorption}"
    what = "K[E(k)] - K[E(τ)]"
    return contrast_simulation(f"{what}, {name}", f"{what}, {drawn_as}", task, absorption, "avoids", 0.05)


@pytest.mark.claims("T3.4")
@pytest.mark.jobs.with_args(lambda base_seed, task, absorption: [order_simulation(task, absorption).job(base_seed)])
@pytest.mark.parametrize(
    ("task", "absorption", "side"),
    [(Task(8, 61, 0.6, 5), None, "holds"), (Task(8, 23, 0.05, 3), 0.05, "beyond")],
    ids=str,
)
def test_avoiding_noise_simulated(claim: Assertions, task: Task, absorption: float | None, side: Side) -> None:
    """Simulated K[E(k)] - K[E(τ)] to 5 %: positive at uniform p above α_τ, negative at absorbed p."""
    stated = order_simulation(task, absorption)
    claim.greater(f"its sign, {in_words(task)}", float(stated.exact[0]) * (1 if side == "holds" else -1), 0, side=side)
    check_simulation(claim, stated, side)
