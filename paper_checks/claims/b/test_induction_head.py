"""B3: three population gradient steps and the induction head they build."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.training_design import TRAINING
from paper_checks.experiments import induction as experiments
from paper_checks.experiments.exact import score_gaps, wrong_rows
from paper_checks.experiments.named import in_words
from paper_checks.jobs import Job, results
from paper_checks.witnesses.induction_enumeration import Enumeration, votes
from simulate import TwoLayer
from theory.birth import accuracy
from theory.birth import three_steps as head
from theory.birth.three_steps import BASIC, InductionTask, Reads
from theory.birth.weights import population_weights

TOKENS = Reads(keys=("E1", "E"))
POSITIONS = Reads(keys=("E1", "E", "P"), query=("E", "P"))
COPIES = Reads(values=("E", "E1"), keys=("E1", "E"))
EVERYTHING = Reads(values=("E", "E1"), keys=("E1", "E", "P"), query=("E", "P"))

TASK = InductionTask(20, 16)

SEQUENCES = 2**15
"""In every gradient of simulated steps that are compared with each other."""


@pytest.mark.claims("B3")
@pytest.mark.parametrize("sizes", [(3, 6), (4, 5), (5, 4)], ids=str)
def test_steps_by_enumeration(claim: Assertions, sizes: tuple[int, int]) -> None:
    """Equations (1) to (3), every feature and every sequence: the steps at p̂ = 1/N, W_K¹ to first order in W_K²."""
    (N, T), F = sizes, sum(sizes)
    every, task = Enumeration(N, T), InductionTask(N, T)
    delta = np.array([[Fraction(k == j) - Fraction(1, N) for j in range(N)] for k in range(N)], dtype=object)
    W_O, o = every.outputs(), head.output_association(task)
    stated = np.zeros_like(W_O) + Fraction(0)
    stated[:, :N], stated[:, F : F + N] = o * delta, head.copied_output_association(task) * delta
    claim.equal(f"W_O², {in_words(task)}", stated, W_O)
    for reads in (BASIC, COPIES):
        seen = stated.copy()
        seen[:, F:] *= "E1" in reads.values
        found, bias = every.key_query(seen), head.position_bias(task, reads)
        at = f"{in_words(task)}, values read {in_words(reads.values)}"
        for block, rows in (("E", slice(0, N)), ("E1", slice(F, F + N))):
            association = o * head.key_association(task, block, reads) / (N - 1) * delta
            claim.equal(f"W_K²[{block}, E], {at}", association, found[rows, :N])
            claim.equal(f"W_K²[{block}, P(T)], {at}", 0 * delta[0], found[rows, F - 1])
        claim.equal(f"W_K²[P, E], {at}", np.outer(o * bias / N, delta[0] * 0 + 1), found[N:F, :N])
        claim.equal(f"W_K²[P, P(T)], {at}", o * bias, found[N:F, F - 1])
    scores = every.key_query(stated * (np.arange(2 * F) < F))[F : F + N, :N]
    slope = o * head.match_score(task, o, BASIC) * head.previous_token_slope(task)
    claim.equal(f"W_K¹, {in_words(task)}", slope, every.previous_token(stated * (np.arange(2 * F) < F), scores))


SAMPLES = 2**16
"""In a gradient that is compared with theory's."""


def gradients_at(base_seed: int, task: InductionTask, match: float) -> list[Job]:
    """Gradients in W_O² at zero, in W_K² after the first step, in W_K¹ after both, the second of this size."""
    size = experiments.size_of_match(task, match, BASIC)
    first, second = (population_weights(task, step, 0, BASIC) for step in (0.0, size))
    starts = {"W_O": first._replace(W_O=0 * first.W_O), "W_K2": first, "W_K1": second}
    return [
        experiments.block_gradients.of(start, matrix, SAMPLES, experiment_seed(base_seed, f"{matrix} {task}"))
        for matrix, start in starts.items()
    ]


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(gradients_at)
@pytest.mark.parametrize(("task", "match"), [(TASK, 3.0), (InductionTask(7, 9), 1.5)], ids=str)
def test_steps_simulated(claim: Assertions, task: InductionTask, match: float) -> None:
    """Gradients of the network's own loss on fresh sequences against (1) to (3); W_K² of a size where softmax bends.

    At W_O² = o (δ - 1/N) the probabilities differ from 1/N by at most o/N: less than 0.1 % of these statistics.
    """
    o, size = float(head.output_association(task)), experiments.size_of_match(task, match, BASIC)
    E, E1, P = (TwoLayer(task.N, task.T).block(name) for name in ("E", "E1", "P"))
    outputs, scores, attention = results(gradients_at(claim.base_seed, task, match))
    diagonals = [np.einsum("bkk->b", outputs[:, :, block]) for block in (E, E1)]
    exact = [(task.N - 1) * float(f(task)) for f in (head.output_association, head.copied_output_association)]
    sizes = in_words(task)
    experiments.check_blocks(claim, f"tr W_O², {sizes}", exact, np.stack(diagonals, axis=1), 0.1, samples=SAMPLES)
    diagonals = [np.einsum("bkk->b", scores[:, block, E]) for block in (E, E1)]
    exact = [o * float(head.key_association(task, block)) for block in ("E", "E1")]
    experiments.check_blocks(claim, f"tr W_K², {sizes}", exact, np.stack(diagonals, axis=1), 0.2, samples=SAMPLES)
    bias = o * head.position_bias(task).astype(np.float64)
    last = scores[:, P, P.stop - 1][:, [0, -1]]
    experiments.check_blocks(claim, f"W_K²[P(t), P(T)], {sizes}", bias[[0, -1]], last, 0.3, samples=SAMPLES)
    found = attention[:, P, P]
    step, at = o * head.previous_token_step(task, size), np.arange(task.T - 1)
    name = f"W_K¹[P(t-1), P(t)], λ = {match:g}, {sizes}"
    experiments.check_blocks(claim, name, step[at, at + 1], found[:, at, at + 1], 0.25, samples=SAMPLES)


@pytest.mark.claims("B3")
def test_where_the_match_is_learned(claim: Assertions) -> None:
    """o and A_E1 are positive from a least T on that depends on N; for N = 2, 3 and for T <= 4 the match is unlearned.

    A_E1 in closed form, equation (4), against its definition; o > 0 if and only if N (N-4) + T > 0.
    """
    for N in (2, 3, 4, 5, 8, 20):
        tasks = [InductionTask(N, T) for T in (3, 4, 5, 7, 12, 31)]
        stated = np.array([head.basic_key_association(task) for task in tasks])
        claim.equal(f"A_E1, N = {N}", stated, np.array([head.key_association(task, "E1") for task in tasks]))
        signs = np.array([head.output_association(task) > 0 for task in tasks], dtype=object)
        claim.equal(f"sign of o, N = {N}", np.array([N * (N - 4) + t.T > 0 for t in tasks], dtype=object), signs)
    least = {N: accuracy.least_length(N, 128) for N in (2, 3, 4, 5, 6, 8, 13, 14, 100, 10**6)}
    expected = {2: None, 3: None, 4: 26, 5: 10, 6: 7, 8: 6, 13: 6, 14: 5, 100: 5, 10**6: 5}
    claim.equal("least T that learns the match", [*expected.values()], [*least.values()])
    for N, T in least.items():
        below = [InductionTask(N, length) for length in range(3, T or 129)]
        worst = [min(head.basic_key_association(task), head.output_association(task)) for task in below]
        claim.less(f"no match below, N = {N}", worst, Fraction(0), side="beyond", strict=False)


@pytest.mark.claims("B3")
@pytest.mark.parametrize(("task", "sign"), [(InductionTask(20, 6), 1), (InductionTask(20, 4), -1)], ids=str)
def test_the_match_is_learned_simulated(claim: Assertions, task: InductionTask, sign: int) -> None:
    """tr W_K²[E1, E] of the network's own gradient is negative at T = 4, positive at T = 6."""
    start, seed = population_weights(task, 0.0, 0.0, BASIC), claim.seed(f"match {task}")
    found, model = experiments.block_gradients(start, "W_K2", SAMPLES, seed), TwoLayer(task.N, task.T)
    traces = np.einsum("bkk->b", found[:, model.block("E1"), model.block("E")])
    side, spread = ("holds" if sign > 0 else "beyond"), traces.std(ddof=1) / len(traces) ** 0.5
    claim.sign(f"tr W_K²[E1, E], {in_words(task)}", sign, [traces.mean()], [spread], side=side, degrees=len(traces) - 1)


LADDER = [InductionTask(*size) for size in ((4, 26), (5, 11), (8, 9), (14, 8), (20, 16), (50, 7), (100, 40))]
MATCHES = (1e-3, 0.5, 3.0, 6.0)
READ = (BASIC, TOKENS, EVERYTHING)


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(lambda: [wrong_rows.of(LADDER, MATCHES, (BASIC, TOKENS))])
def test_previous_token_rows(claim: Assertions) -> None:
    """Rows 2..T-1 of W_K¹ find the previous token for basic reads and where keys read tokens, at any size on W_K².

    So does row T for basic reads. Where keys read tokens its margin falls like e^(λ A_E/A_E1), below floats at N = 4.
    Where values read copies a small W_K² leaves the rows to what copies vote for.
    """
    for task, found in zip(LADDER, wrong_rows(LADDER, MATCHES, (BASIC, TOKENS)), strict=True):
        for (reads, match), rows in zip(product((BASIC, TOKENS), MATCHES), found, strict=True):
            wrong = [t for t in rows if t < task.T or reads is BASIC]
            claim.equal(f"wrong rows, {in_words(task)}, keys read {in_words(reads.keys)}, λ = {match:g}", 0, len(wrong))
    cases: tuple[tuple[float, list[int], Side], ...] = (
        (3, [], "holds"),
        (0.5, [2], "beyond"),
        (0.01, [2, 15], "beyond"),
    )
    for match, expected, side in cases:
        rows = accuracy.wrong_rows(TASK, experiments.size_of_match(TASK, match, COPIES), COPIES)
        stated, seen = (np.isin(np.arange(2, TASK.T + 1), listed) for listed in (expected, rows))
        claim.equal(f"wrong rows, values read copies, λ = {match}", stated, seen, side=side)


def lengths_that_learn(N: int) -> list[InductionTask]:
    """Every ninth length up to 48 from the least that learns the match on."""
    return [InductionTask(N, T) for T in range(accuracy.least_length(N, 48) or 49, 49, 9)]


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(lambda: [score_gaps.of(lengths_that_learn(N), READ) for N in (4, 5, 8, 20, 100)])
def test_what_the_scores_prefer(claim: Assertions) -> None:
    """Equation (5) by what is read: the follower wins, ties at j = 1, or loses to a position, with exact thresholds."""
    for N in (4, 5, 8, 20, 100):
        tasks = lengths_that_learn(N)
        for task, (gaps, tokens, everything) in zip(tasks, score_gaps(tasks, READ), strict=True):
            claim.equal(f"gap at j = 1, {in_words(task)}", Fraction(0), gaps[0], side="beyond")
            claim.greater(f"gaps at j >= 2, {in_words(task)}", gaps[1:], Fraction(0))
            claim.greater(f"gaps, keys read tokens, {in_words(task)}", tokens, Fraction(0))
            claim.less(f"least gap, everything read, {in_words(task)}", min(everything), Fraction(0), side="beyond")
    for N, T in ((8, 31), (20, 16), (100, 13)):
        holds, fails = (min(accuracy.score_gaps(InductionTask(N, length), POSITIONS)) for length in (T, T - 1))
        claim.greater(f"least gap, positions read, N = {N}, T = {T}", holds, Fraction(0))
        claim.less(f"least gap, positions read, N = {N}, T = {T - 1}", fails, Fraction(0), side="beyond")


@pytest.mark.claims("B3")
def test_accuracy_over_all_sequences(claim: Assertions) -> None:
    """Equation (6) by counting every sequence: y alone has the most attention."""
    for N, T in ((14, 5), (8, 6), (6, 7)):
        counts, answers = votes(N, T, 10**6)
        own = counts[np.arange(len(counts)), answers]
        counts[np.arange(len(counts)), answers] = -1
        exact = Fraction(int((own > counts.max(axis=1)).sum()), len(counts))
        stated = accuracy.basic_accuracy(InductionTask(N, T))
        claim.equal(f"accuracy, N = {N}, T = {T}", stated, exact, side="beyond")


@pytest.mark.claims("B3")
def test_copies_as_values_vote_for_the_trigger(claim: Assertions) -> None:
    """Where values read copies, position j+1 votes o for y and o₁ for q: from a least T on q is answered."""
    for N, T in ((5, 6), (8, 12), (20, 51)):
        votes_at = {length: _votes(InductionTask(N, length)) for length in (T - 1, T)}
        claim.less(f"o₁ at N = {N}, T = {T - 1}", votes_at[T - 1][1], votes_at[T - 1][0])
        claim.less(f"o at N = {N}, T = {T}", votes_at[T][0], votes_at[T][1], side="beyond")
    task = InductionTask(8, 16)
    claim.greater("gaps at N = 8, T = 16", accuracy.score_gaps(task, COPIES), Fraction(0))
    size = experiments.size_of_match(task, 8.0, COPIES)
    last = experiments.sharp_last_size(task, size, COPIES, 12.0)
    found, _ = experiments.recalled(experiments.population_model(task, size, last, COPIES), 2**12, claim.seed("copies"))
    claim.equal("answers with the trigger's vote", 0, int(found.sum()), side="beyond")


def _votes(task: InductionTask) -> tuple[Fraction, Fraction]:
    return head.output_association(task), head.copied_output_association(task)


@pytest.mark.claims("B3")
def test_accuracy_with_population_weights(claim: Assertions) -> None:
    """On fresh sequences, theory's weights: (6) for basic reads, and no error at all where keys read tokens."""
    samples = 2**16
    for task in (TASK, InductionTask(8, 11)):
        size = experiments.size_of_match(task, 4.0, BASIC)
        last = experiments.sharp_last_size(task, size, BASIC, 12.0, task.T)
        seed = claim.seed(f"basic {task}")
        found, position = experiments.recalled(experiments.population_model(task, size, last, BASIC), samples, seed)
        exact = float(accuracy.basic_accuracy(task))
        spread = (exact * (1 - exact) / samples) ** 0.5
        details = {"samples": samples, "seed": seed}
        claim.estimate(f"accuracy, {in_words(task)}", exact, found.mean(), spread, 0.02, side="beyond", **details)
        claim.equal(f"errors at j >= 2, {in_words(task)}", 0, int((~found[position >= 2]).sum()))
        model = experiments.population_model(task, *accuracy.sufficient_sizes(task, TOKENS), TOKENS)
        found, _ = experiments.recalled(model, samples, seed)
        claim.equal(f"errors where keys read tokens, {in_words(task)}", 0, int((~found).sum()))
        probes = np.array([int(p == 1) for p in experiments.memory_recall(model).values()])
        claim.equal(f"probes, {in_words(task)}", np.ones(3, dtype=int), probes)


@cache
def sizes(reads: Reads) -> tuple[float, float]:
    """Of the second and third simulated steps."""
    size = experiments.size_of_match(TASK, 6.0, reads)
    return size, experiments.sharp_last_size(TASK, size, reads, 12.0)


def draws(base_seed: int, count: int, reads: Reads, sequences: int = SEQUENCES, width: int | None = None) -> list[Job]:
    """The first draws of three simulated steps; the same sequences at every width and for whatever is read."""
    steps = (TASK, *sizes(reads), reads, sequences, width)
    return [experiments.three_steps.of(*steps, draw, base_seed) for draw in range(count)]


def first_draws(
    base_seed: int, *read: Reads, sequences: int = SEQUENCES, widths: tuple[int | None, ...] = (None,)
) -> list[Job]:
    """What a statement looks at first."""
    first = TRAINING.looks[0]
    return [job for reads in read for width in widths for job in draws(base_seed, first, reads, sequences, width)]


def over_draws(
    claim: Assertions, name: str, reads: Reads, sequences: int = SEQUENCES, width: int | None = None
) -> Callable[[int], list[float]]:
    """The accuracy or the probes of the first draws, by their number."""
    return lambda count: [
        getattr(answers, name) for answers in results(draws(claim.base_seed, count, reads, sequences, width))
    ]


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(lambda base_seed: first_draws(base_seed, TOKENS, BASIC, EVERYTHING))
def test_three_simulated_steps(claim: Assertions) -> None:
    """Gradients of the network itself, three steps, fresh sequences: probes 1 and accuracy above 0.99, or not. What is
    true of most draws of the sequences, as of trainings (`training_design`)."""
    for key, reads, expected, side in (
        ("tokens", TOKENS, 1, "holds"), ("copies", BASIC, -1, "beyond"), ("everything", EVERYTHING, -1, "beyond"),
    ):  # fmt: skip
        claim.replicated(f"accuracy, {key}", key, expected, over_draws(claim, "accuracy", reads), side=side)
    claim.replicated("all probes are 1", "probes", 1, over_draws(claim, "probes", TOKENS))


WIDE, NARROW = 2048, 384


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(lambda base_seed: first_draws(base_seed, TOKENS, widths=(WIDE, NARROW)))
def test_finite_width(claim: Assertions) -> None:
    """Gaussian embeddings, keys read tokens: d = 2048 loses under 2.5 %, d = 384 over 2.5 %. Both widths learn from the
    same 2¹⁵ sequences per step and answer the same new ones; a draw is of the embeddings and the sequences."""
    for key, width, expected, side in (("wide", WIDE, 1, "holds"), ("narrow", NARROW, -1, "beyond")):
        values = over_draws(claim, "accuracy", TOKENS, width=width)
        claim.replicated(f"accuracy, d = {width}", key, expected, values, side=side)


@pytest.mark.claims("B3")
@pytest.mark.jobs.with_args(lambda base_seed: first_draws(base_seed, TOKENS, sequences=SEQUENCES // 8))
def test_few_sequences(claim: Assertions) -> None:
    """An eighth of the sequences, 2¹² per step: over 3 % is lost at infinite width."""
    values = over_draws(claim, "accuracy", TOKENS, SEQUENCES // 8)
    claim.replicated("accuracy from 2¹² sequences", "few", -1, values, side="beyond")
