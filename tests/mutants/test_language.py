"""Wrong experiments on pocket Pythia turn P1-P5 red: other tokens, other matrices, other parts, other records.

Each mutant runs on one of the training seeds that were seen; `test_pocket_thresholds` has the right experiments, which
pass on all three. The names of MUTANTS are those of `catches` in the ledger.
"""

import copy
from dataclasses import replace

import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.claims.p import test_pocket as checks
from paper_checks.experiments import language as experiments
from paper_checks.experiments import pocket, pocket_models
from paper_checks.project import load_claims
from simulate.laser.reduction import Choice
from simulate.pocket.shipped import EARLY, EXPLORED, pocket_record
from tests.paper_checks.experiments import explored

SEED = EXPLORED[:1]
INPUT = [(checks.test_last_input_matrix, name) for name in explored.CLAIMED]
OUTPUT = [(checks.test_last_output_matrix, name) for name in explored.CLAIMED]
RECORD = (checks.test_what_was_recorded_is_what_the_models_answer, None)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Cells of the last layer at one rank, which is where the effect is."""
    original = pocket_models.sweep

    def short(model, prompts, **options):
        return original(model, prompts, **options | {"layers": (5,), "ranks": (pocket_models.RANK,)})

    explored.in_this_process(monkeypatch)
    monkeypatch.setattr(pocket_models, "sweep", short)
    attention_cells = pocket_models.attention_cells
    monkeypatch.setattr(
        pocket_models, "attention_cells", lambda found, where: attention_cells(found, where) or attention_cells(found)
    )


def caught(claim, check, name=None, seeds=SEED):
    with pytest.raises(AssertionError, match=claim):
        explored.run(check, claim, seeds, name)


def passes(claim, check, name=None):
    explored.run(check, claim, SEED, name)


def test_the_right_experiments_pass():
    """So that the reds below come from the mutants."""
    for claim, several in explored.CHECKS.items():
        for check, name in several:
            passes(claim, check, name)
    passes("P3", *RECORD)


def changed_prompts(monkeypatch, change):
    original = experiments.prompt_sets

    def sets(base_seed):
        return {name: tuple(map(change, prompts)) for name, prompts in original(base_seed).items()}

    monkeypatch.setattr(experiments, "prompt_sets", sets)


def changed_record(monkeypatch, change):
    record = copy.deepcopy(pocket_record())
    for history in record["history"].values():
        for seen in history:
            change(seen)
    for module in (pocket, pocket_models):
        monkeypatch.setattr(module, "pocket_record", lambda: record)


def other_distractor(monkeypatch):
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, answer=prompt.distractor, distractor=prompt.answer))


def the_for_the_answer(monkeypatch):
    changed_prompts(
        monkeypatch, lambda prompt: replace(prompt, answer=prompt.distributional, distributional=prompt.answer)
    )

    def exchanged(seen):
        for name in explored.CLAIMED:
            one, two = f"{name} answer", f"{name} distributional"
            seen[one], seen[two] = seen[two], seen[one]

    changed_record(monkeypatch, exchanged)


def times_tied(monkeypatch):
    def tied(seen):
        for name in explored.CLAIMED:
            seen[f"{name} distributional"] = seen[f"{name} answer"]

    changed_record(monkeypatch, tied)


def no_truncation(monkeypatch):
    monkeypatch.setattr(pocket_models, "read_choices", lambda model, prompts, choices, whole: [whole] * len(choices))


def other_input(choice):
    def mutant(monkeypatch):
        original = pocket_models.choices
        monkeypatch.setattr(pocket_models, "choices", lambda model: original(model) | {"input": choice})

    return mutant


def feed_forward_for_attention(monkeypatch):
    monkeypatch.setattr(pocket_models, "ATTENTION", ("mlp_in",))
    monkeypatch.setattr(pocket_models, "attention_cells", lambda found, where: found.late("mlp_in"))


another_matrix = other_input(Choice("attention_out", -1, pocket_models.RANK))
MUTANTS = {
    "answer and distractor exchanged": (other_distractor, {"P1": explored.CHECKS["P1"], "P2": explored.CHECKS["P2"]}),
    '" the" and answer exchanged': (
        the_for_the_answer,
        {claim: explored.CHECKS[claim] for claim in ("P1", "P2", "P3")} | {"P4": INPUT + OUTPUT},
    ),
    "times tied": (times_tied, {"P3": explored.CHECKS["P3"]}),
    "no truncation": (no_truncation, {"P4": INPUT + OUTPUT, "P5": explored.CHECKS["P5"]}),
    "rank 8 of another matrix": (another_matrix, {"P4": INPUT}),
    "feed-forward for attention": (feed_forward_for_attention, {"P5": explored.CHECKS["P5"]}),
}
"""What is changed, and by claim the checks that go red."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants(monkeypatch, mutant):
    change, claims = MUTANTS[mutant]
    change(monkeypatch)
    for claim, several in claims.items():
        for check, name in several:
            caught(claim, check, name)


def test_the_ledger_names_what_is_caught():
    expected = {claim: {name for name, (_, claims) in MUTANTS.items() if claim in claims} for claim in explored.CHECKS}
    assert {claim: set(load_claims()[claim].catches) for claim in explored.CHECKS} == expected


@pytest.mark.parametrize("word", [" his", " garden"])
def test_another_distributional_word(monkeypatch, word):
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, distributional=word))
    for check, name in explored.CHECKS["P1"] + OUTPUT:
        caught("P1" if name == "names" or check is checks.test_recall_competes_with_the else "P4", check, name)


def test_a_distractor_for_the_answer(monkeypatch):
    """LASER does not raise a wrong answer."""
    changed_prompts(monkeypatch, lambda prompt: replace(prompt, answer=prompt.distractor))
    for check, name in INPUT:
        caught("P4", check, name)


def test_an_early_checkpoint_for_the_last(monkeypatch):
    monkeypatch.setattr(pocket, "pocket_models", lambda seeds: pocket_models.pocket_models(seeds, EARLY))
    for claim, several in (("P1", explored.CHECKS["P1"]), ("P2", explored.CHECKS["P2"]), ("P4", INPUT)):
        for check, name in several:
            caught(claim, check, name)


@pytest.mark.parametrize(
    "choice",
    [
        Choice("mlp_in", 4, pocket_models.RANK),
        Choice("mlp_out", -1, pocket_models.RANK),
        Choice("attention_qkv", -1, 8),
    ],
)
def test_other_matrices(monkeypatch, choice):
    other_input(choice)(monkeypatch)
    for check, name in INPUT:
        caught("P4", check, name)


def test_top_and_bottom_of_the_output_matrix_exchanged(monkeypatch):
    original = pocket_models.choices

    def exchanged(model):
        found = original(model)
        return found | {"output": found["rest"], "rest": found["output"]}

    monkeypatch.setattr(pocket_models, "choices", exchanged)
    for check, name in OUTPUT:
        caught("P4", check, name)


def test_the_record_of_another_training(monkeypatch):
    """The last recorded means of one training are not those of another model."""
    record = pocket_record()
    record["history"]["1"] = record["history"]["2"]
    for module in (pocket, pocket_models):
        monkeypatch.setattr(module, "pocket_record", lambda: record)
    caught("P3", *RECORD)


def test_the_earlier_share_of_an_input_matrix_that_does_nothing_is_no_success():
    """Where the input matrix does not help, attention's share of it is infinite, on the wrong side."""
    (found,) = pocket.cuts(SEED, explored.SEED)
    still = {"input": {"recall": {"answer": 0 * found.changes["input"]["recall"]["answer"]}}}
    best = found.attention["recall"]["late"]
    ratio, _ = pocket.share_of_input(replace(found, changes=still), best, "recall", "answer")
    assert ratio == float("inf")
