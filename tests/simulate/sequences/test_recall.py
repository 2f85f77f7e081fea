"""Recall sequences: their law against enumeration, the marks against plain loops, and what a seed guarantees."""

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from simulate import Batch, Chain, Recall, sample
from tests.oracles.simulate import BAD_COUNTS, enumerate_law
from theory import Task

FALSE_ALARM = 1e-9  # most that a right law fails one comparison of laws
SAMPLES = 1_500_000

# Sixteenths, so that floats are exact.
ROWS = np.array([[1, 4, 8, 3], [6, 2, 0, 8], [5, 5, 3, 3], [2, 7, 6, 1]]) / 16
UNEVEN = Chain(ROWS, np.array([3, 1, 7, 5]) / 16)
NO_ZERO_FIRST = Chain(ROWS, np.array([0, 3, 9, 4]) / 16)


def drawn_one_by_one(weights, count):
    """{set: probability} of `count` tokens, each drawn by weight among those left."""
    if count == 0:
        return {frozenset(): Fraction(1)}
    sets = defaultdict(Fraction)
    for token, weight in weights.items():
        left = {other: w for other, w in weights.items() if other != token}
        for others, probability in drawn_one_by_one(left, count - 1).items():
            sets[others | {token}] += probability * weight / sum(weights.values())
    return sets


def enumerated(law):
    """{(c_0, ..., c_{M-1}, z_1, ..., z_{T+1}): probability > 0}, exact, with -1 for the c of a token without."""
    transition = [[Fraction(p) for p in row] for row in law.chain.transition]
    initial, alpha = [Fraction(p) for p in law.chain.initial], Fraction(law.alpha)
    ordinary = [token for token in range(law.M) if token != law.noise]
    found = {}

    def choose_outputs(triggers, answers, probability):
        if not triggers:
            return choose_tokens((), answers, probability)
        weights = {c: 1 if law.outputs == "uniform" else transition[triggers[0]][c] for c in ordinary}
        for c, weight in weights.items():
            if weight:
                chance = Fraction(weight) / sum(weights.values())
                choose_outputs(triggers[1:], answers | {triggers[0]: c}, probability * chance)

    def choose_tokens(z, answers, probability):
        if len(z) == law.T + 1:
            found[(*(answers.get(token, -1) for token in range(law.M)), *z)] = probability
            return
        if law.ends_on_trigger and len(z) == law.T - 1:
            following = {q: Fraction(1, len(answers)) for q in answers}
        elif z and z[-1] in answers:
            following = {answers[z[-1]]: 1 - alpha, law.noise: alpha}
        else:
            following = dict(enumerate(transition[z[-1]] if z else initial))
        for token, chance in following.items():
            if chance:
                choose_tokens((*z, token), answers, probability * chance)

    if isinstance(law.triggers, tuple):
        sets = {frozenset(law.triggers): Fraction(1)}
    else:
        sets = drawn_one_by_one({token: initial[token] for token in ordinary if initial[token]}, law.triggers)
    for triggers, probability in sets.items():
        choose_outputs(sorted(triggers), {}, probability)
    assert sum(found.values()) == 1
    return found


def counted(*columns):
    """{outcome: how often} of rows of small integers >= -1."""
    rows = np.column_stack([np.asarray(column) for column in columns])
    codes = (rows + 1) @ (int(rows.max()) + 2) ** np.arange(rows.shape[1])
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    return {tuple(map(int, rows[i])): int(n) for i, n in zip(first, counts, strict=True)}


def divergence(counts, law):
    """n KL(frequencies ‖ law) = Σ n_k log(n_k / (n p_k))."""
    assert not counts.keys() - law.keys(), "an outcome of probability zero was drawn"
    total = sum(counts.values())
    return sum(n * math.log(n / (total * law[outcome])) for outcome, n in counts.items())


def most_divergence(freedom):
    """A bound on a `divergence` that a right law exceeds with probability FALSE_ALARM at most, at any sample size.

    With k outcomes and f = k-1, E exp(λ n KL) <= (1-λ)^{-f} for 0 <= λ < 1 (Agrawal, IEEE Trans. Inf. Theory 2020),
    so that P(n KL > x) <= e^{f-x} (x/f)^f for x > f; for two independent samples f is the sum of theirs.
    """
    return brentq(lambda x: x - freedom - freedom * math.log(x / freedom) + math.log(FALSE_ALARM), freedom, 9e9)


LAWS = {
    "task": Recall.of_task(Task(4, 3, 0.375, 2)),
    "task, longer, general chain": Recall.of_task(Task(3, 4, 0.625, 1), UNEVEN),
    "task of two triggers": Recall.of_task(Task(3, 3, 0.25, 2), UNEVEN, count=2),
    "two triggers around the noise": Recall(UNEVEN, 3, (2, 0), 0.375, 1),
    "triggers drawn": Recall(UNEVEN, 2, 2, 0.375, 3),
    "triggers drawn, noise in the middle": Recall(NO_ZERO_FIRST, 2, 1, 0.75, 2, ends_on_trigger=True),
    "all triggers drawn, without noise": Recall(NO_ZERO_FIRST, 2, 3),
    "outputs of the chain": Recall(UNEVEN, 3, (3, 1), 0.25, 0, outputs="chain"),
    "outputs of the chain, drawn, without noise": Recall(UNEVEN, 2, 2, outputs="chain"),
    "a noise token without noise": Recall(UNEVEN, 3, (0,), 0.0, 2),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_outputs_and_sequences_have_the_exact_law(law):
    exact = enumerated(law)
    batch = law.sample(SAMPLES, seed=5, index=3)
    assert divergence(counted(batch.answers, batch.sequence), exact) < most_divergence(len(exact) - 1)


@pytest.mark.parametrize("chain", [None, UNEVEN], ids=["uniform", "general"])
@pytest.mark.parametrize("T", [2, 4])
def test_law_of_the_task_is_that_of_its_own_sampler(chain, T):
    """Sequence, correct token and target; two samples against their mixture, which no law of both fits better."""
    task = Task(3, T, 0.375, 1)
    exact = [] if chain is None else [[[*map(Fraction, row)] for row in ROWS], [*map(Fraction, chain.initial)]]
    freedom = len(enumerate_law(task, *exact)) - 1
    recall, own = Recall.of_task(task, chain).sample(SAMPLES, seed=7), sample(task, SAMPLES, seed=11, chain=chain)
    one, other = (counted(part.tokens, part.correct, part.target) for part in (Batch.of_recall(recall), own))
    mixture = {outcome: (one.get(outcome, 0) + other.get(outcome, 0)) / (2 * SAMPLES) for outcome in one | other}
    assert divergence(one, mixture) + divergence(other, mixture) < most_divergence(2 * freedom)


def test_triggers_of_the_task_follow_one_another():
    triggers = [Recall.of_task(Task(7, 5, 0.3, 5), count=count).triggers for count in (1, 3, 7)]
    assert triggers == [(5,), (5, 6, 0), (5, 6, 0, 1, 2, 3, 4)]


def random_law(T, triggers, **options):
    return Recall(Chain(np.random.default_rng(4).dirichlet(np.ones(7), 7)), T, triggers, **options)


@pytest.mark.parametrize(
    "law",
    [
        random_law(23, (2, 5), alpha=0.4, noise=6),
        random_law(23, (5, 1, 0), alpha=0.4, noise=3, ends_on_trigger=True),
        random_law(13, 3, outputs="chain"),
        random_law(13, 7),
        random_law(2, 4, alpha=0.2, noise=0, ends_on_trigger=True),
    ],
)
def test_marks_are_those_of_a_plain_loop(law):
    """Position t of the loop is t+1 of the text; nothing is asked at T-1 where z_T is put there by force."""
    batch = law.sample(101, seed=2)
    asked = 0
    for row, z in enumerate(batch.sequence.tolist()):
        answers = batch.answers[row].tolist()
        assert batch.tokens[row].tolist() == z[: law.T] and batch.following[row].tolist() == z[1:]
        for t in range(law.T):
            trigger, c = z[t], answers[z[t]]
            repeated = c >= 0 and trigger in z[:t] and not (law.ends_on_trigger and t == law.T - 2)
            shown = c >= 0 and any(z[s] == trigger and z[s + 1] == c for s in range(t))
            assert batch.correct[row, t] == c
            assert (batch.repeated[row, t], batch.shown[row, t]) == (repeated, shown)
            asked += repeated
    assert 0 < asked < batch.repeated.numel()
    assert batch.everywhere.all() and batch.everywhere.shape == batch.tokens.shape
    assert {part.dtype for part in (batch.repeated, batch.shown, batch.everywhere)} == {torch.bool}


def test_every_output_of_a_row_can_come_and_no_other():
    """Ten tenths add up to the largest float below 1, which is the largest uniform number too."""
    row = np.array([0, *[0.1] * 10, 0])
    law = Recall(Chain(np.tile(row, (12, 1))), 3, (4,), outputs="chain")

    class Uniform:
        def __init__(self, number):
            self.number = number

        def random(self, shape):
            return np.full(shape, self.number)

    cuts = np.cumsum(row)
    assert cuts[-1] == np.nextafter(1, 0)
    numbers = [0.0, *cuts[1:10], cuts[-1]]
    assert [law._answers(1, Uniform(number))[0, 4] for number in numbers] == [*range(1, 11), 10]


def test_seed_and_index_make_the_batch():
    law = random_law(23, (2, 5), alpha=0.4, noise=6)
    batch, again = (law.sample(17, seed=2**70, index=5) for _ in range(2))
    assert torch.equal(batch.sequence, again.sequence) and torch.equal(batch.answers, again.answers)
    for other in (law.sample(17, seed=2**70, index=6), law.sample(17, seed=1, index=5), law.sample(17, seed=2**70)):
        assert not torch.equal(batch.sequence, other.sequence) and not torch.equal(batch.answers, other.answers)
    assert torch.equal(law.sample(17, seed=1).sequence, law.sample(17, seed=1, index=0).sequence)


def test_a_batch_moves_as_a_whole(monkeypatch):
    batch, moved, place = LAWS["task"].sample(3, seed=0), [], torch.device("cuda")
    monkeypatch.setattr(torch.Tensor, "to", lambda part, device: moved.append((part, device)) or part)
    batch.to(place)
    parts = (batch.sequence, batch.answers, batch.repeated, batch.shown)
    assert all(part is own and device is place for own, (part, device) in zip(parts, moved, strict=True))


def test_a_batch_without_data_is_refused():
    with pytest.raises(TypeError, match=r"sequence must be a torch.Tensor that has data, got tensor.*meta"):
        LAWS["task"].sample(3, seed=0).to(torch.device("meta"))


def test_batches_of_a_seed_are_independent():
    """No sequence twice: of 28 tokens 14 are free, so that two of 600 agree with probability 600² / (2·11¹⁴) < 1e-9.
    And outputs and first tokens in the same row of two batches have the product law."""
    law = Recall(Chain(np.full((11, 11), 1 / 11)), 27, (3,), 1.0, 10)
    rows = [tuple(z) for index in range(6) for z in law.sample(100, seed=8, index=index).sequence.tolist()]
    assert len(set(rows)) == len(rows)
    one, other = (law.sample(100_000, seed=8, index=index) for index in (0, 1))
    outputs = counted(one.answers[:, 3], other.answers[:, 3])
    firsts = counted(one.sequence[:, 0], other.sequence[:, 0])
    for pairs, size in ((outputs, 10), (firsts, 11)):
        exact = {(a, b): 1 / size**2 for a in range(size) for b in range(size)}
        assert divergence(pairs, exact) < most_divergence(size**2 - 1)


BLIND = Chain(np.array([[0, 0, 1], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]), np.array([0.5, 0, 0.5]))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((ROWS, 3, (0,)), {}, TypeError, "chain must be a simulate.sequences.Chain, got array"),
        ((UNEVEN, 1, (0,)), {}, ValueError, "T must be an integer >= 2, got 1"),
        ((UNEVEN, 3, ()), {}, ValueError, r"triggers must be distinct .* one or more, .*got \(\)"),
        ((UNEVEN, 3, (1, 2, 1)), {}, ValueError, r"triggers must be distinct .* got \(1, 2, 1\)"),
        ((UNEVEN, 3, (1, 4)), {}, ValueError, r"triggers must be distinct tokens in 0..3.* got \(1, 4\)"),
        ((UNEVEN, 3, (1, 2), 0.1, 2), {}, ValueError, r"triggers must be .* without τ = 2, got \(1, 2\)"),
        ((UNEVEN, 3, (-1,)), {}, ValueError, r"triggers\[0\] must be an integer >= 0, got -1"),
        ((UNEVEN, 3, (1.0,)), {}, TypeError, r"triggers\[0\] must be an integer >= 0, got 1.0"),
        ((UNEVEN, 3, {1}), {}, TypeError, "triggers must be a sequence or an integer >= 1, got {1}"),
        ((UNEVEN, 3, 5), {}, ValueError, "triggers must be at most 4, the ordinary tokens, got 5"),
        ((UNEVEN, 3, 4, 0.1, 2), {}, ValueError, "triggers must be at most 3, the ordinary tokens, got 4"),
        ((NO_ZERO_FIRST, 3, 3, 0.1, 2), {}, ValueError, "triggers must be at most 2, the ordinary tokens, got 3"),
        ((UNEVEN, 3, (0,), 0.1), {}, ValueError, "noise must be a token where alpha > 0, got None and alpha = 0.1"),
        ((UNEVEN, 3, (0,), 0.1, 4), {}, ValueError, "noise must be a token in 0..3, got 4"),
        ((UNEVEN, 3, (0,), 0.1, 1.0), {}, TypeError, "noise must be an integer >= 0 or None, got 1.0"),
        ((UNEVEN, 3, (0,), 1.1, 1), {}, ValueError, r"alpha must be a real number in \[0, 1\], got 1.1"),
        ((UNEVEN, 3, (0,)), {"outputs": "even"}, ValueError, "outputs must be 'uniform' or 'chain', got 'even'"),
        ((BLIND, 3, (0,), 0.1, 2), {"outputs": "chain"}, ValueError, "outputs must have a law .* holds τ alone"),
    ],
)
def test_a_law_that_cannot_be_is_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        Recall(*arguments, **options)


def test_a_row_of_noise_alone_is_no_obstacle_to_uniform_outputs():
    assert (Recall(BLIND, 3, (0,), 0.1, 2).sample(50, seed=0).answers[:, 0] < 2).all()


def test_the_task_refuses_more_triggers_than_ordinary_tokens():
    with pytest.raises(ValueError, match="count must be at most N = 3 triggers, got 4"):
        Recall.of_task(Task(3, 5, 0.3), count=4)
    for count, error in BAD_COUNTS:
        with pytest.raises(error, match="count must be an integer >= 1"):
            Recall.of_task(Task(3, 5, 0.3), count=count)


@pytest.mark.parametrize(("batch", "error"), BAD_COUNTS)
def test_batch_is_a_count(batch, error):
    with pytest.raises(error, match="batch must be an integer >= 1"):
        LAWS["task"].sample(batch, seed=0)


@pytest.mark.parametrize("name", ["seed", "index"])
@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_seed_and_index_are_not_negative(name, value, error):
    with pytest.raises(error, match=f"{name} must be an integer >= 0, got {value}"):
        LAWS["task"].sample(3, **({"seed": 0} | {name: value}))


def test_a_batch_beyond_memory_is_refused():
    with pytest.raises(ValueError, match=f"batch = {10**13} sequences of T = 3 tokens take .* use a smaller batch"):
        LAWS["task"].sample(10**13, seed=0)
