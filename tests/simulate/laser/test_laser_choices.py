"""LASER's new models: nothing shared with the old, choices in any order, one decomposition for all ranks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from simulate import truncation
from simulate.laser.reduction import Choice, Laser, truncated
from simulate.laser.roles import ROLES
from tests.oracles.laser import (
    LAYERS,
    PLACES,
    model_of,
    same,
    state,
    tokens,
)

every_model = pytest.mark.parametrize("name", PLACES)


@every_model
def test_the_new_model_shares_nothing_and_the_old_one_stays(name):
    model = model_of(name)
    model.requires_grad_(False)
    model.lm_head.requires_grad_(True)
    before = state(model)
    made = truncated(model, Choice("mlp_in", 0, 2), Choice("attention_qkv", 1, 2))
    places = [{w.untyped_storage().data_ptr() for w in (*m.parameters(), *m.buffers())} for m in (model, made)]
    assert type(made) is type(model) and made.config is not model.config and not places[0] & places[1]
    assert [w.requires_grad for w in made.parameters()] == [w.requires_grad for w in model.parameters()]
    made.requires_grad_(True).train()
    old = state(made)
    optimiser = torch.optim.SGD(made.parameters(), lr=0.1)
    made(tokens(), labels=tokens()).loss.backward()
    optimiser.step()
    assert all(not torch.equal(old[key], weight) for key, weight in state(made).items() if "mlp" in key)
    assert same(before, state(model)) and all(w.grad is None for w in model.parameters()) and not model.training


def test_tied_embeddings_stay_tied():
    model = model_of("llama", tie_word_embeddings=True)
    made = truncated(model, Choice("mlp_in", 0, 2))
    assert made.lm_head.weight is made.model.embed_tokens.weight is not model.lm_head.weight


@given(data=st.data())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_choices_compose_in_any_order(data):
    """Together, in another order, and one after the other: the same bits."""
    name = data.draw(st.sampled_from(sorted(PLACES)))
    wanted = st.tuples(st.sampled_from(ROLES), st.integers(0, LAYERS - 1))
    chosen = [
        Choice(role, layer, data.draw(st.integers(0, 5)), keep=data.draw(st.sampled_from(("top", "bottom"))))
        for role, layer in data.draw(st.lists(wanted, min_size=2, max_size=5, unique=True))
    ]
    model = model_of(name)
    together = state(truncated(model, *chosen))
    assert same(together, state(truncated(model, *data.draw(st.permutations(chosen)))))
    for choice in chosen:
        model = truncated(model, choice)
    assert same(together, state(model))


def test_no_choice_is_a_copy():
    model = model_of("neox")
    assert same(state(truncated(model)), state(model)) and truncated(model) is not model


@every_model
def test_one_decomposition_serves_every_rank(name, monkeypatch):
    count, decomposition = [], truncation.singular_factors
    monkeypatch.setattr(truncation, "singular_factors", lambda matrix: count.append(1) or decomposition(matrix))
    laser = Laser(model_of(name))
    for rank in (1, 2, 3):
        laser.truncated([Choice("attention_qkv", 0, rank), Choice("mlp_out", -1, rank, keep="bottom")])
        laser.weights(Choice("key", 0, rank))
    assert len(count) == 4


def test_a_matrix_that_has_changed_is_decomposed_anew():
    model, other = model_of("neox"), model_of("neox", seed=5)
    laser, chosen = Laser(model), [Choice("attention_qkv", 0, 2), Choice("mlp_in", 1, 2)]
    laser.truncated(chosen)
    model.load_state_dict(other.state_dict())
    assert same(state(laser.truncated(chosen)), state(truncated(other, *chosen)))
    model.float()
    assert same(state(laser.truncated(chosen)), state(truncated(other.float(), *chosen)))


def test_a_bar_shows_the_progress(capsys):
    laser = Laser(model_of("neox"))
    laser.truncated([Choice("attention_qkv", 0, 1)])
    assert capsys.readouterr().err == ""
    laser.truncated([Choice("attention_qkv", 0, 1)], progress=True)
    assert "matrices" in capsys.readouterr().err
