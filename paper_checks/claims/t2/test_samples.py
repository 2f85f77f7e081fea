"""T2.5 in simulation and by enumeration: the samples that one step needs, for either margin."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
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
from paper_checks.witnesses import enumeration
from theory import Task
from theory.evaluation import alpha
from theory.one_step import sample_complexity
from theory.task import Layer

Rates = Callable[[Task, int, int, int, int], np.ndarray]


@pytest.fixture
def single_threaded_torch() -> Iterator[None]:
    """Thousands of tiny steps: starting torch's threads would cost more than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def check_rate(
    claim: Assertions, name: str, task: Task, layer: Layer, samples: int, replicates: int, expected: int
) -> None:
    """The success rate of m-sample steps on fresh sequences lies above (+1) or below (-1) RATE; told step by step."""
    seed = claim.seed(name)
    rates = rates_on_fresh_sequences(task, layer, samples, expected, replicates, seed)
    claim.rate(f"{name}, success rate", RATE, expected, rates, most=replicates, samples=samples, seed=seed)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
@pytest.mark.parametrize("n", [8, 32])
def test_noise_margin_simulated(claim: Assertions, n: int) -> None:
    """48-sample steps of the feed-forward layer get the sign of the noise margin right, 2-sample steps do not."""
    task = Task(n, 16, 0.5, trigger=3)
    check_rate(claim, f"48 samples, N={n}", task, "feed_forward", 48, 500, +1)
    check_rate(claim, f"2 samples, N={n}", task, "feed_forward", 2, 100, -1)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
def test_noise_margin_simulated_at_low_noise(claim: Assertions) -> None:
    """At α = 1/10, the noise level of the attention checks below, 512 samples are enough at N = 32."""
    check_rate(claim, "512 samples, N=32, α=1/10", Task(32, 16, 0.1, trigger=3), "feed_forward", 512, 500, +1)


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
            claim.equal(f"signed SNR² of the pairs, {task}", np.array(named, dtype=object), value, side=side)
            claim.equal(f"no signal at T = 2 alone, {task}", length == 2, not any(found.values()), side=side)


@pytest.mark.claims("T2.5")
def test_short_contexts_rank_the_trigger_first(claim: Assertions) -> None:
    """Exactly: c leads k, q leads k; c leads q from a length T_0(N, α) on, about N/(4α(1-α)) for N ≫ 1/α, not before.

    At N = 5, T = 6, α = 1/10, just below T_0, not even steps of 10⁹ samples rank the correct token first.
    """
    length = sympy.Symbol("lambda")
    stated = length * (1 - alpha) ** 2 * (4 * (1 - alpha) * length - 1 / alpha)
    difference = sympy.simplify(sample_complexity.crossover_of_the_trigger() - stated)
    claim.equal("limit of N E[T² S] of (c, q) at T = λN", sympy.Integer(0), difference)
    for n, tenths, first in ((3, 5, 5), (5, 1, 7), (8, 3, 9), (64, 5, 65), (64, 9, 176)):
        lengths = np.unique([*np.linspace(3, first, 12, dtype=int), first - 1, *(first * 2**k for k in range(6))])
        tasks = [Task(n, int(T), Fraction(tenths, 10)) for T in lengths]
        found = [sample_complexity.in_context_signal_to_noise(task) for task in tasks]
        at, ahead = f"N={n}, α={tenths}/10", np.array([values["c", "q"] for values in found])
        others = [values[pair] for values in found for pair in (("c", "k"), ("q", "k"))]
        claim.less(f"c and q ahead of k, {at}", 0, others)
        claim.less(f"c ahead of q from T = {first} on, {at}", 0, ahead[lengths >= first])
        claim.less(f"q ahead of c at smaller T, {at}", ahead[lengths < first], 0, side="beyond")
    task = Task(5, 6, Fraction(1, 10), 1)
    seed = claim.seed("short context")
    rates = rates_of_enumerated_steps(task, 10**9, -1, 200, seed)
    claim.rate(f"steps of 10⁹ samples, {task}, success rate", RATE, -1, rates, most=200, side="beyond", seed=seed)


@pytest.mark.claims("T2.5")
@pytest.mark.parametrize(
    ("n", "length", "level"),
    [(3, 8, Fraction(1, 10)), (3, 8, Fraction(3, 10)), (3, 8, Fraction(1, 2)), (4, 7, Fraction(3, 10))],
)
def test_in_context_margin_of_enumerated_steps(claim: Assertions, n: int, length: int, level: Fraction) -> None:
    """m-sample steps drawn from the enumerated law: at the expected test input m lies in the predicted bracket."""
    check_bracket(claim, "enumerated steps", Task(n, length, level, 1), rates_of_enumerated_steps, (5000, 5000))


@pytest.mark.claims("T2.5")
@pytest.mark.parametrize("n", IN_CONTEXT)
def test_in_context_margin_simulated(claim: Assertions, n: int) -> None:
    """The same with m sampled sequences, at sizes that cannot be enumerated."""
    check_bracket(claim, "sampled steps", in_context_task(n), rates_at_expected_inputs, IN_CONTEXT[n])


def check_bracket(claim: Assertions, name: str, task: Task, rates: Rates, replicates: tuple[int, int]) -> None:
    """More samples than predicted succeed more often than RATE, fewer less often; see `bracket_end`."""
    for expected, count in zip((+1, -1), replicates, strict=True):
        if count:
            samples, seed = bracket_end(task, expected, count), claim.seed(f"{name}, {task}, {expected:+d}")
            full = f"{name}, {samples / predicted_samples(task):.3g} × predicted samples, {task}, success rate"
            found = rates(task, samples, expected, count, seed)
            claim.rate(full, RATE, expected, found, most=count, samples=samples, seed=seed)


@pytest.mark.claims("T2.5")
@pytest.mark.usefixtures("single_threaded_torch")
def test_in_context_margin_on_fresh_sequences(claim: Assertions) -> None:
    """The same on fresh sequences, so long (T = 48 N) that the population step ranks c first on almost every one."""
    task = Task(3, 144, 0.1, trigger=1)
    for expected, replicates in ((+1, 1300), (-1, 1000)):
        samples = bracket_end(task, expected, replicates, fresh=True)
        name = f"{samples / predicted_samples(task, fresh=True):.3g} × predicted samples, {task}"
        check_rate(claim, name, task, "attention_value", samples, replicates, expected)
