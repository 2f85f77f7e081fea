"""The pictures of language models: the command on numbers made by hand, what it draws, refuses and admits."""

from dataclasses import replace

import numpy as np
import pytest

from tests.oracles import picture_commands as commands

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle

from paper_checks.pictures.file import dark
from paper_checks.pictures.heat import FALLS_TO_RISES, luminance
from paper_checks.pictures.language import data
from paper_checks.pictures.language.checkpoints import CheckpointsPicture
from paper_checks.pictures.language.sweep import SweepPicture
from tests.oracles.language_numbers import HELPS, STEPS, changes, checkpoints, shown, spoiled, sweep_cells

main = commands.command("draw", "language")
WORK = {"sweep": "pocket_sweep", "checkpoints": "pocket_checkpoints"}
PICTURES = {"sweep": SweepPicture, "checkpoints": CheckpointsPicture}


@pytest.fixture
def by_hand(monkeypatch):
    """The commands show what was made by hand."""
    commands.show(monkeypatch, data, WORK, shown)


@pytest.fixture
def no_work(monkeypatch):
    """Neither a model nor a folder of models is looked for."""
    for name in ("sweep_model", "answered", "pocket_folders", "pocket_models", "results"):
        monkeypatch.setattr(data, name, None)


EXPECTED = {
    "sweep": (
        "Pocket Pythia, seed 1, 2000 updates: LASER on one matrix at a time, prompts: indirect object identification",
        ["MLP input (mlp_in)", "attention output (attention_out)", "rank", "+0.25", "−0.15", "0.00", "layer",
         "at rank 1"],
        ["First every role at rank 1, layers from 0 on: mlp_in, P(answer) −0.03, −0.02, +0.01, +0.25;",
         'Then rank to the right, 0, 1, 2, 4, a row per role: mlp_in, P(answer) −0.06 (layer 0, rank 4) to +0.25 '
         '(layer 3, rank 1); mlp_in, P("the") −0.15 (layer 3, rank 1) to 0.00 (layer 0, rank 4);',
         "Standard errors: at most 0.003.", "mlp_in of layer 2 at rank 0, mlp_in of layer 3 at rank 0,",
         '12 prompts; whole model: P(answer) = 0.400, P("the") = 0.500, accuracy = 0.000.',
         "late MLP inputs (mlp_in of layer 3 at rank 1): +0.250\u00a0±\u00a0", "late MLP outputs (mlp_out of layer 2",
         "attention (attention_out of layer", "P4 and P5 on this seed: 0 of 3 means on the wrong side.",
         "Weights: sha256 0123456789ab…"],
    ),
    "checkpoints": (
        'Pocket Pythia, seed 1: P("the") and P(answer) over 2000 updates',
        ["P(answer)", 'P("the"), other seeds', "updates", "256", "recall: indirect object identification"],
        ["Means: after 0, 16, 64, 256, 2000 updates; recall, P(answer) 0.040 ± 0.007, 0.050 ± 0.007,",
         "training seed 3, after 64, 2000 updates; recall, P(answer) 0.080 ± 0.007, 0.550 ± 0.007;",
         'facts: P("the") after 64 updates, P(answer) after 256.', "Empty markers: training seeds 2 and 3.",
         "12 of recall and 12 of facts", "P3 on this seed: 0 of 2 orders the other way about."],
    ),
}  # fmt: skip
"""Title, text in the picture, text in its description."""


@pytest.mark.parametrize("name", PICTURES)
def test_title_text_and_description(tmp_path, by_hand, name):
    commands.assert_described(main, name, tmp_path, EXPECTED[name])


def panels(cells):
    """The heat maps by role and metric, and those of all roles at the chosen rank by metric; the last axes are the
    bar."""
    axes = SweepPicture(cells).figure().axes[:-1]
    first = dict(zip(data.METRICS, axes, strict=False))
    return first, {(role, metric): axes[2 + 2 * n + m] for m, metric in enumerate(data.METRICS)
                   for n, role in enumerate(cells.roles)}  # fmt: skip


def test_every_cell_has_its_colour_and_the_first_their_numbers():
    """All on one scale around 0; layer 0 below, the lowest rank at the left; first every role at the chosen rank."""
    cells = sweep_cells()
    first, others = panels(cells)
    for (role, metric), axes in others.items():
        values, (mesh,) = cells.changes(role, metric)[0], axes.collections
        assert mesh.get_array().tolist() == values.tolist()
        assert mesh.get_clim() == pytest.approx((-0.25, 0.25)) and axes.get_ylim() == (0, 4)
        ticks = [label.get_text() for label in axes.get_xticklabels()]
        assert ticks == (["0", "1", "2", "4"] if role == cells.roles[-1] else [""] * 4)
    for metric, axes in first.items():
        column = cells.ranks.index(HELPS.rank)
        values = np.stack([cells.changes(role, metric)[0][:, column] for role in cells.roles], axis=1)
        (mesh,) = axes.collections
        assert mesh.get_array().tolist() == values.tolist() and mesh.get_clim() == pytest.approx((-0.25, 0.25))
        assert axes.get_title(loc="left") == f"change of {data.METRICS[metric]}\nat rank 1"
        written = {(int(x), int(y)): text.get_text() for text in axes.texts for x, y in [text.get_position()]}
        for (layer, place), value in np.ndenumerate(values):
            assert float(written.pop((place, layer)).replace("−", "-")) == pytest.approx(value, abs=0.00501)
        assert not written


def marks(axes):
    """Cells with a frame, and with a corner."""
    frames = {(int(patch.get_x()), int(patch.get_y())) for patch in axes.patches if type(patch) is Rectangle}
    return frames, [patch.get_xy()[0].astype(int).tolist() for patch in axes.patches if type(patch) is Polygon]


def test_marked_and_chosen_cells():
    """Frames where both probabilities change for the better, a corner on the chosen cell, beside both probabilities."""
    first, others = panels(sweep_cells())
    for (role, _), axes in others.items():
        frames, corners = marks(axes)
        assert frames == ({(0, 3), (1, 3), (2, 3), (0, 2)} if role == "mlp_in" else set())
        assert role not in ("mlp_in", "mlp_out") or len(corners) == 1
        assert role != "mlp_in" or corners == [[HELPS.rank, HELPS.layer]]
    for axes in first.values():
        frames, corners = marks(axes)
        assert frames == {(0, 3)} and [0, HELPS.layer] in corners


def test_the_file_beside_has_every_cell_and_checkpoint():
    cells, given = sweep_cells(), checkpoints()
    rows = commands.rows_of(SweepPicture(cells))
    assert len(rows) == 2 * 4 * 4 * 4
    for row in rows:
        metric = {label: metric for metric, label in data.METRICS.items()}[row["quantity"]]
        place = int(row["layer"]), cells.ranks.index(int(row["rank"]))
        means, errors = cells.changes(row["role"], metric)
        assert float(row["change, probability"]) == pytest.approx(means[place], rel=1e-7)
        assert float(row["standard error"]) == pytest.approx(errors[place], rel=1e-7)
        assert (row["framed"] == "1") == cells.marked(row["role"])[place]
    chosen = [row for row in rows if row["chosen of"] == "late MLP inputs"]
    assert [(row["layer"], row["role"], row["rank"]) for row in chosen] == [("3", "mlp_in", "1")] * 2
    rows = commands.rows_of(CheckpointsPicture(given))
    line = [row for row in rows if (row["training"], row["prompts"], row["quantity"]) == ("line", "facts", "P(answer)")]
    assert [int(row["updates"]) for row in line] == list(STEPS)
    assert [float(row["mean, probability"]) for row in line] == pytest.approx(given.curve("facts", "answer")[0])
    assert len(rows) == 4 * (len(STEPS) + 2 * 2)


def test_a_dark_page_changes_no_colour_of_a_heat_map():
    """No entry is a grey, which would be another one there."""
    colours = [to_hex(FALLS_TO_RISES(entry)) for entry in range(FALLS_TO_RISES.N)]
    assert [dark(colour) for colour in colours] == colours
    assert dark("#000000") == "#e6edf3" and dark("#ffffff") == "#0d1117" and dark("#a03000") == "#ff9e73"


def test_lightness_rises_with_the_change_and_numbers_are_legible():
    """The colours read in greyscale, and every number has a contrast of at least 3.5 with its cell."""
    lightness = [luminance(FALLS_TO_RISES(value)) for value in np.linspace(0, 1, 101)]
    assert np.all(np.diff(lightness) > 0)
    assert min(max(1.05 / (value + 0.05), 1) if value < 0.18 else (value + 0.05) / 0.05 for value in lightness) > 3.5


@pytest.mark.parametrize("layers", [1, 4, 13])
def test_texts_keep_apart(layers):
    """Titles, labels and captions of small and large models."""

    def of(cell):
        return (0.25, -0.15) if (cell.layer, cell.role) == (layers - 1, "mlp_in") else changes(cell)

    ranks = (0, 1) if layers == 1 else tuple(2**power for power in range(layers))
    figure = SweepPicture(sweep_cells(layers=layers, ranks=ranks, of=of)).figure()
    FigureCanvasAgg(figure).draw()
    texts = [
        *figure.texts,
        *(text for axes in figure.axes for text in (axes._left_title, axes.yaxis.label, axes.xaxis.label)),
    ]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert [one for n, one in enumerate(boxes) for other in boxes[:n] if one.overlaps(other)] == []
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)


def test_curves_and_empty_markers():
    """A line over all checkpoints for each probability; other seeds' are markers alone, told apart without colour."""
    given = checkpoints()
    for axes, name in zip(CheckpointsPicture(given).figure().axes, ("recall", "facts"), strict=True):
        found = [container.lines[0] for container in axes.containers]
        solid = {line.get_marker(): line for line in found if line.get_linestyle() != "None"}
        apart = [line for line in found if line.get_linestyle() == "None"]
        for metric, marker in (("answer", "s"), ("distributional", "o")):
            assert solid[marker].get_xdata().tolist() == list(STEPS)
            assert solid[marker].get_ydata().tolist() == given.curve(name, metric)[0]
            seeds = [line for line in apart if line.get_marker() == marker]
            assert [line.get_ydata().tolist() for line in seeds] == [
                given.curve(name, metric, seed)[0] for seed in (2, 3)
            ]
            assert all(line.get_markerfacecolor() == "white" for line in seeds)
        diamonds = axes.collections[-1].get_offsets().tolist()
        assert [256, given.curve(name, "answer")[0][3]] in diamonds
        assert [64, given.curve(name, "distributional")[0][2]] in diamonds
        assert [label.get_text() for label in axes.get_xticklabels()] == ["2000", "256", "64", "16", "0"]


def test_a_checkpoint_alone_is_drawn():
    alone = checkpoints()
    for step in STEPS[1:]:
        del alone.found[step]
    assert "after 0 updates, P(answer) after 0;" in CheckpointsPicture(replace(alone, others={})).caption
    assert CheckpointsPicture(replace(alone, others={})).render("svg").startswith(b"<?xml")


@pytest.mark.parametrize("name", PICTURES)
def test_same_numbers_same_bytes(name):
    commands.assert_same_bytes(PICTURES[name], lambda: shown()[name])


def test_other_forms(tmp_path, by_hand):
    commands.assert_forms(main, "checkpoints", tmp_path)


CONTRADICTED = {
    "sweep": [
        "P4: recall: change of P(answer) at mlp_in of layer 3 at rank 1: -0.15 ± 0.0067, not above 0",
        'P4: recall: change of P("the") at mlp_in of layer 3 at rank 1: +0.05 ± 0.0067, not below 0',
        "P5: recall: rise of P(answer) at mlp_in of layer 3 at rank 1 less that at attention_out of layer 0 at rank 4: "
        "-0.15 ± 1e-07, not above 0",
    ],
    "checkpoints": [
        f'P3: {name}: P("the") reaches a third of its last value at 256 updates, P(answer) at 256: not before'
        for name in ("recall", "facts")
    ],
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_contradiction_is_said_drawn_and_fails(tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(data, WORK[name], lambda *options: spoiled(name))
    out, said = tmp_path / "picture.svg", {"sweep": "3 of 3 means on the wrong", "checkpoints": "2 of 2 orders"}[name]
    assert commands.draw(main, out, name) == 1
    found = capsys.readouterr()
    assert found.err.splitlines() == CONTRADICTED[name] and said in found.out
    assert said in commands.description(out)


@pytest.mark.parametrize(
    ("name", "work", "options"),
    [("sweep", "model_sweep", ""), ("checkpoints", "model_checkpoints", "--checkpoints step1,step2")],
)
def test_claims_on_pocket_pythia_are_not_held_against_other_models(tmp_path, monkeypatch, capsys, name, work, options):
    monkeypatch.setattr(data, work, lambda *given: spoiled(name, held=False))
    assert commands.draw(main, tmp_path / "picture.svg", name, "--model", "org/name", *options.split()) == 0
    found = capsys.readouterr()
    assert found.err == "" and "The ledger's claims on pocket Pythia say nothing of this model." in found.out


BAD = [
    ("sweep --prompts poems", "Invalid value for '--prompts': 'poems' is not one of 'recall', 'facts'."),
    ("sweep --seed -1", "Invalid value for '--seed': -1 is not in the range x>=0."),
    ("sweep --training-seed one", "Invalid value for '--training-seed': 'one' is not a valid integer."),
    ("sweep --revision step1", "revision is one of --model, which is not given"),
    ("sweep --model org/name --training-seed 1", "training-seed is one of pocket Pythia, give it or --model"),
    ("checkpoints --model org/name", "checkpoints are revisions of --model, give both or neither"),
    ("checkpoints --checkpoints step1,step2", "checkpoints are revisions of --model, give both or neither"),
    ("checkpoints --model org/name --checkpoints step1", "checkpoints must be two or more different ones such as "),
    (
        "checkpoints --training-seed 1",
        "No such option '--training-seed'.* Accepted: --model --checkpoints --seed --out ",
    ),
    ("ranks", "No such command 'ranks'.* Accepted: sweep, beside, checkpoints$"),
    (
        "checkpoints --out picture.bmp",
        r"Invalid value .*--out.*: must end in \.svg, \.png or \.pdf, got 'picture\.bmp'",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=str)
def test_bad_arguments_are_refused_before_the_work(tmp_path, no_work, capsys, arguments, message):
    commands.assert_refused(main, arguments, tmp_path, capsys, rf"paper-checks draw language( \S+)?: error: {message}")


@pytest.mark.parametrize("name", PICTURES)
def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(data, WORK[name], commands.interrupted)
    commands.assert_interrupted(main, name, tmp_path, capsys)


OURS = ("pictures.language.sweep", "pictures.language.checkpoints", "pictures.file")
MISSING = {
    "matplotlib": (OURS, "pictures need matplotlib: pip install 'matplotlib>=3.9'\n"),
    "transformers": (("pictures.language.data", "experiments.language"), "language models need the extra `language` ("),
}


@pytest.mark.parametrize("package", MISSING)
@pytest.mark.parametrize("name", PICTURES)
def test_a_missing_package_is_one_line_before_the_work(tmp_path, no_work, monkeypatch, capsys, name, package):
    ours, said = MISSING[package]
    commands.forget(monkeypatch, *(f"paper_checks.{module}" for module in ours), "simulate.language.models")
    commands.hide(monkeypatch, package)
    assert commands.draw(main, tmp_path / "picture.svg", name) == 2
    found = capsys.readouterr().err
    assert found.startswith(said) and found.count("\n") == 1


def test_help_has_examples(capsys):
    commands.assert_help(main, PICTURES, "paper-checks draw language ", capsys)
