"""The probes refuse models, batches, marks and chains that do not fit, and name them."""

import numpy as np
import pytest
import torch

from simulate import (
    Architecture,
    Chain,
    Recall,
    answers,
    attention_on_answers,
    bigram_divergence,
    initialised,
    memory_recall,
    previous_token_attention,
)

from .recall_batches import BATCH, CHAIN, M, T, drawn, random_model

BATCH_AT = drawn("two fixed triggers")
PROBES = {
    "answers": lambda model, batch, at: answers(model, batch, at),
    "attention on answers": lambda model, batch, at: attention_on_answers(model, batch, at),
    "previous tokens": lambda model, batch, at: previous_token_attention(model, batch),
    "memory": lambda model, batch, at: memory_recall(model),
    "bigrams": lambda model, batch, at: bigram_divergence(model, batch, CHAIN),
}


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("model", [None, torch.nn.Linear(3, 5)], ids=lambda model: type(model).__name__)
def test_what_is_no_transformer_is_refused(probe, model):
    with pytest.raises(TypeError, match=f"model must be a .*Transformer, got .*{type(model).__name__}"):
        PROBES[probe](model, *BATCH_AT)


@pytest.mark.parametrize("probe", sorted(set(PROBES) - {"memory"}))
def test_longer_sequences_than_the_models_are_refused(probe):
    model = initialised(Architecture(M, T - 2, 13), seed=0)
    with pytest.raises(ValueError, match=r"tokens must have shape .* t in 1\.\.17, .*got \(11, 19\)"):
        PROBES[probe](model, *BATCH_AT)


@pytest.mark.parametrize("probe", ["answers", "attention on answers"])
def test_marks_must_be_of_triggers(probe):
    batch, at = BATCH_AT
    call, model = PROBES[probe], random_model()
    call(model, batch, batch.correct >= 0)
    one_more = at.clone()
    one_more[tuple((batch.correct < 0).nonzero()[4])] = True
    with pytest.raises(ValueError, match="at must mark positions that hold a trigger, got one that does not"):
        call(model, batch, one_more)
    with pytest.raises(ValueError, match="at must mark at least one position, got none"):
        call(model, batch, at & ~at)
    with pytest.raises(ValueError, match=r"at must have the shape of tokens, \(11, 19\), got \(11, 18\)"):
        call(model, batch, at[:, 1:])
    with pytest.raises(TypeError, match=r"at must be a bool tensor, got torch\.int64"):
        call(model, batch, at.long())


def test_divergence_needs_a_position_without_a_trigger():
    batch = Recall(CHAIN, T, M, outputs="chain").sample(BATCH, seed=1)
    assert (batch.correct >= 0).all()
    with pytest.raises(ValueError, match="at must mark at least one position, got none"):
        bigram_divergence(random_model(), batch, CHAIN)


def test_batch_and_chain_must_fit_the_model():
    model, (batch, at) = random_model(), BATCH_AT
    other = initialised(Architecture(M + 1, T, 13), seed=0)
    for probe in sorted(set(PROBES) - {"memory"}):
        with pytest.raises(ValueError, match=f"batch must be over {M + 1} tokens, got {M}"):
            PROBES[probe](other, batch, at)
        with pytest.raises(TypeError, match=r"batch must be a simulate\.sequences\.RecallBatch, got tensor"):
            PROBES[probe](model, batch.tokens, at)
    with pytest.raises(ValueError, match=f"chain must be over {M} tokens, got 2"):
        bigram_divergence(model, batch, Chain(np.full((2, 2), 0.5)))
    with pytest.raises(TypeError, match=r"chain must be a simulate\.sequences\.Chain, got array"):
        bigram_divergence(model, batch, CHAIN.transition)
