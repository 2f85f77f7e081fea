"""T2.5 in simulation and by enumeration: the samples that one step needs, for either margin."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
import sympy

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.experiments.exact import in_context_signals
from paper_checks.experiments.named import in_words
from paper_checks.experiments.steps import (
    IN_CONTEXT,
    RATE,
    bracket_end,
    in_context_task,
    predicted_samples,
    rates_at_expected_inputs,
    rates_of_enumerated_steps,
    rates_on_fresh_sequences,
)
from paper_checks.jobs import Job, results
from paper_checks.jobs.job import JobFunction
from paper_checks.witnesses import enumeration
from theory import Task
from theory.evaluation import alpha
from theory.one_step import sample_complexity
from theory.task import Layer

MOST = 1000
"""Most steps where nearly all succeed: with half as many, one that fails may leave the rate untold."""
Rates = JobFunction[[Task, int, int, int, int], np.ndarray]


class Steps(NamedTuple):
    """Steps of so many samples that succeed more (+1) or less often (-1) than RATE, and the job that takes them."""

    name: str
    samples: int
    expected: int
    most: int
    job: Job


def check_rates(claim: Assertions, stated: list[Steps]) -> None:
    """Steps are taken until their rate is told from RATE."""
    for name, samples, expected, most, steps in stated:
        (rates,), seed = results([steps]), steps.arguments[-1]
        claim.rate(f"{name}, success rate", RATE, expected, rates, most=most, samples=samples, seed=seed)


def fresh_steps(
    base_seed: int, name: str, drawn_as: str, task: Task, layer: Layer, samples: int, most: int, expected: int
) -> Steps:
    """m-sample steps, asked on fresh sequences; the seed follows from `drawn_as`."""
    seed = experiment_seed(base_seed, drawn_as)
    return Steps(name, samples, expected, most,
                 rates_on_fresh_sequences.of(task, layer, samples, expected, most, seed))  # fmt: skip


def noise_margin_steps(base_seed: int, n: int) -> list[Steps]:
    """48-sample steps of the feed-forward layer get the sign of the noise margin right, 2-sample steps do not."""
    task = Task(n, 16, 0.5, trigger=3)
    return [
        fresh_steps(base_seed, f"48 samples, N = {n}", f"48 samples, N={n}", task, "feed_forward", 48, MOST, +1),
        fresh_steps(base_seed, f"2 samples, N = {n}", f"2 samples, N={n}", task, "feed_forward", 2, 100, -1),
    ]


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(lambda base_seed, n: jobs_of(noise_margin_steps(base_seed, n)))
@pytest.mark.parametrize("n", [8, 32])
def test_noise_margin_simulated(claim: Assertions, n: int) -> None:
    """At α = 1/2; see `noise_margin_steps`."""
    check_rates(claim, noise_margin_steps(claim.base_seed, n))


def jobs_of(stated: list[Steps]) -> list[Job]:
    """Those of all steps."""
    return [steps.job for steps in stated]


def low_noise_steps(base_seed: int) -> list[Steps]:
    """At α = 1/10, the noise level of the attention checks below, 512 samples are enough at N = 32."""
    task = Task(32, 16, 0.1, trigger=3)
    name, drawn_as = "512 samples, N = 32, α = 1/10", "512 samples, N=32, α=1/10"
    return [fresh_steps(base_seed, name, drawn_as, task, "feed_forward", 512, MOST, +1)]


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(lambda base_seed: jobs_of(low_noise_steps(base_seed)))
def test_noise_margin_simulated_at_low_noise(claim: Assertions) -> None:
    """See `low_noise_steps`."""
    check_rates(claim, low_noise_steps(claim.base_seed))


@pytest.mark.claims("T2.5")
def test_in_context_signal_enumerated(claim: Assertions) -> None:
    """SNR² of all three pairs equals the enumeration, as fractions; T = 2 carries no signal."""
    for n, length in ((3, 2), (3, 3), (3, 4), (3, 7), (4, 5), (5, 4)):
        for level, q in ((0, 0), (Fraction(1, 3), n - 1), (Fraction(5, 7), 1), (1 - Fraction(1, n), 2)):
            task = Task(n, length, level, q)
            side: Side = "beyond" if length == 2 else "holds"
            c, k = [token for token in range(n) if token != q][-2:]
            found = sample_complexity.in_context_signal_to_noise(task, exact=True)
            tokens = {("c", "k"): (c, k), ("c", "q"): (c, q), ("q", "k"): (q, k)}
            named = [enumeration.in_context_signal_to_noise(task, *both) for both in tokens.values()]
            value = np.array([found[pair] for pair in tokens], dtype=object)
            claim.equal(f"signed SNR² of the pairs, {in_words(task)}", np.array(named, dtype=object), value, side=side)
            claim.equal(f"no signal at T = 2 alone, {in_words(task)}", length == 2, not any(found.values()), side=side)


SHORT = Task(5, 6, Fraction(1, 10), 1)


def short_context_steps(base_seed: int) -> Job:
    """Steps of 10⁹ samples just below T_0."""
    return rates_of_enumerated_steps.of(SHORT, 10**9, -1, 200, experiment_seed(base_seed, "short context"))


FIRST = ((3, 5, 5), (5, 1, 7), (8, 3, 9), (64, 5, 65), (64, 9, 176))
"""N, ten times the noise level, T_0."""


def around(n: int, tenths: int, first: int) -> list[Task]:
    """Contexts below T_0 and up to 32 times as long."""
    lengths = np.unique([*np.linspace(3, first, 12, dtype=int), first - 1, *(first * 2**k for k in range(6))])
    return [Task(n, int(T), Fraction(tenths, 10)) for T in lengths]


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(
    lambda base_seed: [short_context_steps(base_seed), *(in_context_signals.of(around(*case)) for case in FIRST)]
)
def test_short_contexts_rank_the_trigger_first(claim: Assertions) -> None:
    """Exactly: c leads k, q leads k; c leads q from a length T_0(N, α) on, about N/(4α(1-α)) for N ≫ 1/α, not before.

    At N = 5, T = 6, α = 1/10, just below T_0, not even steps of 10⁹ samples rank the correct token first.
    """
    length = sympy.Symbol("lambda")
    stated = length * (1 - alpha) ** 2 * (4 * (1 - alpha) * length - 1 / alpha)
    difference = sympy.simplify(sample_complexity.crossover_of_the_trigger() - stated)
    claim.equal("limit of N E[T² S] of (c, q) at T = λN", sympy.Integer(0), difference)
    for n, tenths, first in FIRST:
        tasks = around(n, tenths, first)
        found, lengths = in_context_signals(tasks), np.array([task.T for task in tasks])
        at, ahead = f"N = {n}, α = {tenths}/10", np.array([values["c", "q"] for values in found])
        others = [values[pair] for values in found for pair in (("c", "k"), ("q", "k"))]
        claim.greater(f"c and q ahead of k, {at}", others, 0)
        claim.greater(f"c ahead of q from T = {first} on, {at}", ahead[lengths >= first], 0)
        claim.less(f"q ahead of c at smaller T, {at}", ahead[lengths < first], 0, side="beyond")
    (steps,) = results([short_context_steps(claim.base_seed)])
    name, seed = f"steps of 10⁹ samples, {in_words(SHORT)}, success rate", claim.seed("short context")
    claim.rate(name, RATE, -1, steps, most=200, side="beyond", seed=seed)


def bracket(base_seed: int, name: str, task: Task, rates: Rates, most: tuple[int, int]) -> list[Steps]:
    """More samples than predicted succeed more often than RATE, fewer less often; see `bracket_end`."""
    stated = []
    for expected, count in zip((+1, -1), most, strict=True):
        if count:
            samples, seed = (
                bracket_end(task, expected, count),
                experiment_seed(base_seed, f"{name}, {task}, {expected:+d}"),
            )
            full = f"{name}, {samples / predicted_samples(task):.3g} × predicted samples, {in_words(task)}"
            stated.append(Steps(full, samples, expected, count, rates.of(task, samples, expected, count, seed)))
    return stated


def enumerated_bracket(base_seed: int, n: int, length: int, level: Fraction) -> list[Steps]:
    """m-sample steps drawn from the enumerated law."""
    return bracket(base_seed, "enumerated steps", Task(n, length, level, 1), rates_of_enumerated_steps, (5000, 5000))


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(
    lambda base_seed, n, length, level: jobs_of(enumerated_bracket(base_seed, n, length, level))
)
@pytest.mark.parametrize(
    ("n", "length", "level"),
    [(3, 8, Fraction(1, 10)), (3, 8, Fraction(3, 10)), (3, 8, Fraction(1, 2)), (4, 7, Fraction(3, 10))],
)
def test_in_context_margin_of_enumerated_steps(claim: Assertions, n: int, length: int, level: Fraction) -> None:
    """m-sample steps drawn from the enumerated law: at the expected test input m lies in the predicted bracket."""
    check_rates(claim, enumerated_bracket(claim.base_seed, n, length, level))


def sampled_bracket(base_seed: int, n: int) -> list[Steps]:
    """m-sample steps with m sampled sequences."""
    return bracket(base_seed, "sampled steps", in_context_task(n), rates_at_expected_inputs, IN_CONTEXT[n])


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(lambda base_seed, n: jobs_of(sampled_bracket(base_seed, n)))
@pytest.mark.parametrize("n", IN_CONTEXT)
def test_in_context_margin_simulated(claim: Assertions, n: int) -> None:
    """The same with m sampled sequences, at sizes that cannot be enumerated."""
    check_rates(claim, sampled_bracket(claim.base_seed, n))


def fresh_bracket(base_seed: int) -> list[Steps]:
    """Steps asked on sequences so long (T = 48 N) that the population step ranks c first on almost every one."""
    task, stated = Task(3, 144, 0.1, trigger=1), []
    for expected, most in ((+1, 1300), (-1, 1000)):
        samples = bracket_end(task, expected, most, fresh=True)
        what = f"{samples / predicted_samples(task, fresh=True):.3g} × predicted samples"
        name, drawn_as = f"{what}, {in_words(task)}", f"{what}, {task}"
        stated.append(fresh_steps(base_seed, name, drawn_as, task, "attention_value", samples, most, expected))
    return stated


@pytest.mark.claims("T2.5")
@pytest.mark.jobs.with_args(lambda base_seed: jobs_of(fresh_bracket(base_seed)))
def test_in_context_margin_on_fresh_sequences(claim: Assertions) -> None:
    """The same on fresh sequences; see `fresh_bracket`."""
    check_rates(claim, fresh_bracket(claim.base_seed))
