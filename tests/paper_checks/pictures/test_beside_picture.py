"""Pocket Pythia beside SmolLM2: on numbers made by hand, on tiny models, and what the command refuses."""

from dataclasses import replace

import numpy as np
import pytest

from tests.oracles import picture_commands as commands

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Polygon
from matplotlib.text import Text

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments import language, pocket_models
from paper_checks.experiments.pretrained import jobs as pretrained
from paper_checks.experiments.pretrained.splits import splits
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs.runner import Here, running
from paper_checks.pictures.language import beside_data as data
from paper_checks.pictures.language.beside import SHORT, BesidePicture
from paper_checks.pictures.language.data import METRICS, pocket_sweep
from simulate.laser.sweeps import Cell, Sweep
from simulate.pocket.shipped import pocket_folders
from simulate.prompts.real import real_fact_prompts, real_recall_prompts
from tests.oracles.language_numbers import BEST, CHOOSE, REPORT, SETS, WITHOUT, prompted_model, readings, side, sides

main = commands.command("draw", "language")


@pytest.fixture
def by_hand(monkeypatch):
    """The command shows what was made by hand."""
    monkeypatch.setattr(data, "pocket_side", lambda *given: side("small"))
    monkeypatch.setattr(data, "smollm2_side", lambda *given: side("real"))


EXPECTED = (
    "LASER on one matrix at a time: Pocket beside Smol",
    ["Pocket, seed 1", "Smol, 4-bit", "gate", "● up, layer 28", "○ v, layer 29", "share of the rank", "layer", "+0.02",
     "P(answer)", 'P("the")', "at 0.25 of the rank", "at 0.5 of the rank", "at 0 of the rank"],
    ["recall: best of MLP: mlp_in of layer 3 at rank 2, P(answer) 0.40 to 0.70, P(\"the\") 0.50 to 0.30; of attention: "
     "attention_qkv of layer 1 at rank 4, P(answer) 0.40 to 0.50",
     "heat maps at 0.25 of the rank: P(answer) −0.04 to +0.30, P(\"the\") −0.20 to +0.02",
     "recall, mlp_gate of layer 29 without its top 4: P(answer) +0.15 and P(\"the\") −0.05",
     "Smol, 4-bit: its prompts are few."],
)  # fmt: skip


def test_title_text_and_description(tmp_path, by_hand):
    commands.assert_described(main, "beside", tmp_path, EXPECTED)


def panels(shown):
    """Heat maps and curves by model, set and quantity: those of the figure in its order; the bar is the last."""
    axes = iter(shown.figure().axes)
    return {(model, name, what): next(axes) for model in ("small", "real") for name in SETS
            for what in (*METRICS, "curves")}  # fmt: skip


def test_heat_maps_have_every_cell_of_the_share_on_one_scale():
    """Layers upwards, roles to the right, those of the MLP first; what was not tried has no colour."""
    found = panels(BesidePicture(sides()))
    for (model, name, metric), axes in found.items():
        if metric == "curves":
            continue
        one, best = side(model), BEST[model][name][0]
        (mesh,) = (drawn for drawn in axes.collections if drawn.get_array() is not None)
        values = mesh.get_array()
        assert mesh.get_clim() == pytest.approx((-0.3, 0.3)) and mesh.norm(0) == pytest.approx(0.5)
        layers = [label.get_text() for label in axes.get_yticklabels()] if name == SETS[0] else None
        assert layers in (None, [str(layer) for layer in one.swept_layers])
        for (row, column), value in np.ndenumerate(np.ma.filled(values, np.nan)):
            level = {"rank": best.rank} if best.rank is not None else {"fraction": best.fraction}
            cell = Cell(one.swept_layers[row], one.roles[column], **level)
            if cell in one.sweep.cells:
                assert value == pytest.approx(one.sweep.change(cell, name, metric).mean(), abs=1e-12)
            else:
                assert np.isnan(value) and cell.rank == 0
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ([SHORT[role] for role in one.roles] if metric == "distributional" else [""] * len(one.roles))
    assert side("small").roles == ["mlp_in", "mlp_out", "attention_qkv", "attention_out"]


def test_dots_are_where_both_change_for_the_better_and_corners_on_the_best_cells():
    for (model, name, what), axes in panels(BesidePicture(sides())).items():
        if what == "curves":
            continue
        one = side(model)
        wanted = [cell for cell in BEST[model][name] if one.share(cell) == one.share(BEST[model][name][0])]
        places = sorted((one.roles.index(cell.role), one.swept_layers.index(cell.layer)) for cell in wanted)
        dots = [drawn for drawn in axes.collections if drawn.get_array() is None]
        assert sorted((int(x), int(y)) for x, y in dots[0].get_offsets()) == places
        corners = [patch.get_xy()[:3].mean(axis=0).astype(int) for patch in axes.patches if type(patch) is Polygon]
        assert sorted(tuple(corner.tolist()) for corner in corners) == places


@pytest.mark.parametrize(
    ("answer", "generic", "marked"),
    [(0.05, -0.05, True), (0.05, 0.05, False), (-0.05, -0.05, False), (0.005, -0.05, False), (0.05, -0.005, False)],
)
def test_marked_where_both_change_by_more_than_three_errors(answer, generic, marked):
    """The error is some 0.0034 of either change where each prompt is alone."""
    found = replace(
        side("small", of=lambda cell, best: (answer, generic)),
        clusters={name: [str(place) for place in range(12)] for name in SETS},
    )
    assert found.marked(Cell(0, "mlp_in", 1), "recall") == marked


def test_curves_are_those_of_the_reported_half_and_end_at_the_whole_model():
    """The best cells are those that help on the half to choose on, whatever they do on the other."""
    one = side("small")
    cells = dict(one.sweep.cells)
    better = {name: readings(0.4, 0.5) for name in SETS}
    for found in better.values():
        found.answer[CHOOSE] += 0.4
        found.distributional[CHOOSE] -= 0.4
    cells[Cell(2, "mlp_in", 4)] = better
    shown = replace(one, sweep=Sweep(one.sweep.whole, cells))
    assert shown.best("recall", "MLP") == Cell(2, "mlp_in", 4)
    assert shown.reported(Cell(2, "mlp_in", 4), "recall", "answer")[0] == pytest.approx(0.4)
    axes = panels(BesidePicture([shown, side("real")]))["small", "recall", "curves"]
    solid, thin = axes.containers[:2], axes.containers[2:]
    for drawn, cell in ((solid, Cell(2, "mlp_in", 4)), (thin, BEST["small"]["recall"][1])):
        for container, metric in zip(drawn, METRICS, strict=True):
            line, at = container.lines[0], [Cell(cell.layer, cell.role, rank) for rank in (0, 1, 2, 4)]
            values = [getattr(shown.sweep.cells[some]["recall"], metric)[REPORT].mean() for some in at]
            whole = getattr(shown.sweep.whole["recall"], metric)[REPORT].mean()
            assert line.get_xdata().tolist() == [0, 1 / 8, 2 / 8, 4 / 8, 1]
            assert line.get_ydata().tolist() == pytest.approx([*values, whole])
            assert (line.get_markerfacecolor() == "white") == (drawn is thin)
    diamonds = [tuple(drawn.get_offsets()[0].tolist()) for drawn in axes.collections if len(drawn.get_offsets()) == 1]
    assert (0.5, pytest.approx(0.4)) in diamonds


def test_errors_are_over_clusters():
    """Prompts 0 and 2, 1 and 3, 4 and 6, … are clusters, which count as one prompt each, by their mean; of the reported
    half every prompt is alone in its own."""
    clusters = [f"{place // 4} {place % 2}" for place in range(12)]
    one = replace(side("small"), clusters=dict.fromkeys(SETS, clusters))
    cell = Cell(3, "mlp_in", 1)
    change = one.sweep.change(cell, "facts", "answer").reshape(3, 2, 2).mean(axis=1).ravel()
    expected = change.mean(), change.std(ddof=1) / 6**0.5
    assert one.change(cell, "facts", "answer") == pytest.approx(expected) and expected[1] > 0.004
    values = one.sweep.cells[cell]["facts"].answer[REPORT]
    assert one.reported(cell, "facts", "answer") == pytest.approx((values.mean(), values.std(ddof=1) / 6**0.5))


def test_share_of_a_rank_needs_the_full_one():
    real = side("real")
    assert real.share(Cell(28, "mlp_in", 0)) == 0 and np.isnan(real.share(WITHOUT))
    with pytest.raises(ValueError, match="full must be the rank of a whole matrix for mlp_in of layer 28 at rank 3"):
        real.share(Cell(28, "mlp_in", 3))


def test_the_file_beside_has_every_cell():
    shown = BesidePicture(sides())
    rows = commands.rows_of(shown)
    assert len(rows) == 2 * 2 * sum(1 + len(one.sweep.cells) for one in shown.sides)
    for row in rows:
        model = "small" if row["model"] == "Pocket, seed 1" else "real"
        one, name = side(model), row["prompts"]
        metric = {label: metric for metric, label in METRICS.items()}[row["quantity"]]
        share, without = row["share of the rank"], row["without top"]
        (cell,) = [None] if row["role"] == "whole" else [
            cell for cell in one.sweep.cells
            if (str(cell.layer), cell.role) == (row["layer"], row["role"])
            and (str(cell.without) == without if without else f"{one.share(cell):g}" == share)
        ]  # fmt: skip
        expected = (0, 0) if cell is None else one.change(cell, name, metric)
        numbers = float(row["change, probability"]), float(row["standard error"])
        assert numbers == pytest.approx(expected, rel=1e-6, abs=1e-9)
        other = float(row["other half, probability"]), float(row["its standard error"])
        assert other == pytest.approx(one.reported(cell, name, metric), rel=1e-6, abs=1e-9)
        kinds = dict(zip(BEST[model][name], ("MLP", "attention"), strict=True)) | {WITHOUT: "without"}
        assert row["best of"] == (kinds.get(cell, "") if cell else "")
        assert row["dot"] == str(int(row["best of"] != ""))


def test_texts_are_legible_at_960_pixels_and_keep_apart():
    """None lower than 9 pixels where the picture is 960 wide, none over another or beyond the edge."""
    figure = BesidePicture(sides()).figure()
    figure.set_dpi(960 / figure.get_size_inches()[0])
    FigureCanvasAgg(figure).draw()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) * figure.dpi / 72 >= 9
    boxes = [(text.get_text(), text.get_window_extent().shrunk(0.98, 0.9)) for text in texts]
    close = [(one, other) for n, (one, box) in enumerate(boxes) for other, by in boxes[:n] if box.overlaps(by)]
    assert close == []
    assert all(
        box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1 for _, box in boxes
    )


def test_same_numbers_same_bytes():
    commands.assert_same_bytes(BesidePicture, sides)


def test_other_forms(tmp_path, by_hand):
    commands.assert_forms(main, "beside", tmp_path)


def test_a_model_without_cells_that_lack_their_top_directions():
    shown = BesidePicture([side("small"), side("small")])
    assert side("small").best_without("recall") is None and "without top" not in shown.caption


def test_pocket_is_swept_as_for_its_own_picture(tmp_path, monkeypatch):
    for step in (0, 9):
        prompted_model(tmp_path / "seed-4" / f"step-{step}", step)
    folders = pocket_folders(tmp_path)
    for module in (data, pocket_models):
        monkeypatch.setattr(module, "pocket_folders", lambda: folders)
    monkeypatch.setattr("paper_checks.pictures.language.data.pocket_folders", lambda: folders)
    monkeypatch.setattr(language, "RECALL_PROMPTS", {"recall": 12, "names": 1})
    with running(Here()):
        found = data.pocket_side(DEFAULT_SEED, 4)
        same = pocket_sweep("facts", DEFAULT_SEED, 4)
        with pytest.raises(ValueError, match="training seed 5 of pocket Pythia must be shipped, it is not"):
            data.pocket_side(DEFAULT_SEED, 5)
    cell = Cell(1, "mlp_in", 2)
    assert (found.model, found.full) == ("Pocket Pythia, seed 4, 9 updates", 24)
    assert found.note == "training seed 4 is one of those of the claims" and set(found.sets) == set(CLAIMED)
    assert found.share(cell) == pytest.approx(2 / 24)
    values, errors = same.changes("mlp_in", "answer")
    np.testing.assert_allclose(
        found.change(cell, "facts", "answer"), (values[1, 2], errors[1, 2]), rtol=1e-4, atol=1e-8
    )


def test_smollm2_is_what_the_claims_swept(monkeypatch):
    """The prompts of the sweep with their clusters, the first split of the claims; nothing is asked anew."""
    prompts = {"recall": real_recall_prompts(12, seed=1), "facts": real_fact_prompts(seed=1)[:12]}
    asked = {
        name: pretrained.Baseline(some, 0, readings(0.4, 0.5), np.arange(12), np.arange(0, 12, 2))
        for name, some in prompts.items()
    }
    monkeypatch.setattr(pretrained, "subject", lambda: "there")
    monkeypatch.setattr(pretrained, "baselines", lambda seed: asked)
    monkeypatch.setattr(pretrained, "smollm2_sweep", lambda seed: Sweep({}, {}))
    found = data.smollm2_side(7)
    assert found.model == "SmolLM2-135M-Instruct, 4-bit" and set(found.clusters) == {"recall", "facts"}
    for name, one in asked.items():
        assert list(found.clusters[name]) == [prompt.cluster for prompt in one.swept]
        (choose, report), (first, second) = found.halves[name], splits(one.swept, name, 7)[0]
        assert choose.tolist() == first.tolist() and report.tolist() == second.tolist()


def test_without_the_weights_there_is_no_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "subject", lambda: None)
    monkeypatch.setattr(data, "pocket_side", None)
    said = "paper-checks draw language beside: error: the weights of SmolLM2 are not here: paper-checks weights smollm2"
    commands.assert_refused(main, "beside", tmp_path, capsys, said)


def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "smollm2_side", commands.interrupted)
    commands.assert_interrupted(main, "beside", tmp_path, capsys)


def test_help_has_examples(capsys):
    commands.assert_help(main, ["beside"], "paper-checks draw language ", capsys)
