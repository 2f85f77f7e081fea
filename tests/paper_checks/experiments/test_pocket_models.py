"""What is asked of pocket Pythia, on tiny models: cuts are truncated models, best cells those of whole sweeps."""

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.evidence import DEFAULT_SEED as SEED
from paper_checks.experiments import pocket_models as models
from paper_checks.experiments.language import METRICS, ModelSweep, attention_cells, chosen, encoded_sets, load
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs.runner import Here, running
from paper_checks.jobs.values import decode, encode
from simulate.laser.reduction import truncated
from simulate.laser.sweeps import sweep
from simulate.pocket.shipped import pocket_folders
from simulate.prompts.tokens import measure
from tests.oracles.language_numbers import prompted_model

CLOSE = {"rtol": 1e-4, "atol": 1e-6}
"""Roundings of float32: sums over batches of other sizes."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The cuts of a tiny model, and the model."""
    root = tmp_path_factory.mktemp("pocket")
    prompted_model(root / "seed-1" / "step-9", 3)
    with pytest.MonkeyPatch.context() as monkeypatch, running(Here()):
        monkeypatch.setattr(models, "pocket_folders", lambda: pocket_folders(root))
        yield models.pocket_cuts(1, 9, SEED), load(models.source(1, 9))


def test_cuts_are_truncated_models(found):
    cuts, loaded = found
    sets = encoded_sets(SEED, loaded.tokenizer, CLAIMED)
    for label, choice in models.choices(loaded.model).items():
        made = truncated(loaded.model, choice)
        for name, encoded in sets.items():
            after, before = (measure(model, encoded) for model in (made, loaded.model))
            for metric in METRICS:
                expected = getattr(after, metric) - getattr(before, metric)
                np.testing.assert_allclose(cuts.changes[label][name][metric], expected, **CLOSE)


def test_best_cells_are_those_of_whole_sweeps(found):
    """Which try every cell on both halves."""
    cuts, loaded = found
    attention = swept(loaded, CLAIMED, models.ATTENTION)
    for name in CLAIMED:
        for where in models.LAYERS:
            same(cuts.attention[name][where], chosen(attention, attention_cells(attention, where), name))
    names = swept(loaded, ("names",), ("mlp_in",))
    same(cuts.names, chosen(names, names.late("mlp_in"), "names"))


def swept(loaded, names, roles):
    """Every cell of these roles, on all prompts."""
    sets = encoded_sets(SEED, loaded.tokenizer, names)
    made = sweep(loaded.model, sets, roles=roles, ranks=models.RANKS, progress=False)
    return ModelSweep("", "", loaded.model.config.num_hidden_layers, made)


def same(one, other):
    assert one.cell == other.cell
    for metric in METRICS:
        np.testing.assert_allclose(one.changes[metric], other.changes[metric], **CLOSE)


def test_cuts_go_to_bytes_and_back(found):
    cuts, _ = found
    again = decode(encode(cuts))
    assert again.names.cell == cuts.names.cell
    assert np.array_equal(again.changes["rest"]["facts"]["answer"], cuts.changes["rest"]["facts"]["answer"])


def test_a_training_seed_without_models_is_refused(found):
    assert models.pocket_models([1]) == models.pocket_models([1], 9) == [(1, 9)]
    for seeds, step, which in (([1, 4], 9, "4 of pocket Pythia after 9 updates"), ([4], None, "4 of pocket Pythia")):
        with pytest.raises(ValueError, match=f"training seed {which} must be shipped, it is not"):
            models.pocket_models(seeds, step)
