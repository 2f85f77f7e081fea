"""B4, B5, B6: training builds the induction head; global bigrams come first, and the data law sets the speed.

Every training seed has its own chain, weights, batches and test sequences; rule and thresholds are in the ledger.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import birth as experiments
from paper_checks.experiments.trainings.settings import MemorySetting, birth, data_law, short_sequences, sparse_chain
from paper_checks.experiments.trainings.statements import Over
from paper_checks.jobs import Job
from simulate import Architecture, Transformer, memory_recall
from simulate.runtime.arrays import Floats
from simulate.sequences.chains import Chain
from simulate.sequences.shakespeare import shakespeare_chain
from simulate.transformer.interventions import with_weights
from simulate.transformer.plan import LossOn


def over_seeds(claim: Assertions, setting: MemorySetting, device: str) -> Over:
    """Makes of numbers of trainings what `claim.replicated` asks for: those of the first n seeds of a setting."""
    return lambda numbers: lambda count: numbers(experiments.runs(claim, setting, count, device))


def first_look(claim: Assertions, scale: str, asked: experiments.Asked) -> list[Job]:
    """At desk scale; at the paper's own, where a training takes hours, each is asked for when its turn comes."""
    return experiments.first_look(claim, asked) if scale == "desk" else []


def every_token(claim: Assertions, scale: str) -> list[Job]:
    """What B4 asks first."""
    return first_look(claim, scale, {birth(scale): []})


@pytest.mark.claims("B4")
@pytest.mark.jobs.with_args(every_token)
def test_bigrams_before_recall(claim: Assertions, scale: str, device: str) -> None:
    """The loss on global bigrams falls first, that on answers several times later, each measured by its whole fall."""
    experiments.bigrams_first(claim, over_seeds(claim, birth(scale), device))


def by_the_loss(claim: Assertions, scale: str, loss_on: LossOn) -> list[Job]:
    """What B5 asks first of long sequences."""
    return first_look(claim, scale, {birth(scale, loss_on=loss_on): []})


def in_short_sequences(claim: Assertions, scale: str) -> list[Job]:
    """What B5 asks first of short ones."""
    return first_look(claim, scale, {short_sequences(): []})


@pytest.mark.claims("B5")
def test_the_probes_count_memories(claim: Assertions) -> None:
    """Of a model whose matrices hold 3, 2 and 4 of their memories and nothing else of use, so many are counted."""
    M, T, identity = 5, 7, torch.eye(12, dtype=torch.float64)
    tokens, positions = identity[:M], identity[M:]
    wrong = torch.roll(tokens, 1, 0)
    weights = {"E": tokens, "P": positions, "U": tokens, "W_V1": identity, "W_O1": identity, "W_V2": identity}
    for name, right in (("W_O2", 3), ("W_K2", 2)):
        weights[name] = torch.cat([tokens[:right], wrong[right:]]).T @ tokens
    looked = torch.cat([positions[:1], positions[:4], positions[5:]])  # t >= 2 at t-1 for four, else at itself
    weights["W_K1"] = positions.T @ looked
    model = with_weights(Transformer(Architecture(M, T, 12), dtype=torch.float64), weights)
    counts = {"W_O2": M, "W_K2": M, "W_K1": T - 1}
    found = [round(share * counts[name]) for name, share in memory_recall(model).items()]
    claim.equal("memories of W_O², W_K² and W_K¹", [3, 2, 4], found)


@pytest.mark.claims("B5")
def test_first_tokens_are_stationary(claim: Assertions) -> None:
    """The chain leaves the law of the first token as it is, entry by entry: the sparse bigrams, tiny Shakespeare's."""
    shakespeare = shakespeare_chain().chain.transition
    because = "state reduction subtracts nothing: some M² roundings of 2^-53 of each entry"
    for name, chain in (("sparse bigrams", sparse_chain(8, 4, 1)), ("tiny Shakespeare", Chain(shakespeare))):
        first = np.asarray(chain.initial)
        claim.close(f"first token of {name}", first, first @ chain.transition, 1e-12, because)


@pytest.mark.claims("B5")
@pytest.mark.jobs.with_args(by_the_loss)
@pytest.mark.parametrize("loss_on", ["every", "recall"])
def test_memories_rise_in_order(claim: Assertions, scale: str, device: str, loss_on: LossOn) -> None:
    """In long sequences W_O², W_K² and W_K¹ are half-way from their first value to 1 in this order."""
    experiments.memories_in_order(claim, over_seeds(claim, birth(scale, loss_on=loss_on), device), loss_on)


@pytest.mark.claims("B5")
@pytest.mark.jobs.with_args(in_short_sequences)
def test_order_in_short_sequences(claim: Assertions, device: str) -> None:
    """With fewer positions than tokens W_O² is still half-way before W_K², but W_K¹ before W_K² on more than a tenth of
    the seeds: what holds of nine tenths in long sequences does not hold here."""
    over = over_seeds(claim, short_sequences(), device)
    outputs = over(partial(experiments.before, first="W_O2", second="W_K2"))
    claim.replicated("W_O² half-way before W_K², T < M", "outputs_first", +1, outputs)
    reversed_keys = over(partial(experiments.before, first="W_K1", second="W_K2"))
    claim.replicated("W_K¹ half-way before W_K², T < M", "reversed", +1, reversed_keys, side="beyond")


def seldom(scale: str) -> tuple[int, int, int]:
    """Places of rare triggers; the rarest characters of tiny Shakespeare hardly occur."""
    return (5, 6, 7) if scale == "desk" else (20, 21, 22)


Numbers = Callable[[int], Floats]


def recall_of(claim: Assertions, scale: str, device: str) -> Callable[..., Numbers]:
    """Recall after training on a data law, over the seeds: on that law, or on another one."""

    def recall(law: dict[str, Any], other: dict[str, Any] | None = None, new: bool = False) -> Numbers:
        tested = None if other is None else data_law(scale, **other)
        over = over_seeds(claim, data_law(scale, **law), device)
        numbers: Numbers = over(partial(experiments.recalled, law=tested, new=new))
        return numbers

    return recall


def less(more: Numbers, fewer: Numbers) -> Numbers:
    """By which share of the first the second is less, over the seeds."""
    return lambda count: 1 - fewer(count) / more(count)


FIXED: dict[str, Any] = {"triggers": (0, 1, 2)}
"""Frequent triggers."""
BIGRAM: dict[str, Any] = {"outputs": "chain"}


def frequencies(claim: Assertions, scale: str) -> list[Job]:
    """What `test_trigger_frequency_and_number` asks first."""
    return laws_asked(
        claim, scale, *(({"triggers": triggers}, []) for triggers in (FIXED["triggers"], seldom(scale), 3, 1))
    )


def of_fixed_triggers(claim: Assertions, scale: str) -> list[Job]:
    """What `test_fixed_against_random_triggers` asks first."""
    return laws_asked(claim, scale, (FIXED, [({}, True)]), ({}, [(FIXED, False)]))


def of_bigram_outputs(claim: Assertions, scale: str) -> list[Job]:
    """What `test_uniform_against_bigram_outputs` asks first."""
    return laws_asked(claim, scale, (BIGRAM, [({}, False)]), ({}, [(BIGRAM, False)]))


def laws_asked(
    claim: Assertions, scale: str, *laws: tuple[dict[str, Any], list[tuple[dict[str, Any], bool]]]
) -> list[Job]:
    """Trainings on data laws, recall on each of them and on others."""
    asked = {
        data_law(scale, **law): [(data_law(scale, **other), new) for other, new in ((law, False), *others)]
        for law, others in laws
    }
    return first_look(claim, scale, asked)


@pytest.mark.claims("B6")
@pytest.mark.jobs.with_args(frequencies)
def test_trigger_frequency_and_number(claim: Assertions, scale: str, device: str) -> None:
    """After the same number of updates frequent triggers are recalled more than rare ones, three more than one."""
    recall = recall_of(claim, scale, device)
    frequent, rare = recall(FIXED), recall({"triggers": seldom(scale)})
    claim.replicated("share by which rare triggers are recalled less", "frequency", +1, less(frequent, rare))
    three, one = (recall({"triggers": count}) for count in (3, 1))
    claim.replicated("share by which one trigger is recalled less than three", "number", +1, less(three, one))


@pytest.mark.claims("B6")
@pytest.mark.jobs.with_args(of_fixed_triggers)
def test_fixed_against_random_triggers(claim: Assertions, scale: str, device: str) -> None:
    """On the same fixed triggers the model trained on them alone recalls more than one trained on random ones; of other
    triggers it recalls little, the other one much."""
    recall = recall_of(claim, scale, device)
    own, general = recall(FIXED), recall({}, other=FIXED)
    claim.replicated("recall of fixed triggers, trained on them less on random ones", "fixed", +1,
                     lambda count: own(count) - general(count))  # fmt: skip
    new = recall(FIXED, other={}, new=True)
    claim.replicated(
        "share of recall lost on triggers not trained on", "lost_triggers", +1, less(own, new), side="beyond"
    )


@pytest.mark.claims("B6")
@pytest.mark.jobs.with_args(of_bigram_outputs)
def test_uniform_against_bigram_outputs(claim: Assertions, scale: str, device: str) -> None:
    """Trained on bigram outputs the model loses a part of its recall on uniform ones; trained on uniform outputs it
    loses next to none on bigram ones."""
    recall = recall_of(claim, scale, device)
    own, uniform = recall(BIGRAM), recall(BIGRAM, other={})
    claim.replicated("share of recall lost on uniform outputs", "lost_outputs", +1, less(own, uniform), side="beyond")
    plain, other = recall({}), recall({}, other=BIGRAM)
    name = "recall of bigram outputs less that of uniform ones"
    claim.replicated(name, "kept", +1, lambda count: other(count) - plain(count))
