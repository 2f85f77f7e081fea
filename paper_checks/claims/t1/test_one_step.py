"""T1: one population step. The feed-forward layer learns the noise, attention barely moves."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments import agreement
from paper_checks.experiments.named import in_words
from paper_checks.experiments.simulations import (
    GROWTH,
    TASKS,
    along,
    class_span,
    drawn_jobs,
    fit_distance,
    growing_tasks,
)
from paper_checks.jobs import Job, results
from paper_checks.witnesses import enumeration
from paper_checks.witnesses.sturm import threshold_roots
from theory import Task, class_values, closed_form, gradient_mean
from theory.evaluation import N, T, alpha, long_sequence_limit
from theory.one_step import margins
from theory.one_step.class_averages import class_average_variance
from theory.one_step.trigger_chain import TriggerChain

M = N + 1
SIZES = [(2, 2), (2, 3), (3, 4), (3, 7), (5, 11), (8, 32), (13, 5), (31, 17)]


@pytest.mark.claims("T1.1")
@pytest.mark.jobs.with_args(lambda: agreement.witnesses("feed_forward"))
def test_feed_forward_gradient(claim: Assertions) -> None:
    """G_F[τ,E(q)] = α - 1/M, G_F[k,E(q)] = (1-α)/N - 1/M for all N, T, α; every entry by the witnesses."""
    for row, expected in (("tau", alpha - 1 / M), ("k", (1 - alpha) / N - 1 / M), ("q", (1 - alpha) / N - 1 / M)):
        difference = sympy.simplify(closed_form("feed_forward", "mean", row, "E(q)") - expected)
        claim.equal(f"formula of G_F[{row},E(q)]", sympy.Integer(0), difference)
    agreement.check_enumeration(claim, "feed_forward", "mean")
    agreement.check_dynamic_programme(claim, "feed_forward", "mean")
    agreement.check_autograd(claim, "feed_forward")


@pytest.mark.claims("T1.1")
@pytest.mark.jobs.with_args(drawn_jobs)
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_feed_forward_gradient_simulated(claim: Assertions, task: Task) -> None:
    agreement.check_simulation(claim, task, "feed_forward", "mean")


@pytest.mark.claims("T1.2")
@pytest.mark.jobs.with_args(lambda: agreement.witnesses("attention_value"))
def test_attention_gradient(claim: Assertions) -> None:
    """G_V for all N, T, α, q; two values known independently, enumeration, programme and autograd."""
    exact = gradient_mean(Task(3, 5, Fraction(1, 3)), "attention_value", exact=True)
    claim.equal("G_V[1,E(1)] at N = 3, T = 5, α = 1/3, q = 0", Fraction(17, 1458), exact[1, 1])
    claim.equal("G_V[τ,E(1)] at N = 3, T = 5, α = 1/3, q = 0", Fraction(29, 1458), exact[3, 1])
    for steps in range(1, 8):
        law = {flag: TriggerChain(Fraction(5), steps + 1, Fraction(1, 3), flag) for flag in (False, True)}
        for flag, ratio in ((False, Fraction(-1, 5)), (True, 1 - Fraction(1, 3) - Fraction(1, 5))):
            stated = Fraction(1, 5) * (1 - ratio**steps) / (1 - ratio)
            name = f"P(z_{steps} = q), ratio {ratio}, N = 5, α = 1/3"
            claim.equal(name, stated, law[flag].probability_at_end("q"))
    agreement.check_enumeration(claim, "attention_value", "mean")
    agreement.check_dynamic_programme(claim, "attention_value", "mean")
    agreement.check_autograd(claim, "attention_value")


@pytest.mark.claims("T1.2")
@pytest.mark.jobs.with_args(drawn_jobs)
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_attention_gradient_simulated(claim: Assertions, task: Task) -> None:
    agreement.check_simulation(claim, task, "attention_value", "mean")


@pytest.mark.claims("T1.3")
def test_feed_forward_margin_formula(claim: Assertions) -> None:
    """Δ_ff/η = α - (1-α)/N + α w_j - (1-α)/N max_k w_{j|k}, on every sequence, by enumeration."""
    for task in agreement.SMALL:
        named = margins.feed_forward_margins(task, exact=True)
        found = enumeration.feed_forward_margins(task)
        expected = [named["q" if j == task.q else "tau" if j == task.tau else "j"] for j in found]
        claim.equal(
            f"margins, {in_words(task)}", np.array(expected, dtype=object), np.array([*found.values()], dtype=object)
        )
        weight, _ = enumeration.weights(task)
        sequences = enumeration.sequences(task.N, task.T, task.q)
        formula = []
        for j in found:
            at_j = (sequences.tokens[:, -2] == j) * weight
            given = [Fraction(int(at_j[sequences.correct == k].sum()), int(weight[sequences.correct == k].sum()))
                     for k in range(task.N)]  # fmt: skip
            level = Fraction(task.alpha)
            share = (1 - level) / task.N
            formula.append(level - share + level * sum(given) / task.N - share * max(given))
        claim.equal(
            f"stated formula, {in_words(task)}",
            np.array([*found.values()], dtype=object),
            np.array(formula, dtype=object),
        )


@pytest.mark.claims("T1.3")
def test_noise_threshold_both_sides(claim: Assertions) -> None:
    """Just below the exact threshold some sequence has a non-positive margin, just above none has."""
    for n, length in SIZES:
        below, above = margins.noise_threshold(n, length)
        low, high = (margins.feed_forward_margins(Task(n, length, a), exact=True) for a in (below, above))
        claim.greater(
            f"positive on every sequence above, N = {n}, T = {length}", np.array([*high.values()], dtype=object), 0
        )
        if length == 2:  # the bracket may close on the threshold itself, where the margin is 0
            margin = margins.feed_forward_margins(Task(n, 2, Fraction(1, n + 1)), exact=True)
            claim.equal(f"threshold is 1/(N+1) at T = 2, N = {n}", Fraction(0), min(margin.values()), side="beyond")
        else:
            claim.less(f"negative on some sequence below, N = {n}, T = {length}", min(low.values()), 0, side="beyond")
            claim.greater(
                f"1/(N+1) is too low for T > 2, N = {n}, T = {length}", below, Fraction(1, n + 1), side="beyond"
            )


@pytest.mark.claims("T1.3")
def test_noise_threshold_is_unique(claim: Assertions) -> None:
    """By Sturm's theorem every margin contrast has exactly one root in α on (0, 1], so the threshold is one number."""
    for n, length in ((2, 3), (3, 5), (5, 7), (7, 6)):
        roots = threshold_roots(n, length)
        at_one = margins.feed_forward_contrasts(Task(n, length, 1), exact=True)
        claim.greater(
            f"every contrast is positive at α = 1, N = {n}, T = {length}", np.array([*at_one.values()], dtype=object), 0
        )
        claim.equal(
            f"roots of each contrast, N = {n}, T = {length}",
            np.ones(len(roots), dtype=object),
            np.array(roots, dtype=object),
        )


@pytest.mark.claims("T1.3")
def test_noise_threshold_limits(claim: Assertions) -> None:
    """T → ∞: root of a quadratic, ≈ √2/N (sequences ending in q q); without those, and at fixed T, ≈ 1/(N+1)."""
    limit = margins.limiting_noise_threshold()
    claim.equal("N × limiting threshold for N → ∞", sympy.sqrt(2), sympy.limit(N * limit, N, sympy.oo))
    for n, length in ((3, 40), (8, 160)):
        exact = float(limit.subs(N, n))
        rate = (1 - exact - 1 / n) ** (length - 2) + 2.0**-40 / exact
        reason = "the trigger's law is within r^(T-2) of its limit, the bracket is 2^-40 wide"
        found = float(margins.noise_threshold(n, length)[1])
        claim.close(f"limiting threshold, N = {n}, T = {length}", exact, found, rate, reason)
    exact, length = float(limit.subs(N, 2)), 60
    rate = (1 - exact - 1 / 2) ** (length - 2) + 2.0**-40 / exact
    of_q, of_j = (float(margins.noise_threshold(2, length, preceding)[1]) for preceding in ("q", "j"))
    claim.close(f"limiting threshold of sequences with z_(T-1) = q, N = 2, T = {length}", exact, of_q, rate, reason)
    claim.greater(f"those with z_(T-1) = j need more, N = 2, T = {length}", of_j, exact * (1 + rate), side="beyond")
    for n, length in ((50, 5), (400, 9)):
        ratio = (n + 1) * margins.noise_threshold(n, length)[1] - 1
        claim.less(f"(N+1) threshold - 1 is below (T-1)/N, N = {n}, T = {length}", ratio, Fraction(length - 1, n))
        for preceding in ("j", "tau"):
            elsewhere = (n + 1) * margins.noise_threshold(n, 64, preceding=preceding)[1] - 1
            name = f"z_(T-1) = {preceding.replace('tau', 'τ')}: (N+1) threshold - 1 is below 2/N, N = {n}, T = 64"
            claim.less(name, elsewhere, Fraction(2, n))


@pytest.mark.claims("T1.3")
@pytest.mark.parametrize(("n", "length"), [(5, 11), (7, 23)])
def test_noise_threshold_simulated(claim: Assertions, n: int, length: int) -> None:
    """m-sample gradients: ξ_τ - ξ_q on sequences that end in q q is negative below the threshold, positive above."""
    threshold = float(margins.noise_threshold(n, length)[1])
    for factor, expected, side in ((0.75, -1, "beyond"), (1.25, +1, "holds")):
        task = Task(n, length, factor * threshold, trigger=n - 2)
        direction = np.zeros((task.M, 2 * task.M))
        for row, weight in ((task.tau, 1), (task.q, -1)):
            direction[row, [task.q, task.M + task.q]] = weight
        exact = margins.feed_forward_contrasts(task)["q", "q"]
        variance = float(4 * (task.alpha + (1 - task.alpha) / n))  # |S| <= 2, and S = 0 unless y is τ or q
        samples = DESIGN.samples(exact / 4, variance / 16, 1)  # S/4 has a range of 1; the sign must show
        seed = claim.seed(f"threshold {n} {length} {factor}")
        found = along(task, "feed_forward", direction, samples, seed)
        name = f"ξ_τ - ξ_q at {factor} × threshold, N = {n}, T = {length}"
        details = {"samples": samples, "seed": seed, "seconds": round(found.seconds, 2)}
        claim.sign(name, expected, found.mean, found.standard_error, side=side, **details)


@pytest.mark.claims("T1.4")
def test_attention_margin_bound(claim: Assertions) -> None:
    """|Δ_attn|/η <= C(α)(1/N + 1/T): all sequences of small tasks, and a bound over all sequences at sizes to 10⁶."""
    for task in agreement.SMALL:
        largest = max(abs(margin) for margin in enumeration.attention_margins(task))
        bound = margins.attention_margin_bound(task, exact=True)
        claim.less(f"every sequence within the entries' bound, {in_words(task)}", largest, bound, strict=False)
        claim.equal(f"entries' bound, {in_words(task)}", enumeration.attention_margin_bound(task), bound)
    for n in (2, 3, 17, 1000, 10**6):
        for length in (2, 3, 29, 1000, 10**6):
            for level in (0.0, 0.01, 0.3, 0.5, 0.9, 1.0):
                task = Task(n, length, level)
                stated = margins.attention_margin_constant(level) * (1 / n + 1 / length)
                claim.less(
                    f"entries' bound within the stated one, {in_words(task)}",
                    margins.attention_margin_bound(task),
                    stated,
                )


def stated_share(n: int, length: int, level: float) -> float:
    """Share of the bound that the largest |Δ| comes to: at α >= 1/3 from 1/4 (N ≫ T) to 1/2 (T ≫ N), below it less."""
    return (n + 2 * length) / (n + length) * level / (2 * max(2 * level, 1 - level))


@pytest.mark.claims("T1.4")
def test_attention_margin_bound_is_not_idle(claim: Assertions) -> None:
    """The largest |Δ| over all sequences is (N+2T)/(4(N+T)) of the bound at α >= 1/3, and 2α/(1-α) times that below.

    Up to O(1/N), relatively: |Δ| of the sequence q q … q and the bound from the entries both come to this share.
    """
    for level in (0.2, 0.3, 1 / 3, 0.5, 0.9):
        for path in GROWTH:
            tasks, at = growing_tasks(path, level), f"{path}, α = {level:.3g}"
            stated, half = (np.array([stated_share(task.N, task.T, a) for task in tasks]) for a in (level, 0.5))
            bound = np.array([margins.attention_margin_constant(level) * (1 / task.N + 1 / task.T) for task in tasks])
            attained = np.abs([margins.repeated_trigger_margin(task) for task in tasks]) / bound
            largest = np.array([margins.attention_margin_bound(task) for task in tasks]) / bound
            claim.less(f"q q … q within the largest possible share, {at}", attained, largest)
            for name, share in (("of q q … q", attained), ("possible at most", largest)):
                name = f"exponent of the distance to the stated share, {name}, {at}"
                claim.exponent(name, *fit_distance(path, share / stated))
            if level < 1 / 3:
                claim.less(f"less than at α >= 1/3, {at}", largest, half)


@pytest.mark.claims("T1.6")
def test_sign_of_copying_in_the_limit(claim: Assertions) -> None:
    """N² G_V[k,E(k)] → α² - 3α + 1, with root (3-√5)/2; the contrast is (1-α)² times a positive sum for T >= 3."""
    copying = closed_form("attention_value", "mean", "k", "E(k)")
    limit = sympy.factor(sympy.limit(N**2 * long_sequence_limit(copying), N, sympy.oo))
    claim.equal("limit of N² G_V[k,E(k)]", sympy.Integer(0), sympy.simplify(limit - (alpha**2 - 3 * alpha + 1)))
    root = [r for r in sympy.solve(limit, alpha) if 0 < r < 1]
    claim.equal("its root in (0,1)", (3 - sympy.sqrt(5)) / 2, root[0])
    contrast = copying - closed_form("attention_value", "mean", "k'", "E(k)")
    visits = ((T - 1) - (1 + (-1 / N) ** (T - 2) / N) / (1 + 1 / N)) / (N + 1)  # Σ_{t<T-1} P(z_t = q | c ≠ q)
    difference = sympy.simplify(contrast - (1 - alpha) ** 2 * visits / (N * T))
    claim.equal("contrast = (1-α)²/(NT) × expected visits of q", sympy.Integer(0), difference)
    claim.equal("limit of N² × contrast", sympy.Integer(0), sympy.simplify(
        sympy.limit(N**2 * long_sequence_limit(contrast), N, sympy.oo) - (1 - alpha) ** 2))  # fmt: skip
    for task in (Task(3, 3, Fraction(99, 100)), Task(7, 19, Fraction(1, 2)), Task(50, 4, 0)):
        values = class_values(task, "attention_value", "mean", exact=True)
        claim.greater(f"contrast positive, {in_words(task)}", values["k", "E(k)"], values["k", "E(j)"])
    for task in (Task(5, 2, Fraction(1, 2)), Task(5, 9, 1)):
        values = class_values(task, "attention_value", "mean", exact=True)
        claim.equal(
            f"no contrast at T = 2 or α = 1, {in_words(task)}", values["k", "E(j)"], values["k", "E(k)"], side="beyond"
        )


@pytest.mark.claims("T1.6")
def test_sign_of_copying_both_sides(claim: Assertions) -> None:
    """Copying entries are positive below an exact threshold, negative above; it tends to (3-√5)/2."""
    for n, length in ((2, 7), (5, 17), (11, 121)):
        below, above = margins.copying_threshold(n, length)
        low, high = (class_values(Task(n, length, a), "attention_value", "mean", exact=True) for a in (below, above))
        claim.greater(f"positive below α = {float(below):.6f}, N = {n}, T = {length}", low["k", "E(k)"], 0)
        claim.less(f"negative above, N = {n}, T = {length}", high["k", "E(k)"], 0, side="beyond")
    limit = (3 - 5**0.5) / 2
    gaps = [limit - float(margins.limiting_copying_threshold(n)) for n in (64, 128, 256, 512)]
    fit = fit_exponent([64, 128, 256, 512], [abs(gap) for gap in gaps], orders=1)
    claim.exponent("exponent in N of the distance to (3-√5)/2", -1.0, fit)
    claim.less("the distance shrinks", np.abs(gaps[1:]), np.abs(gaps[:-1]))


def copying_draw(base_seed: int, level: float) -> Job:
    """Gradients along the average copying entry, as many as 2 % of it take."""
    task, entry = Task(5, 17, level, trigger=2), ("k", "E(k)")
    direction = np.zeros((task.M, 2 * task.M))
    others = [k for k in range(task.N) if k != task.q]
    direction[others, others] = 1 / len(others)
    exact = class_values(task, "attention_value", "mean")[entry]
    variance = class_average_variance(task, "attention_value")[entry]
    samples = DESIGN.samples(exact, variance, 0.02, span=class_span(task, entry))
    return along.of(task, "attention_value", direction, samples, experiment_seed(base_seed, f"copying {level}"))


@pytest.mark.claims("T1.6")
@pytest.mark.jobs.with_args(lambda base_seed, level: [copying_draw(base_seed, level)])
@pytest.mark.parametrize(("level", "expected"), [(0.1, 1), (0.75, -1)])
def test_sign_of_copying_simulated(claim: Assertions, level: float, expected: int) -> None:
    """The average copying entry of simulated gradients has the sign that theory gives it, on both sides."""
    draw = copying_draw(claim.base_seed, level)
    task, (found,) = draw.arguments[0], results([draw])
    exact = class_values(task, "attention_value", "mean")["k", "E(k)"]
    details = {"samples": found.samples, "seed": found.seed, "seconds": round(found.seconds, 2)}
    side = "holds" if expected > 0 else "beyond"
    claim.estimate(
        f"average copying entry, {in_words(task)}", exact, found.mean, found.standard_error, 0.02, side=side, **details
    )
    claim.sign(f"its sign, {in_words(task)}", expected, found.mean, found.standard_error, side=side, **details)
