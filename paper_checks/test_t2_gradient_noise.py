"""T2: gradient noise. One sample tells the feed-forward layer, many are needed to tell attention."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from simulate import OneLayer, counted_gradient, gradient_moments, projected_moments, sample, sample_stream
from theory import Task, class_values, closed_form, margins, sample_complexity, signal
from theory.evaluation import N, alpha, long_sequence_limit
from theory.symmetry import parse_entry_class

from . import agreement, enumeration
from .comparator import DESIGN
from .experiments import (
    TASKS,
    predicted_in_context_samples,
    samples_from_pilot,
    upper_pilot_error,
)
from .fitting import fit_exponent
from .recorder import Recorder


@pytest.mark.claims("T2.1")
def test_feed_forward_variance(claim: Recorder) -> None:
    """Var g_F[τ,E(q)] = α(1-α); every entry by enumeration and dynamic programme."""
    found = closed_form("feed_forward", "variance", "tau", "E(q)")
    claim.equal("formula of Var g_F[τ,E(q)]", sympy.Integer(0), sympy.simplify(found - alpha * (1 - alpha)))
    agreement.check_enumeration(claim, "feed_forward", "variance")
    agreement.check_dynamic_programme(claim, "feed_forward", "variance")


@pytest.mark.claims("T2.1")
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_feed_forward_variance_simulated(claim: Recorder, task: Task) -> None:
    agreement.check_simulation(claim, task, "feed_forward", "variance")


@pytest.mark.claims("T2.2")
def test_attention_variance(claim: Recorder) -> None:
    """Every entry by enumeration and dynamic programme."""
    agreement.check_enumeration(claim, "attention_value", "variance")
    agreement.check_dynamic_programme(claim, "attention_value", "variance")


@pytest.mark.claims("T2.2")
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_attention_variance_simulated(claim: Recorder, task: Task) -> None:
    agreement.check_simulation(claim, task, "attention_value", "variance")


@pytest.mark.claims("T2.3")
def test_signal_to_noise_values(claim: Recorder) -> None:
    """Three values known independently, to the rounding in which they are stated."""
    for n, length, stated, digits in ((8, 64, 0.00416, 5), (16, 256, 0.002736, 6), (32, 1024, 0.001548, 6)):
        found = signal.class_signal_to_noise(Task(n, length, 0.5), "attention_value")["k", "E(k)"]
        rounding = 0.5 * 10.0**-digits / stated
        claim.close(f"copying SNR², N={n}, T={length}", stated, found, rounding, f"stated to {digits} decimals")


@pytest.mark.claims("T2.3")
def test_signal_to_noise_exponents(claim: Recorder) -> None:
    """Exponents in N: 0, -1 and 0; and -3 at the vanishing copying entry, -1 for the noise row at fixed T."""
    sizes = [2**power for power in range(6, 14)]
    vanishing = (3 - 5**0.5) / 2
    cases = (
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
        name = f"exponent of SNR² in N, {layer} ({row},{column}), α={level:.3f}, T={'16' if power == 0 else 'N²'}"
        claim.exponent(name, exponent, fit_exponent(sizes, values), side)
    noise_row = [class_values(Task(n, n * n, 0.5), "attention_value", "mean")["tau", "E(j)"] for n in sizes]
    claim.exponent("exponent in N of the noise row G_V[τ,E(k)] itself", -1, fit_exponent(sizes, noise_row))


@pytest.mark.claims("T2.3")
def test_signal_to_noise_of_the_noise_row(claim: Recorder) -> None:
    """For T ≫ N ≫ 1 the noise row's SNR² tends to α/(1-α), that of the feed-forward noise entry."""
    mean, variance = (
        long_sequence_limit(closed_form("attention_value", moment, "tau", "E(k)")) for moment in ("mean", "variance")
    )
    limit = sympy.limit(sympy.factor(mean**2 / variance), N, sympy.oo)
    claim.equal("limit of the noise row's SNR²", sympy.Integer(0), sympy.simplify(limit - alpha / (1 - alpha)))


@pytest.mark.claims("T2.4")
def test_centred_copying_exact(claim: Recorder) -> None:
    """Mean and variance of ⟨D, g_V⟩ equal the enumeration, as fractions; T = 2 carries no signal at all."""
    for task in agreement.SMALL:
        direction = np.zeros((task.M, 2 * task.M), dtype=np.int64)
        direction[: task.N, : task.N] = task.N * np.eye(task.N, dtype=np.int64) - 1  # N D
        mean, variance = enumeration.projected_moments(task, "attention_value", direction)
        found = signal.centred_copying_moments(task, exact=True)
        stated = np.array([mean / task.N, variance / task.N**2], dtype=object)
        claim.equal(f"mean and variance along D, {task}", stated, np.array([found.mean, found.variance], dtype=object))


@pytest.mark.claims("T2.4")
def test_centred_copying_limits(claim: Recorder) -> None:
    """T ≫ N: SNR² → (1-α)/α. Fixed T: N SNR² → (T-2)²(1-α)³/(2(T-1) - (T-2)α), ≈ T (1-α)³/(2-α), and 0 at T = 2."""
    mean, variance = (signal.centred_copying_closed_form(moment) for moment in ("mean", "variance"))
    long = sympy.factor(long_sequence_limit(mean) ** 2 / long_sequence_limit(variance))
    claim.equal(
        "limit T → ∞, then N → ∞",
        sympy.Integer(0),
        sympy.simplify(sympy.limit(long, N, sympy.oo) - (1 - alpha) / alpha),
    )
    for length in (3, 4, 5, 7, 8, 12):
        stated = (length - 2) ** 2 * (1 - alpha) ** 3 / (2 * (length - 1) - (length - 2) * alpha)
        difference = sympy.simplify(signal.short_context_limit(length) - stated)
        claim.equal(f"limit of N SNR² for N → ∞, T={length}", sympy.Integer(0), difference)
    claim.equal("no signal at T = 2", sympy.Integer(0), signal.short_context_limit(2), side="beyond")
    at_two = signal.centred_copying_moments(Task(5, 2, Fraction(1, 3)), exact=True)
    claim.equal("nor at finite N", Fraction(0), at_two.mean, side="beyond")
    task = Task(10**9, 400, 0.3)
    found = signal.centred_copying_moments(task).signal_to_noise * task.N / task.T
    reason = "the exact formula lies between (1 - 2/T)² >= 1 - 4/T and 1 of it; T/N is 1000 times smaller"
    claim.close("N SNR²/T at N = 10⁹, T = 400 against (1-α)³/(2-α)", 0.7**3 / 1.7, found, 4 / task.T, reason)


@pytest.mark.claims("T2.4")
@pytest.mark.parametrize("task", [Task(5, 61, 0.3, 2), Task(31, 7, 0.2, 11)], ids=str)
def test_centred_copying_simulated(claim: Recorder, task: Task) -> None:
    """Mean and variance along D from simulated gradients, in the regimes T ≫ N and T ≪ N."""
    exact = signal.centred_copying_moments(task)
    direction = np.zeros((task.M, 2 * task.M))
    direction[: task.N, : task.N] = np.eye(task.N) - 1 / task.N
    pilot = projected_moments(task, "attention_value", direction, 10**5, seed=claim.seed(f"pilot along D {task}"))
    upper = upper_pilot_error(pilot.variance_standard_error, 10**5 - 1)
    samples = max(
        DESIGN.samples(exact.mean, exact.variance, 0.02),
        samples_from_pilot(10**5, exact.variance, upper, math.inf, 0.02),
    )
    seed = claim.seed(f"centred copying {task}")
    found = projected_moments(task, "attention_value", direction, samples, seed=seed)
    details = {"samples": samples, "seed": seed, "seconds": round(found.seconds, 2)}
    for name, value, estimate, error, planned in (
        ("mean", exact.mean, found.mean, found.standard_error, (exact.variance / samples) ** 0.5),
        ("variance", exact.variance, found.variance, found.variance_standard_error, upper * (10**5 / samples) ** 0.5),
    ):
        claim.estimate(f"{name} along D, {task}", value, estimate, error, 0.02, planned_error=planned, **details)


@pytest.mark.claims("T2.5")
def test_samples_for_the_noise_margin(claim: Recorder) -> None:
    """At α = 1/2, 48 samples guarantee the right sign with probability 0.95 for N = 8 … 256; one sample does not."""
    target = Fraction(95, 100)
    guarantees = [sample_complexity.noise_margin_guarantee(n, 48, Fraction(1, 2)) for n in (8, 16, 32, 64, 128, 256)]
    claim.less("48 samples are enough, N = 8 … 256", target, np.array(guarantees, dtype=object))
    claim.less("and the guarantee improves with N", np.array(guarantees[:-1]), np.array(guarantees[1:]))
    lost = margins.feed_forward_margins(Task(8, 16, Fraction(1, 10)), exact=True)
    claim.less(
        "at α = 1/10, N = 8 even the population step is wrong on some sequence", min(lost.values()), 0, side="beyond"
    )
    claim.equal("one sample is right with probability α", Fraction(1, 2),
                sample_complexity.noise_margin_guarantee(8, 1, Fraction(1, 2)))  # fmt: skip


@pytest.fixture
def single_threaded_torch() -> Iterator[None]:
    """Thousands of tiny steps: starting torch's threads would cost more than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def step_gradient(task: Task, layer: str, samples: int, seed: int) -> np.ndarray:
    """The m-sample gradient: counted on the batch if it is small, streamed without keeping the batch if not."""
    if samples * task.T < 2**16:
        batch = sample(task, samples, seed=seed)
        return counted_gradient(task, layer, batch.tokens, batch.target)
    return gradient_moments(task, layer, samples, seed=seed, workers=1 if samples * task.T < 2**20 else None).mean


def success_rates(task: Task, layer: str, samples: int, replicates: int, seed: int) -> np.ndarray:
    """Share of 64 fresh sequences with the right sign of the margin, for each of many m-sample steps of a real model.

    The margin is that of the noise token (feed-forward) or of the correct token among the ordinary ones (attention).
    """
    rates = np.empty(replicates)
    model = OneLayer(task)
    weight = model.W_F if layer == "feed_forward" else model.W_V
    fresh = sample_stream(task, 64 * replicates, seed=seed, chunk=64)
    for replicate, batch in enumerate(fresh):
        step = step_gradient(task, layer, samples, seed + 1 + replicate)
        weight.data.copy_(weight.new_tensor(step))
        logits = model(batch.tokens).detach().numpy()
        rows, ordinary = np.arange(64), logits[:, : task.N].copy()
        if layer == "feed_forward":
            margin = logits[:, task.tau] - ordinary.max(axis=1)
        else:
            correct = batch.correct.numpy()
            own = ordinary[rows, correct].copy()
            ordinary[rows, correct] = -np.inf
            margin = own - ordinary.max(axis=1)
        rates[replicate] = (margin > 0).mean()
    return rates


def check_rate(
    claim: Recorder, name: str, task: Task, layer: str, samples: int, replicates: int, expected: int
) -> None:
    """The success rate of m-sample steps lies above (+1) or below (-1) 0.95, at the run's false-alarm level."""
    seed = claim.seed(name)
    rates = success_rates(task, layer, samples, replicates, seed)
    claim.rate(f"{name}, success rate", 0.95, expected, rates, samples=samples, replicates=replicates, seed=seed)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
@pytest.mark.parametrize("n", [8, 32])
def test_noise_margin_simulated(claim: Recorder, n: int) -> None:
    """48-sample steps of the feed-forward layer get the sign of the noise margin right, 2-sample steps do not."""
    task = Task(n, 16, 0.5, trigger=3)
    check_rate(claim, f"48 samples, N={n}", task, "feed_forward", 48, 500, +1)
    check_rate(claim, f"2 samples, N={n}", task, "feed_forward", 2, 100, -1)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
def test_noise_margin_simulated_at_low_noise(claim: Recorder) -> None:
    """At α = 1/10, the noise level of the attention checks below, 512 samples are enough at N = 32."""
    check_rate(claim, "512 samples, N=32, α=1/10", Task(32, 16, 0.1, trigger=3), "feed_forward", 512, 500, +1)


BRACKET = 4.0  # m(0.95) lies within this factor of the prediction, which ignores how test sequences fluctuate


def in_context_task(n: int) -> Task:
    """Long enough (T = 48 N) that the population step itself ranks c first on almost every fresh sequence."""
    return Task(n, 48 * n, 0.1, trigger=1)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
@pytest.mark.parametrize(("n", "enough", "few"), [(3, 1150, 450), (5, 0, 128), (7, 0, 96), (11, 0, 80)])
def test_in_context_margin_simulated(claim: Recorder, n: int, enough: int, few: int) -> None:
    """Attention steps of 4 × the predicted number of samples rank c first, of a quarter of it do not.

    `enough` and `few` are numbers of replicates. Growth from N = 3 needs the upper side there alone.
    """
    task = in_context_task(n)
    predicted = predicted_in_context_samples(task)
    for name, samples, replicates, expected in (
        ("4 × predicted", BRACKET * predicted, enough, +1),
        ("predicted / 4", predicted / BRACKET, few, -1),
    ):
        if replicates:
            check_rate(claim, f"{name} samples, N={n}", task, "attention_value", round(samples), replicates, expected)


@pytest.mark.claims("T2.5")
def test_in_context_samples_outgrow_N(claim: Recorder) -> None:
    """The brackets prove growth by more than 11/3 from N = 3 to 11; exact SNR² has exponent -3."""
    low, high = (predicted_in_context_samples(in_context_task(n)) for n in (3, 11))
    claim.less("growth of m from N = 3 to 11 that the brackets guarantee", 11 / 3, high / low / BRACKET**2)
    sizes = [2**power for power in range(6, 13)]
    for level in (0.2, 0.5):
        signals = [sample_complexity.in_context_signal_to_noise(Task(n, n * n, level))["c", "k"] for n in sizes]
        claim.exponent(f"exponent of the in-context SNR² in N, α={level}", -3.0, fit_exponent(sizes, signals))
        constants = [s * n**3 * 2 / (1 - level) ** 5 for n, s in zip(sizes, signals, strict=True)]
        extrapolated = 2 * constants[-1] - constants[-2]  # removes the 1/N correction
        change = abs(extrapolated - (2 * constants[-2] - constants[-3]))
        claim.close(
            f"constant (1-α)⁵/2, α={level}", 1.0, extrapolated, change, "extrapolated in 1/N; change of the last step"
        )
