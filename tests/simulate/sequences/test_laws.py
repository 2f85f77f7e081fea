"""Sequences of general laws: against enumeration, on both paths, at the edges; what a seed says; what is refused."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from simulate import (
    Batch,
    Chain,
    LawRecall,
    Recall,
    gradient_moments,
    key_query_moments,
    projected_moments,
    sample,
    sample_stream,
)
from simulate.sequences import blocks
from simulate.sequences import torch_sampling as torch_path
from simulate.sequences.chains import alias_table
from simulate.sequences.sources import as_source
from tests.oracles.simulate import enumerate_general_law
from tests.simulate.sequences.test_recall import counted, divergence, most_divergence
from theory import Law, Task

SAMPLES = 500_000
# Sixteenths, so that floats are exact.
ROWS = np.array([[1, 4, 8, 3], [6, 2, 0, 8], [5, 5, 3, 3], [2, 7, 6, 1]]) / 16
FIRST, ANSWERS, SPREAD = (np.array(shares) / 16 for shares in ([3, 1, 7, 5], [8, 0, 3, 5], [3, 4, 0, 9]))
GENERAL = Law(ROWS, T=4, trigger=1, alpha=0.375, first=FIRST, answers=ANSWERS, noise=SPREAD)
UNREACHED = np.array([[8, 0, 4, 4], [4, 4, 4, 4], [1, 0, 15, 0], [0, 0, 8, 8]]) / 16
PERIODIC = np.roll(np.eye(4), 1, axis=1)
LAWS = {
    "general": GENERAL,
    "no noise": replace(GENERAL, alpha=0.0),
    "nothing but noise": replace(GENERAL, alpha=1.0),
    "little noise": replace(GENERAL, alpha=2.0**-9),
    "one noise token in the middle": replace(GENERAL, noise=2),
    "the trigger is the noise": replace(GENERAL, noise=1),
    "the trigger is the only answer": replace(GENERAL, answers=np.eye(4)[1]),
    "uniform answers": replace(GENERAL, answers=None),
    "the trigger comes first": replace(GENERAL, first=np.eye(4)[1]),
    "the trigger is never reached": replace(GENERAL, chain=UNREACHED, first=np.array([8, 0, 8, 0]) / 16),
    "a periodic chain": replace(GENERAL, chain=PERIODIC, T=5),
    "an absorbing token": replace(GENERAL, chain=np.vstack([ROWS[:3], np.eye(4)[3]]), first=FIRST),
    "the shortest": replace(GENERAL, T=2),
    "two tokens": Law([[0.25, 0.75], [0.5, 0.5]], T=6, trigger=1, alpha=0.25, noise=[0.5, 0.5]),
    "the trigger is the last token": replace(GENERAL, trigger=3),
}


def numpy_batches(law):
    return sample_stream(law, SAMPLES, seed=5)


def torch_batches(law):
    source, rows = as_source(law), torch_path.torch_block_rows(law)
    for index in range(-(-SAMPLES // rows)):
        yield torch_path.draw_torch_block(source, 5, index, rows, torch.device("cpu"))


def frequencies(batches):
    parts = list(batches)
    return counted(*(np.concatenate([np.asarray(getattr(part, name)) for part in parts])
                     for name in ("correct", "target", "tokens")))  # fmt: skip


@pytest.mark.parametrize("batches", [numpy_batches, torch_batches])
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_sequences_have_the_exact_law(batches, law):
    """Correct token, target and sequence together; false alarm as `most_divergence` says."""
    exact = enumerate_general_law(law)
    assert divergence(frequencies(batches(law)), exact) < most_divergence(max(len(exact) - 1, 1))


def five_percent_more(shares):
    """The largest share 5 % larger, the others smaller in proportion."""
    largest = np.argmax(shares)
    more = shares * (1 - 1.05 * shares[largest]) / (1 - shares[largest])
    more[largest] = 1.05 * shares[largest]
    return more


@pytest.mark.parametrize("batches", [numpy_batches, torch_batches])
@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.375 * 1.05},
        {"first": five_percent_more(FIRST)},
        {"answers": five_percent_more(ANSWERS)},
        {"noise": five_percent_more(SPREAD)},
        {"chain": np.array([five_percent_more(row) for row in ROWS])},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_five_percent_are_seen(batches, changed):
    """The same numbers, and a law that is off: what the test above is worth."""
    law = replace(GENERAL, T=3)
    drawn, exact, wrong = frequencies(batches(law)), *map(enumerate_general_law, (law, replace(law, **changed)))
    most = most_divergence(len(exact) - 1)
    assert divergence(drawn, exact) < most < divergence(drawn, wrong)


def same(one, other):
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in ("tokens", "correct", "target"))


@pytest.mark.parametrize("task", [Task(8, 16, 0.5, 2), Task(5, 30, 0, 4), Task(3, 9, 1)], ids=str)
def test_the_law_of_a_task_has_the_task_s_numbers(task):
    assert as_source(Law.of_task(task)).walk is None
    assert same(sample(Law.of_task(task), 500, seed=3), sample(task, 500, seed=3))
    rows = np.random.default_rng(1).dirichlet(np.ones(task.M), task.M)
    chain, answers = Chain(rows, rows[0]), np.append(np.full(task.N, 1 / task.N), 0)
    law = Law(rows, T=task.T, trigger=task.q, alpha=float(task.alpha), first=rows[0], answers=answers, noise=task.tau)
    assert same(sample(law, 500, seed=3), sample(task, 500, seed=3, chain=chain))
    for layer in ("feed_forward", "attention_value"):
        one, other = gradient_moments(law, layer, 500, seed=3), gradient_moments(task, layer, 500, seed=3, chain=chain)
        assert np.array_equal(one.mean, other.mean) and np.array_equal(one.variance, other.variance)


NEAR = Law.of_task(Task(3, 4, Fraction(1, 2), 1))


@pytest.mark.parametrize(
    "law",
    [
        replace(NEAR, noise=0),
        replace(NEAR, answers=None),
        replace(NEAR, trigger=3),
        replace(NEAR, first=[1, 0, 0, 0]),
        replace(NEAR, chain=[[1, 0, 0, 0], *NEAR.chain[1:]]),
        replace(NEAR, chain=[*NEAR.chain[:3], [1, 0, 0, 0]]),
    ],
)
def test_a_law_that_is_nearly_a_task_s_is_drawn_as_it_is(law):
    """Each differs in one place from the law of a task: a law with tables of its own, and by the numbers too."""
    assert as_source(NEAR).walk is None and as_source(law).walk is not None
    exact = enumerate_general_law(law)
    assert divergence(frequencies(numpy_batches(law)), exact) < most_divergence(len(exact) - 1)


@pytest.mark.parametrize("law", [LAWS["general"], LAWS["one noise token in the middle"]], ids=["spread", "one token"])
def test_chunks_and_smaller_batches_are_parts_of_the_sample(law):
    law = replace(law, T=30_000)
    assert blocks.block_rows(law) == 8
    whole = sample(law, 21, seed=4)
    for chunk in (1, 5, 8, 20, None):
        chunks = list(sample_stream(law, 21, seed=4, chunk=chunk))
        joined = Batch(*(torch.cat([getattr(c, part) for c in chunks]) for part in ("tokens", "correct", "target")))
        assert same(joined, whole)
    small = sample(law, 11, seed=4)
    assert torch.equal(small.tokens, whole.tokens[:11]) and torch.equal(small.target, whole.target[:11])
    assert not torch.equal(sample(law, 11, seed=5).tokens, small.tokens)


def test_a_block_is_drawn_from_streams_of_its_own():
    """Correct tokens, targets, tokens, rebuilt token by token; after the trigger the outcome 4 is c."""
    law, rows = replace(GENERAL, T=12), 60
    streams = np.random.SeedSequence(entropy=8, spawn_key=(3,)).spawn(4)
    for_correct, for_target, for_tokens, _ = (np.random.Generator(np.random.SFC64(stream)) for stream in streams)

    def by_table(uniform, shares):
        cut, alias = alias_table(np.array(shares))
        k = int(len(cut) * uniform)
        return k if len(cut) * uniform < cut[k] else alias[k]

    def after_trigger(uniform, c):
        outcome = by_table(uniform, [*law.alpha * law.noise, 1 - law.alpha])
        return c if outcome == 4 else outcome

    correct = [by_table(uniform, law.answers) for uniform in for_correct.random(rows)]
    target = [after_trigger(uniform, c) for uniform, c in zip(for_target.random(rows), correct, strict=True)]
    tokens = np.full((rows, 12), law.q)
    for row, t in np.ndindex(rows, 11):
        uniform, before = for_tokens.random(), tokens[row, t - 1]
        if t > 0 and before == law.q:
            tokens[row, t] = after_trigger(uniform, correct[row])
        else:
            tokens[row, t] = by_table(uniform, law.first if t == 0 else law.chain[before])
    block = blocks.draw_block(as_source(law), 8, 3, rows)
    assert all(np.array_equal(a, b) for a, b in zip(block, (tokens, correct, target), strict=True))


def test_a_law_s_tables_are_made_once_and_forgotten_with_it():
    law = replace(GENERAL)
    assert as_source(law) is as_source(law) and as_source(replace(law)) is not as_source(law)
    assert (as_source(replace(law, alpha=0.5)).alpha, as_source(law).alpha) == (0.5, 0.375)


@pytest.mark.parametrize("chain", [None, Chain(ROWS, FIRST)], ids=["uniform", "general"])
def test_the_last_question_of_recall_is_a_batch(chain):
    task = Task(3, 6, 0.5, 1)
    recall = Recall.of_task(task, chain, count=2).sample(300, seed=2)
    batch = Batch.of_recall(recall)
    for row, (z, outputs) in enumerate(zip(recall.sequence.tolist(), recall.answers.tolist(), strict=True)):
        assert batch.tokens[row].tolist() == z[:6] and batch.target[row] == z[6]
        assert batch.correct[row] == outputs[z[5]] >= 0


@pytest.mark.parametrize("name", ["general", "one noise token in the middle", "the trigger is the noise"])
def test_the_last_question_of_a_law_s_recall_has_the_law(name):
    law = LAWS[name]
    exact = enumerate_general_law(law)
    batch = Batch.of_recall(LawRecall(law).sample(SAMPLES, seed=7))
    assert divergence(frequencies([batch]), exact) < most_divergence(len(exact) - 1)


def test_recall_without_a_last_question_is_refused():
    batch = Recall(Chain(ROWS), 5, (0,)).sample(40, seed=1)
    row = next(row for row, z in enumerate(batch.tokens.tolist()) if z[-1] != 0)
    token = int(batch.tokens[row, -1])
    with pytest.raises(ValueError, match=f"batch must end in a trigger everywhere, got the token {token} .* row {row}"):
        Batch.of_recall(batch)
    with pytest.raises(TypeError, match=r"batch must be a simulate\.sequences\.RecallBatch, got Batch"):
        Batch.of_recall(sample(GENERAL, 3, seed=0))


CALLS = {
    "sample": lambda law, **kw: sample(law, 10, seed=0, **kw),
    "sample_stream": lambda law, **kw: sample_stream(law, 10, seed=0, **kw),
    "gradient_moments": lambda law, **kw: gradient_moments(law, "feed_forward", 10, seed=0, **kw),
    "projected_moments": lambda law, **kw: projected_moments(law, "feed_forward", np.ones((4, 8)), 10, seed=0, **kw),
    "key_query_moments": lambda law, **kw: key_query_moments(law, np.ones((4, 8)), [0.25] * 4, 10, seed=0, **kw),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_law_has_its_own_chain(call):
    for chain in (ROWS, Chain(ROWS)):
        with pytest.raises(ValueError, match=r"chain must be None where a theory\.Law is given, .* got"):
            call(GENERAL, chain=chain)
    with pytest.raises(TypeError, match=r"task must be a theory\.Task or a theory\.Law, got array"):
        call(ROWS)
    call(GENERAL)
