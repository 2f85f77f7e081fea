"""Wrong experiments on pocket Pythia turn P1-P5 red: other tokens, other matrices, other parts, other checkpoints."""

from dataclasses import replace
from functools import partial

import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from mutation import caught, recorder

from paper_checks import language_experiments as experiments
from paper_checks import test_p_language_models as checks
from paper_checks.recorder import Recorder
from simulate import laser_sweep
from simulate.laser import Choice, Laser
from simulate.pocket import EARLY

SMALL = {"layers": (5,), "ranks": (0, 1, 2, 4)}  # where the last layer's effect is: a second for each model


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sweeps of the last layer, in this process, and nothing remembered from one test to the next."""

    def swept(sources, base_seed, plan):
        return [experiments.swept(source, base_seed, plan) for source in sources]

    monkeypatch.setattr(experiments, "sweep", partial(laser_sweep.sweep, **SMALL))
    monkeypatch.setattr(experiments, "sweeps", swept)
    for cached in (experiments.answered, experiments.last_output_change):
        cached.cache_clear()
    yield
    for cached in (experiments.answered, experiments.last_output_change):
        cached.cache_clear()


def named(check, claim, name=None):
    """The check on a recorder of its claim, as a function of nothing that `caught` would give."""
    options = {} if name is None else {"name": name}
    return lambda _: check(Recorder(claim, recorder().base_seed, []), experiments, **options)


P1 = named(checks.test_recall_competes_with_the, "P1", "recall")
P2 = named(checks.test_facts_compete_with_the, "P2")
P3 = [
    named(check, "P3", name)
    for check in (checks.test_the_rises_first, checks.test_order_along_checkpoints)
    for name in checks.SETS
]
P4 = [named(checks.test_late_input_matrices, "P4", name) for name in checks.SETS]
P4_NAMES = named(checks.test_names_from_other_sentences, "P4")
P4_OUTPUT = [named(checks.test_last_output_matrix, "P4", name) for name in checks.SETS]
P5 = [named(checks.test_late_attention_matrices, "P5", name) for name in checks.SETS]


def test_the_right_experiments_pass():
    """So that the reds below come from the mutants."""
    for check in (P1, P2, *P3, *P4, P4_NAMES, *P4_OUTPUT, *P5):
        check(None)


def changed_prompts(monkeypatch, change):
    original = experiments.prompt_sets

    def sets(base_seed):
        return {name: tuple(map(change, prompts)) for name, prompts in original(base_seed).items()}

    monkeypatch.setattr(experiments, "prompt_sets", sets)


def test_answer_and_distractor_exchanged(monkeypatch):
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, answer=prompt.distractor, distractor=prompt.answer))
    for check in (P1, P2):
        caught(check)


@pytest.mark.parametrize("word", [" his", " to", " garden"])
def test_another_distributional_word(monkeypatch, word):
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, distributional=word))
    for check in (P1, P2, *P4_OUTPUT):
        caught(check)


def test_a_distractor_for_the_answer(monkeypatch):
    """LASER does not raise a wrong answer, and none rises after the early checkpoint."""
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, answer=prompt.distractor))
    for check in (*P4[1:], *P3[:2]):
        caught(check)


def test_checkpoints_exchanged(monkeypatch):
    """Early for late: "the" is not there first."""
    original = experiments.pocket_sources
    monkeypatch.setattr(experiments, "pocket_sources", lambda step=None: original(None if step == EARLY else EARLY))
    for check in P3[:2]:
        caught(check)


def test_an_early_checkpoint_for_the_last(monkeypatch):
    original = experiments.pocket_sources
    monkeypatch.setattr(experiments, "pocket_sources", lambda step=None: original(EARLY))
    for check in (P1, *P3[:2], *P4):
        caught(check)


def test_another_matrix(monkeypatch):
    """The attention's output matrix in place of the MLP's input matrix."""
    weights = Laser.weights

    def other(self, role, layer, rank=None, **options):
        return weights(self, "attention_out", layer, rank, **options)

    monkeypatch.setattr(Laser, "weights", other)
    for check in P4:
        caught(check)


def test_the_other_part(monkeypatch):
    """The smallest singular directions in place of the largest: the input matrix has " the" in them, the output not."""
    weights = Laser.weights

    def bottom(self, role, layer, rank=None, **options):
        return weights(self, role, layer, 128 - rank, keep="bottom")

    monkeypatch.setattr(Laser, "weights", bottom)
    for check in P4:
        caught(check)


def test_top_and_bottom_of_the_output_matrix_exchanged(monkeypatch):
    def exchanged(role, layer, rank, keep="top"):
        return Choice(role, layer, 128 - rank, keep={"top": "bottom", "bottom": "top"}[keep])

    monkeypatch.setattr(experiments, "Choice", exchanged)
    for check in P4_OUTPUT:
        caught(check)


def test_feed_forward_for_attention(monkeypatch):
    """P5 is red if the attention's cells are the MLP's."""
    monkeypatch.setattr(experiments, "attention_cells", lambda swept, layers: swept.late("mlp_in"))
    for check in P5:
        caught(check)
