"""T2: gradient noise. One sample tells the feed-forward layer, many are needed to tell attention."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments import agreement
from paper_checks.experiments.derived import copying_limits, noise_row_limit
from paper_checks.experiments.named import in_words
from paper_checks.experiments.simulations import TASKS, centred_copying, drawn_jobs
from paper_checks.experiments.steps import IN_CONTEXT, bracket_end, in_context_task
from paper_checks.witnesses import enumeration
from theory import Task, class_values, closed_form
from theory.evaluation import N, alpha
from theory.one_step import margins, sample_complexity
from theory.one_step import signal_to_noise as signal
from theory.one_step.symmetry import parse_entry_class
from theory.task import Layer


@pytest.mark.claims("T2.1")
@pytest.mark.jobs.with_args(lambda: agreement.witnesses("feed_forward"))
def test_feed_forward_variance(claim: Assertions) -> None:
    """Var g_F[τ,E(q)] = α(1-α); every entry by enumeration and dynamic programme."""
    found = closed_form("feed_forward", "variance", "tau", "E(q)")
    claim.equal("formula of Var g_F[τ,E(q)]", sympy.Integer(0), sympy.simplify(found - alpha * (1 - alpha)))
    agreement.check_enumeration(claim, "feed_forward", "variance")
    agreement.check_dynamic_programme(claim, "feed_forward", "variance")


@pytest.mark.claims("T2.1")
@pytest.mark.jobs.with_args(drawn_jobs)
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_feed_forward_variance_simulated(claim: Assertions, task: Task) -> None:
    agreement.check_simulation(claim, task, "feed_forward", "variance")


@pytest.mark.claims("T2.2")
@pytest.mark.jobs.with_args(lambda: agreement.witnesses("attention_value"))
def test_attention_variance(claim: Assertions) -> None:
    """Every entry by enumeration and dynamic programme."""
    agreement.check_enumeration(claim, "attention_value", "variance")
    agreement.check_dynamic_programme(claim, "attention_value", "variance")


@pytest.mark.claims("T2.2")
@pytest.mark.jobs.with_args(drawn_jobs)
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_attention_variance_simulated(claim: Assertions, task: Task) -> None:
    agreement.check_simulation(claim, task, "attention_value", "variance")


@pytest.mark.claims("T2.3")
def test_signal_to_noise_values(claim: Assertions) -> None:
    """Three values known independently, to the rounding in which they are stated."""
    for n, length, stated, digits in ((8, 64, 0.00416, 5), (16, 256, 0.002736, 6), (32, 1024, 0.001548, 6)):
        found = signal.class_signal_to_noise(Task(n, length, 0.5), "attention_value")["k", "E(k)"]
        rounding = 0.5 * 10.0**-digits / stated
        claim.close(f"copying SNR², N = {n}, T = {length}", stated, found, rounding, f"stated to {digits} decimals")


@pytest.mark.claims("T2.3")
def test_signal_to_noise_exponents(claim: Assertions) -> None:
    """Exponents in N: 0, -1 and 0; and -3 at the vanishing copying entry, -1 for the noise row at fixed T."""
    sizes = [2**power for power in range(6, 14)]
    vanishing = (3 - 5**0.5) / 2
    cases: tuple[tuple[Layer, tuple[str, str], float, int, int, Side], ...] = (
        ("feed_forward", ("tau", "E(q)"), 0.5, 2, 0, "holds"),
        ("attention_value", ("k", "E(k)"), 0.5, 2, -1, "holds"),
        ("attention_value", ("tau", "E(k)"), 0.5, 2, 0, "holds"),
        ("attention_value", ("k", "E(k)"), vanishing, 2, -3, "beyond"),
        ("attention_value", ("tau", "E(k)"), 0.5, 0, -1, "beyond"),
    )
    for layer, (row, column), level, power, exponent, side in cases:
        entry = parse_entry_class(row, column)
        lengths = [16 if power == 0 else n**power for n in sizes]
        values = [
            signal.class_signal_to_noise(Task(n, length, level), layer)[entry]
            for n, length in zip(sizes, lengths, strict=True)
        ]
        place = f"{layer.replace('_', ' ')} ({row.replace('tau', 'τ')}, {column})"
        name = f"exponent of SNR² in N, {place}, α = {level:g}, T = {'16' if power == 0 else 'N²'}"
        claim.exponent(name, exponent, fit_exponent(sizes, values), side)
    noise_row = [class_values(Task(n, n * n, 0.5), "attention_value", "mean")["tau", "E(j)"] for n in sizes]
    claim.exponent("exponent in N of the noise row G_V[τ,E(k)] itself", -1, fit_exponent(sizes, noise_row))


@pytest.mark.claims("T2.3")
@pytest.mark.jobs.with_args(lambda: [noise_row_limit.of()])
def test_signal_to_noise_of_the_noise_row(claim: Assertions) -> None:
    """For T ≫ N ≫ 1 the noise row's SNR² tends to α/(1-α), that of the feed-forward noise entry."""
    claim.equal("limit of the noise row's SNR²", "0", noise_row_limit())


@pytest.mark.claims("T2.4")
def test_centred_copying_exact(claim: Assertions) -> None:
    """Mean and variance of ⟨D, g_V⟩ equal the enumeration, as fractions; T = 2 carries no signal at all."""
    for task in agreement.SMALL:
        direction = np.zeros((task.M, 2 * task.M), dtype=np.int64)
        direction[: task.N, : task.N] = task.N * np.eye(task.N, dtype=np.int64) - 1  # N D
        mean, variance = enumeration.projected_moments(task, "attention_value", direction)
        found = signal.centred_copying_moments(task, exact=True)
        stated = np.array([mean / task.N, variance / task.N**2], dtype=object)
        claim.equal(
            f"mean and variance along D, {in_words(task)}", stated, np.array([found.mean, found.variance], dtype=object)
        )


@pytest.mark.claims("T2.4")
@pytest.mark.jobs.with_args(lambda: [copying_limits.of()])
def test_centred_copying_limits(claim: Assertions) -> None:
    """T ≫ N: SNR² → (1-α)/α. Fixed T: N SNR² → (T-2)²(1-α)³/(2(T-1) - (T-2)α), ≈ T (1-α)³/(2-α), and 0 at T = 2."""
    for name, difference in copying_limits():
        claim.equal(name, "0", difference, side="beyond" if "no signal" in name else "holds")
    at_two = signal.centred_copying_moments(Task(5, 2, Fraction(1, 3)), exact=True)
    claim.equal("nor at finite N", Fraction(0), at_two.mean, side="beyond")
    task = Task(10**9, 400, 0.3)
    found = signal.centred_copying_moments(task).signal_to_noise * task.N / task.T
    reason = "the exact formula lies between (1 - 2/T)² >= 1 - 4/T and 1 of it; T/N is 1000 times smaller"
    claim.close("N SNR²/T at N = 10⁹, T = 400 against (1-α)³/(2-α)", 0.7**3 / 1.7, found, 4 / task.T, reason)


@pytest.mark.claims("T2.4")
@pytest.mark.jobs.with_args(lambda base_seed, task: [centred_copying.of(task, base_seed)])
@pytest.mark.parametrize("task", [Task(5, 61, 0.3, 2), Task(31, 7, 0.2, 11)], ids=str)
def test_centred_copying_simulated(claim: Assertions, task: Task) -> None:
    """Mean and variance along D from simulated gradients, in the regimes T ≫ N and T ≪ N."""
    exact, (found, planned_error) = signal.centred_copying_moments(task), centred_copying(task, claim.base_seed)
    details = {"samples": found.samples, "seed": found.seed, "seconds": round(found.seconds, 2)}
    for name, value, estimate, error, planned in (
        ("mean", exact.mean, found.mean, found.standard_error, (exact.variance / found.samples) ** 0.5),
        ("variance", exact.variance, found.variance, found.variance_standard_error, planned_error),
    ):
        claim.estimate(
            f"{name} along D, {in_words(task)}", value, estimate, error, 0.02, planned_error=planned, **details
        )


@pytest.mark.claims("T2.5")
def test_samples_for_the_noise_margin(claim: Assertions) -> None:
    """At α = 1/2, 48 samples guarantee the right sign with probability 0.95 for N = 8 … 256; one sample does not."""
    target = Fraction(95, 100)
    guarantees = [sample_complexity.noise_margin_guarantee(n, 48, Fraction(1, 2)) for n in (8, 16, 32, 64, 128, 256)]
    claim.greater("48 samples are enough, N = 8 … 256", np.array(guarantees, dtype=object), target)
    claim.less("and the guarantee improves with N", np.array(guarantees[:-1]), np.array(guarantees[1:]))
    lost = margins.feed_forward_margins(Task(8, 16, Fraction(1, 10)), exact=True)
    claim.less(
        "at α = 1/10, N = 8 even the population step is wrong on some sequence", min(lost.values()), 0, side="beyond"
    )
    claim.equal("one sample is right with probability α", Fraction(1, 2),
                sample_complexity.noise_margin_guarantee(8, 1, Fraction(1, 2)))  # fmt: skip


@pytest.mark.claims("T2.5")
def test_in_context_samples_outgrow_N(claim: Assertions) -> None:
    """Growth by more than 11/3 from N = 3 to 11, by the brackets; N³ times the exact SNR² of every pair has a limit."""
    most, least = (bracket_end(in_context_task(n), side, IN_CONTEXT[n][side < 0]) for n, side in ((3, +1), (11, -1)))
    claim.greater("growth of m from N = 3 to 11 that the brackets guarantee", least / most, 11 / 3)
    signals = sample_complexity.limiting_in_context_signal()
    for pair, factor in ((("c", "k"), 1), (("c", "q"), 4), (("q", "k"), alpha**-4)):
        limit = sympy.limit(N**3 * signals[pair], N, sympy.oo)
        difference = sympy.simplify(limit - factor * (1 - alpha) ** 5 / 2)
        claim.equal(f"limit T → ∞, then N → ∞, of N³ SNR² of {in_words(pair)}", sympy.Integer(0), difference)
    sizes = [2**power for power in range(6, 13)]
    for level in (0.2, 0.5):
        found = [sample_complexity.in_context_signal_to_noise(Task(n, n * n, level)) for n in sizes]
        for pair in signals:
            fit = fit_exponent(sizes, [values[pair] for values in found])
            claim.exponent(
                f"exponent of the in-context SNR² of {in_words(pair)} in N at T = N², α = {level}", -3.0, fit
            )
            near, far = (sample_complexity.in_context_signal_to_noise(Task(64, T, level))[pair] for T in (2**20, 2**21))
            limit, change = float(signals[pair].subs({N: 64, alpha: level})), 2 * abs(near / far - 1)
            because = "what is left falls like 1/T: the change from T/2 to T, and as much again"
            claim.close(
                f"SNR² of {in_words(pair)} at T = 2²¹ against its limit, N = 64, α = {level}",
                limit,
                far,
                change,
                because,
            )
