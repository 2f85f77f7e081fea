"""The numbers of the pictures of language models, apart from the drawing: the claims' models, prompts and choices."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments import language as experiments
from paper_checks.experiments import pocket_models
from paper_checks.experiments.language import Source
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs.runner import Here, running
from paper_checks.pictures.language import data
from simulate.language.models import load_language_model
from simulate.laser.reduction import truncated
from simulate.laser.roles import ROLES
from simulate.laser.sweeps import Cell
from simulate.pocket.shipped import pocket_folders
from simulate.prompts.tokens import METRICS, encode, measure
from tests.oracles.language_numbers import (
    HELPS,
    STEPS,
    answers,
    changes,
    checkpoints,
    prompted_model,
    readings,
    sweep_cells,
)
from tests.oracles.picture_commands import command

main = command("draw", "language")
SEED = DEFAULT_SEED


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Tiny models of two training seeds, laid out as pocket Pythia: three checkpoints of seed 1, one of seed 2."""
    place = tmp_path_factory.mktemp("pocket")
    for number, (seed, step) in enumerate([(1, 0), (1, 4), (1, 9), (2, 4)]):
        prompted_model(place / f"seed-{seed}" / f"step-{step}", number)
    return place


@pytest.fixture
def pocket(root, monkeypatch):
    """Tiny models in place of those that are shipped."""
    for module in (data, pocket_models):
        monkeypatch.setattr(module, "pocket_folders", lambda: pocket_folders(root))
    with running(Here()):
        yield root


def test_sweep_is_of_the_last_checkpoint_and_the_prompts_of_the_claims(pocket):
    found = data.pocket_sweep("facts", SEED, 1)
    place = pocket / "seed-1" / "step-9"
    assert (found.swept.label, found.model) == ("seed 1, 9 updates", "Pocket Pythia, seed 1, 9 updates") and found.held
    loaded = load_language_model(place)
    encoded = encode(experiments.prompt_sets(SEED)["facts"], loaded.tokenizer)
    assert found.roles == ROLES and found.ranks == [0, 1, 2, 4, 8, 16]
    assert found.swept.sha256 == loaded.sha256
    for cell in (Cell(0, "mlp_in", 0), Cell(1, "attention_qkv", 4)):
        for model, seen in (
            (loaded.model, found.whole),
            (truncated(loaded.model, cell.choice), found.swept.sweep.cells[cell]["facts"]),
        ):
            expected = measure(model, encoded)
            for metric in METRICS:
                np.testing.assert_allclose(
                    getattr(seen, metric), getattr(expected, metric), rtol=1e-5, atol=1e-6
                )  # float32


def test_sweep_of_a_folder_is_that_of_the_same_pocket_model_and_has_no_path(pocket, root):
    found, same = (
        data.model_sweep("facts", SEED, str(root / "seed-2" / "step-4"), None),
        data.pocket_sweep("facts", SEED, 2),
    )
    assert (found.model, found.held) == ("step-4", False)
    np.testing.assert_allclose(
        found.changes("mlp_in", "answer"), same.changes("mlp_in", "answer"), rtol=1e-5, atol=1e-9
    )


def test_checkpoints_are_those_of_the_claim(pocket):
    found = data.pocket_checkpoints(SEED)
    expected = [pocket_models.pocket_answers(seed, step, SEED, CLAIMED) for seed, step in pocket_models.checkpoints()]
    assert (found.model, list(found.found), found.held) == ("Pocket Pythia, seed 1", [0, 4, 9], True)
    assert {seed: list(steps) for seed, steps in found.others.items()} == {2: [4]}
    for one, other in zip(found.found.values(), expected, strict=True):
        assert one.sha256 == other.sha256
        for name in ("recall", "facts"):
            assert one.sets[name].answer.tolist() == other.sets[name].answer.tolist()
    assert len({one.sha256 for one in [*found.found.values(), found.others[2][4]]}) == 4


def test_checkpoints_of_a_model_are_its_revisions_in_order(monkeypatch):
    asked = []
    monkeypatch.setattr(data, "answered", lambda *given: asked.append(given) or answers(0.1, 0.2, str(len(asked))))
    found = data.model_checkpoints(5, "org/name", ["step64", "step0", "step9"])
    assert asked == [(Source("org/name", f"step{n}", f"org/name@step{n}"), 5, "auto", CLAIMED) for n in (0, 9, 64)]
    assert (list(found.found), found.model, found.held, found.others) == ([0, 9, 64], "org/name", False, {})


@pytest.mark.parametrize("given", [["step1"], ["step1", "step1"], ["step1", "main"], ["step1", ""], ["1", "step1"]])
def test_revisions_without_an_order_are_refused(given):
    with pytest.raises(
        ValueError, match=r"checkpoints must be two or more different ones such as step16,step1000, got"
    ):
        data.updates_of(given)


@pytest.mark.parametrize("name", ["sweep", "checkpoints"])
def test_command_on_tiny_models_is_the_same_twice(pocket, tmp_path, capsys, name):
    outs = [tmp_path / f"{run}.svg" for run in "ab"]
    first, second = [main([name, "--out", str(out)]) for out in outs]
    assert first == second and first in (0, 1)
    found = capsys.readouterr()
    assert bool(found.err) == bool(first)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert str(pocket) not in outs[0].read_text() + found.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--training-seed", "3"], "training-seed must be one of 1, 2, got 3"),
        (["--model", "./nowhere"], "there is no folder"),
        (["--model", "{root}", "--revision", "step1"], "revision must be None for a folder"),
        (["--model", "{root}"], "config.json"),
    ],
)
def test_a_model_that_is_not_there_is_refused(pocket, tmp_path, capsys, options, message):
    given = [option.format(root=pocket) for option in options]
    assert main(["sweep", "--out", str(tmp_path / "sweep.svg"), *given]) == 2 and not list(tmp_path.iterdir())
    start = "paper-checks draw language sweep: error: "
    (said,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith(start))
    assert message in said


def test_no_models_at_all_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "pocket_folders", lambda: pocket_folders(tmp_path))
    for name in ("sweep", "checkpoints"):
        assert main([name, "--out", str(tmp_path / "picture.svg")]) == 2
        start = f"paper-checks draw language {name}: error: pocket Pythia is not in"
        assert capsys.readouterr().err.startswith(start)


def test_changes_are_means_and_errors_over_the_prompts():
    cells = sweep_cells()
    made = cells.swept.sweep
    values, errors = cells.changes("mlp_in", "distributional")
    change = made.cells[HELPS]["recall"].distributional - made.whole["recall"].distributional
    assert values[HELPS.layer, cells.ranks.index(HELPS.rank)] == pytest.approx(change.mean())
    assert errors[HELPS.layer, cells.ranks.index(HELPS.rank)] == pytest.approx(change.std(ddof=1) / 12**0.5)


@pytest.mark.parametrize(
    ("answer", "generic", "marked"),
    [(0.05, -0.05, True), (0.05, 0.05, False), (-0.05, -0.05, False), (0.005, -0.05, False), (0.05, -0.005, False)],
)
def test_marked_where_both_change_by_more_than_three_errors(answer, generic, marked):
    """The error is some 0.0034 of either change."""
    where = sweep_cells(of=lambda cell: (answer, generic) if cell == HELPS else (0, 0)).marked("mlp_in")
    assert where[HELPS.layer, 1] == marked and where.sum() == marked


def test_chosen_cells_are_those_of_the_checks():
    """Inputs and outputs apart, late layers alone; attention anywhere."""
    cells = sweep_cells(of=lambda cell: {Cell(0, "mlp_out", 1): (0.4, -0.4), Cell(0, "attention_qkv", 2): (0.1, -0.1)}
                        .get(cell, changes(cell)))  # fmt: skip
    best = cells.best
    assert best["late MLP inputs"].cell == HELPS
    assert best["late MLP outputs"].cell.layer >= 2 and best["late MLP outputs"].cell.role == "mlp_out"
    assert best["attention"].cell == Cell(0, "attention_qkv", 2)
    again = experiments.chosen(cells.swept, cells.swept.late("mlp_in"), "recall")
    assert best["late MLP inputs"].changes["answer"].tolist() == again.changes["answer"].tolist()


@pytest.mark.parametrize(
    ("helps", "attention", "claims"),
    [
        ((0.25, -0.15), (0.0, 0.0), []),
        ((0.25, -0.15), (0.3, -0.2), ["P5"]),
        ((-0.01, -0.5), (-0.1, 0.1), ["P4"]),
        ((0.5, 0.01), (-0.1, 0.1), ["P4"]),
        ((0.0, 0.0), (0.0, 0.0), ["P4", "P4", "P5"]),
    ],
)
def test_what_contradicts_p4_and_p5(helps, attention, claims):
    def of(cell):
        if cell.role.startswith("attention"):
            return attention
        return helps if cell == HELPS else (-0.9, 0.9)

    cells = sweep_cells(of=of)
    exact = {"recall": replace(readings(0.4, 0.5, 0), rank=np.ones(12))}
    made = replace(cells.swept.sweep, whole=exact, cells={
        cell: {"recall": readings(0.4 + of(cell)[0], 0.5 + of(cell)[1], 0)} for cell in cells.swept.sweep.cells
    })  # fmt: skip
    found = replace(cells, swept=replace(cells.swept, sweep=made))
    assert [line.partition(":")[0] for line in found.contradictions()] == claims
    assert replace(found, held=False).contradictions() == []


@pytest.mark.parametrize(("late", "first"), [(0.5, 64), (0.16, 64), (0.14, 256)])
def test_what_contradicts_p3(late, first):
    """A third of the last P("the") is 0.15, a third of the last P(answer) is reached at 256 updates."""
    found = checkpoints(late=late)
    assert (found.risen("recall", "distributional"), found.risen("recall", "answer")) == (first, 256)
    assert len(found.contradictions()) == (2 if first == 256 else 0)
    assert replace(found, held=False).contradictions() == []


def test_repeated_weights_are_counted():
    found = checkpoints()
    assert found.repeated() == 0
    assert replace(found, found=dict.fromkeys(STEPS, found.found[0])).repeated() == len(STEPS) - 1
