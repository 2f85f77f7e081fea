"""T3: the first key-query step, and what it attends to once the noise is absorbed."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.exact import enumerated_steps, ranked_up_to
from paper_checks.experiments.key_query import (
    Simulation,
    check_simulation,
    class_directions,
    contrast_simulation,
    held,
    held_probabilities,
)
from paper_checks.experiments.named import in_words
from paper_checks.experiments.proved import PROVED_RANKS
from paper_checks.witnesses import dynamic_programme
from paper_checks.witnesses.sturm import key_query_roots
from simulate import OneLayer, counted_key_query_gradient, held_loss, sample
from theory import Task, gradient_mean, key_query_gradient
from theory.evaluation import N, alpha
from theory.key_query.limits import expand, long_sequence_parts, s, x
from theory.key_query.phase_diagram import (
    absorbed_threshold,
    contrast_value,
    ranking_gap,
    ranking_threshold,
)
from theory.key_query.step import KEY_CLASSES, key_query_classes

SMALL = [
    Task(n, length, level, trigger)
    for n in (2, 3, 4)
    for length in (2, 3, 4, 5)
    for trigger in range(n)
    for level in (Fraction(1, 3), Fraction(5, 7))
]
LARGE = (Task(13, 211, 0.37, 11), Task(23, 101, Fraction(1, 20), 5), Task(7, 503, 0.9, 3))
STATED = (  # (α, absorption, class, N³ K, decimals) at N = 32, T = 4096
    (0.4, 0.4, "P(q)", 0.1477, 4),
    (0.6, 0.6, "P(q)", 0.0254, 4),
    (0.4, None, "P(q)", -0.7286, 4),
    (0.4, None, "E(tau)", -0.9828, 4),
    (0.4, None, "E(k)", 0.0246, 4),
    (0.4, 0.4, "E(tau)", 0.0070, 4),
    (0.4, 0.4, "E(k)", -0.0013, 4),
)


@pytest.mark.claims("T3.1")
@pytest.mark.jobs.with_args(lambda: [enumerated_steps.of(SMALL)])
def test_key_query_gradient(claim: Assertions) -> None:
    """Seven values known independently; every entry by enumeration (every trigger) and dynamic programme."""
    for level, absorption, name, stated, decimals in STATED:
        value = 32**3 * key_query_classes(Task(32, 4096, level), absorption)[name]
        rounding = 0.5 * 10.0**-decimals
        reason = f"stated to {decimals} decimals"
        at = f"N³ K[{name.replace('tau', 'τ')}] at N = 32, T = 4096, α = {level}, {held(absorption)}"
        claim.close(at, stated, value, rounding, reason, scale=1.0)
    for task, steps in zip(SMALL, enumerated_steps(SMALL), strict=True):
        for share, enumerated in zip((None, Fraction(task.alpha), Fraction(1, 5)), steps, strict=True):
            found = key_query_gradient(task, share, exact=True)
            claim.equal(f"enumeration, {in_words(task)}, {held(share)}", enumerated, found)
    for task in LARGE:
        for absorption in (None, float(task.alpha), 0.2):
            scale = dynamic_programme.key_query_scale(task, absorption)
            exact = key_query_gradient(task, absorption) / scale
            programme = dynamic_programme.key_query_gradient(task, absorption) / scale
            name = f"dynamic programme, {in_words(task)}, {held(absorption)}"
            reason = "rounding of the programme's sums at 64-bit precision, per size of the terms that cancel"
            claim.close(name, exact, programme, dynamic_programme.key_query_rounding(task), reason, scale=1.0)


@pytest.mark.claims("T3.1")
def test_key_query_gradient_is_the_networks(claim: Assertions) -> None:
    """Autograd of a real OneLayer with W_V = G_V, p held; and of its cross-entropy once W_F predicts p.

    In the second case W_V = ε G_V moves the softmax by at most 2 ε max|ξ_V|, |ξ_V| <= 2 max|G_V|, in the 1-norm, which
    moves the gradient, divided by ε, by at most that times max|G_V (x_t - x̄)| <= 4 max|G_V|.
    """
    task, small = Task(5, 11, 0.3, 2), 2.0**-26
    values = gradient_mean(task, "attention_value")
    batch = sample(task, 1000, seed=claim.seed("autograd of K"))
    for absorption in (None, 0.3, 0.9):
        p = held_probabilities(task, absorption)
        counted = counted_key_query_gradient(task, values, p, batch.tokens, batch.target)
        largest = float(np.abs(counted).max())
        model = OneLayer(task)
        model.W_V.data.copy_(torch.from_numpy(values))
        (at_held,) = torch.autograd.grad(held_loss(model, batch.tokens, batch.target, p), [model.W_KQ])
        reason = "1000 × 11 terms in float64, relative to the largest entry"
        found = -at_held.numpy()[:, task.q]
        claim.close(f"autograd, p held, {held(absorption)}", counted, found, 11000 * 2.0**-53, reason, scale=largest)
        model.W_V.data.mul_(small)
        model.W_F.data[:, task.q] = torch.from_numpy(np.log(p))
        (real,) = torch.autograd.grad(model.loss(batch.tokens, batch.target), [model.W_KQ])
        bound = 2 * small * 2 * np.abs(values).max() * 4 * np.abs(values).max() + 11000 * 2.0**-53 * largest
        reason = "first order in ε = 2^-26 (see the docstring), and rounding"
        found = -real.numpy()[:, task.q] / small
        claim.close(
            f"autograd of cross-entropy, W_F = log p, {held(absorption)}", counted, found, bound, reason, scale=1.0
        )


SIMULATED = (  # primes, distinct within a task; uniform, absorbed and other π
    (Task(5, 11, 0.4, 3), None, 0.02),
    (Task(2, 7, 0.5, 1), 0.1, 0.02),
    (Task(7, 23, 0.7, 4), 0.2, 0.02),
    (Task(5, 23, 0.05, 3), 0.05, 0.04),
)


def classes_and_entries(task: Task, absorption: float | None, error: float) -> list[Simulation]:
    """Class averages of K, and its entries to 20 %."""
    values, name = key_query_classes(task, absorption), f"{in_words(task)}, {held(absorption)}"
    drawn_as = f"{task}, π={absorption}"
    exact, directions = np.array([values[key] for key in KEY_CLASSES]), np.stack([*class_directions(task).values()])
    return [
        Simulation(f"class averages of K, {name}", f"class averages of K, {drawn_as}", task, absorption, directions,
                   exact, error),
        Simulation(f"entries of K, {name}", f"entries of K, {drawn_as}", task, absorption, None,
                   key_query_gradient(task, absorption), 0.20),
    ]  # fmt: skip


@pytest.mark.claims("T3.1")
@pytest.mark.jobs.with_args(
    lambda base_seed, task, absorption, error: [
        stated.job(base_seed) for stated in classes_and_entries(task, absorption, error)
    ]
)
@pytest.mark.parametrize(("task", "absorption", "error"), SIMULATED, ids=str)
def test_key_query_gradient_simulated(claim: Assertions, task: Task, absorption: float | None, error: float) -> None:
    """Class averages to 2 % (4 % absorbed), single entries to 20 %; the detectable error of each is in the record."""
    for stated in classes_and_entries(task, absorption, error):
        check_simulation(claim, stated)


@pytest.mark.claims("T3.2")
def test_absorbed_noise_in_the_limit(claim: Assertions) -> None:
    """T → ∞: K[P(q)] = (1-α)⁴ × a cubic with one root α₀ in (0, 1), for every N >= 2; α₀ ≈ 1/N³ - 1/T.

    By Descartes' rule: for N >= 2 only the constant of the cubic is negative, and at α = 1 it is positive. At α = x/N³
    the leading terms are N⁻⁴ (2x - 2) + N⁻¹ 2/T, with root x = 1 - N³/T.
    """
    found = long_sequence_parts("P(q)").in_context
    cubic = sum(c * alpha**i for i, c in enumerate(COEFFICIENTS))
    stated = (N - 1) * (1 - alpha) ** 4 * cubic / (N**2 * (N + 1) ** 3 * (1 + alpha * N) ** 3)
    claim.equal("limit of K[P(q)] at π = α", sympy.Integer(0), sympy.cancel(found - stated))
    above = sympy.Symbol("n")
    for name, coefficient in (*((f"α^{i}", c) for i, c in enumerate(COEFFICIENTS) if i), ("sum", sum(COEFFICIENTS))):
        shifted = sympy.Poly(coefficient.subs(N, 2 + above), above).all_coeffs()
        claim.greater(f"coefficients of {name} in powers of N - 2", np.array(shifted, dtype=object), 0)
    claim.less("constant coefficient", COEFFICIENTS[0], 0, side="beyond")
    for order, power, stated in ((0, 4, 2 * x - 2), (1, 1, 2)):
        part = long_sequence_parts("P(q)", order).in_context
        leading = expand(part.subs(alpha, x / N**3).subs(N, 1 / s), 1)
        name = f"T^-{order} part of K[P(q)] at α = x/N³"
        claim.equal(f"{name}: power of 1/N", power, leading.exponent, side="beyond")
        difference = sympy.cancel(leading.coefficients[0] - stated)
        claim.equal(f"{name}: coefficient", sympy.Integer(0), difference, side="beyond")


COEFFICIENTS = (
    sympy.Integer(-2),
    2 * N**3 + 6 * N**2 - 3 * N - 1,
    3 * N**3 - 4 * N**2 - N,
    N**4 - N**3,
)
"""Of 1, α, α², α³ in the cubic of the limit above."""


@pytest.mark.claims("T3.2")
def test_absorbed_noise_both_sides(claim: Assertions) -> None:
    """K[P(q)] > 0 at absorbed p for every α in (0, 1) unless T is of order N³; then not below α₀(N, T)."""
    for n, length in ((3, 5), (5, 7), (5, 11), (8, 12)):
        roots = key_query_roots(n, length, "attends", absorbed=True)
        claim.equal(f"sign changes of K[P(q)] on (0, 1), N = {n}, T = {length}", 0, roots)
        middle = key_query_classes(Task(n, length, Fraction(1, 2)), Fraction(1, 2), exact=True)["P(q)"]
        claim.greater(f"K[P(q)] at α = 1/2, N = {n}, T = {length}", middle, 0)
    for n, length in ((3, 200), (5, 500), (8, 2000), (32, 10**6)):
        threshold = absorbed_threshold(n, length)
        assert threshold is not None
        low, high = (contrast_value(Task(n, length, level), "attends", level) for level in threshold)
        claim.less(f"K[P(q)] just below α₀ = {float(threshold[0]):.3g}, N = {n}, T = {length}", low, 0, side="beyond")
        claim.greater(f"K[P(q)] just above, N = {n}, T = {length}", high, 0)
    for length in (3, 5, 17):
        values = key_query_classes(Task(7, 2, Fraction(1, length)), Fraction(1, length), exact=True)
        zeros, found = np.zeros(6, dtype=object), np.array([*values.values()], dtype=object)
        claim.equal(f"at T = 2 the absorbed step is zero, α = 1/{length}", zeros, found, side="beyond")


@pytest.mark.claims("T3.2")
@pytest.mark.jobs.with_args(lambda: [ranked_up_to.of(PROVED_RANKS)])
def test_followers_of_the_trigger_rank_first(claim: Assertions) -> None:
    """At absorbed p every position that follows the trigger outscores every other one: where, and where not.

    Proved on [0, 1 - 1/100] by interval arithmetic for five (N, T); ties at T = 3; at T = 4 lost near α = 1 for N <= 6;
    for T ≫ N² lost below an exact level near 1/(4N²) - 1/T; lost in the middle for N = 2.
    """
    for (n, length), proved in zip(PROVED_RANKS, ranked_up_to(PROVED_RANKS), strict=True):
        claim.greater(
            f"proved for α from 0 up to {float(proved):.4f}, N = {n}, T = {length}", proved, Fraction(99, 100)
        )
    for n, length in ((5, 500), (8, 1000), (32, 10**6)):
        threshold = ranking_threshold(n, length)
        assert threshold is not None
        low, high = (ranking_gap(Task(n, length, level), level) for level in threshold)
        claim.less(f"gap just below {float(threshold[0]):.3g}, N = {n}, T = {length}", low, 0, side="beyond")
        claim.greater(f"gap just above, N = {n}, T = {length}", high, 0)
    for n, length, level in ((6, 4, Fraction(99, 100)), (2, 50, Fraction(1, 5)), (2, 4, Fraction(1, 2))):
        gap = ranking_gap(Task(n, length, level), level, exact=True)
        claim.less(f"gap, N = {n}, T = {length}, α = {level}", gap, 0, side="beyond")
    for n in (2, 5, 12):
        tie = ranking_gap(Task(n, 3, Fraction(2, 5)), Fraction(2, 5), exact=True)
        claim.equal(f"a tie at T = 3, N = {n}", Fraction(0), tie, side="beyond")


@pytest.mark.claims("T3.2")
def test_ranking_threshold_in_the_limit(claim: Assertions) -> None:
    """At α = x/N² the binding difference K[P(q)] + K[E(q)] - K[E(k)] is N⁻³ (4x - 1) + N⁻¹ 4/T to leading order."""
    for order, power, stated in ((0, 3, 4 * x - 1), (1, 1, 4)):
        parts = {name: long_sequence_parts(name, order).in_context for name in ("P(q)", "E(q)", "E(k)")}
        gap = parts["P(q)"] + parts["E(q)"] - parts["E(k)"]
        leading = expand(gap.subs(alpha, x / N**2).subs(N, 1 / s), 1)
        claim.equal(f"T^-{order} part: power of 1/N", power, leading.exponent, side="beyond")
        difference = sympy.cancel(leading.coefficients[0] - stated)
        claim.equal(f"T^-{order} part: coefficient", sympy.Integer(0), difference, side="beyond")


def absorbed_simulation(task: Task) -> Simulation:
    """K[P(q)] at absorbed p."""
    what = "absorbed K[P(q)]"
    return contrast_simulation(f"{what}, {in_words(task)}", f"{what}, {task}", task, task.alpha, "attends", 0.02)


@pytest.mark.claims("T3.2")
@pytest.mark.jobs.with_args(lambda base_seed, task: [absorbed_simulation(task).job(base_seed)])
@pytest.mark.parametrize("task", [Task(8, 61, 0.4, 3), Task(11, 127, 0.2, 5)], ids=str)
def test_absorbed_noise_simulated(claim: Assertions, task: Task) -> None:
    """Simulated K[P(q)] at absorbed p to 2 %, and so its sign."""
    check_simulation(claim, absorbed_simulation(task))
