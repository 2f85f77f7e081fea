"""README's picture: what it draws, and the check that it is the one that would be drawn now."""

import csv
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from paper_checks.pictures import bands
from paper_checks.pictures import training_data as data
from paper_checks.pictures.current import stale
from paper_checks.pictures.file import digest
from paper_checks.pictures.overview import PANELS, ROUNDING, OverviewPicture
from tests.oracles import picture_commands as commands
from tests.oracles.training_numbers import SHIFTS, recall_run
from tests.places import ROOT

main = commands.command("draw", "training")
CHECK = ["overview", "--check"]


def of_runs(shift=0.0):
    """The picture of three trainings, all numbers of which are moved."""
    runs = [recall_run(seed) for seed in SHIFTS]
    for run in runs:
        for seen in run.history:
            seen.update({name: value + shift for name, value in seen.items() if name != "step"})
    return data.RecallCurves(0.5, 1, runs)


def give(monkeypatch, shift=0.0):
    monkeypatch.setattr(data, "recall_curves", lambda *options: of_runs(shift))


@pytest.fixture
def out(monkeypatch, tmp_path):
    """A picture that was drawn, and its numbers beside it."""
    give(monkeypatch)
    assert commands.draw(main, tmp_path / "picture.svg", "overview") == 0
    return tmp_path / "picture.svg"


def test_what_is_drawn_is_what_was_given_and_in_the_file_beside(out):
    shown, rows = of_runs(), commands.rows_beside(out)
    at = data.steps(shown.runs)
    for axes, (panel, quantities) in zip(OverviewPicture(shown).figure().axes, PANELS.items(), strict=True):
        found = {line.get_label(): line for line in axes.get_lines()}
        assert found.keys() == {label for label, _, _ in quantities.values()}
        for name, (label, unit, _) in quantities.items():
            expected = bands.band(data.curves(shown.runs, name))
            assert found[label].get_data()[0].tolist() == at.tolist()
            assert found[label].get_data()[1].tolist() == expected.median.tolist()
            mine = [row for row in rows if (row["model"], row["quantity"], row["unit"]) == (panel, label, unit)]
            assert [int(row["updates"]) for row in mine] == at.tolist()
            for column in ("median", "low", "high"):
                numbers = [float(row[column]) for row in mine]
                assert numbers == pytest.approx(getattr(expected, column).tolist(), abs=0.00501)


def test_lines_of_a_panel_differ_without_colour():
    for quantities in PANELS.values():
        assert len({style["marker"] for _, _, style in quantities.values()}) == len(quantities)


def test_alternative_text_has_the_numbers():
    said = OverviewPicture(of_runs()).description()
    assert "Medians after 0, 10, 100, 600 updates: Full model, P(τ) 0.1, 0.3, 0.5, 0.5;" in said
    assert "Without its last feed-forward layer, P(c) 0.1, 0.1, 0.1, 0.8." in said


@pytest.mark.parametrize("shift", [0.0, 0.02, -0.02])
def test_a_picture_of_another_machine_is_current(monkeypatch, capsys, out, shift):
    before = {path: path.read_bytes() for path in out.parent.iterdir()}
    give(monkeypatch, shift)
    assert commands.draw(main, out, *CHECK) == 0
    assert capsys.readouterr().out.endswith(f"{out}: is what would be drawn now\n")
    assert {path: path.read_bytes() for path in out.parent.iterdir()} == before


def test_other_trainings_make_it_stale(monkeypatch, capsys, out):
    give(monkeypatch, 2 * ROUNDING["median"])
    assert commands.draw(main, out, *CHECK) == 1
    found = capsys.readouterr()
    assert "csv: shown Full model, P(τ), probability, 0, 0.09, 0.07, 0.10; now Full model, P(τ), " in found.err
    assert "more rows are stale" in found.err and found.out.endswith("is not what would be drawn now\n")


def rewritten(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        (".csv", "0.49", "0.50", "was drawn from other numbers than"),
        (".csv", "unit", "units", "rows with the columns"),
        (".csv", "P(c)", "P(d)", "now Without its last feed-forward layer, P(c)"),
        (".csv", ",600,", ",6000,", "now Full model, P(τ), probability, 600"),
        (".svg", ">recall</text>", ">memory</text>", "other words than those"),
        (".svg", "Medians after", "Means after", "other words than those"),
        (".svg", ">600</text>", ">700</text>", "other words than those"),
    ],
)
def test_a_changed_file_is_stale(capsys, out, kind, old, new, said):
    rewritten(out.with_suffix(kind), old, new)
    assert commands.draw(main, out, *CHECK) == 1
    assert said in capsys.readouterr().err


def test_a_lost_row_is_stale(out):
    rows = out.with_suffix(".csv").read_text(encoding="utf-8").splitlines(keepends=True)
    out.with_suffix(".csv").write_text("".join(rows[:-1]), encoding="utf-8")
    assert any(f"{len(rows) - 1} rows with the columns" in line for line in stale(out, OverviewPicture(of_runs())))


def test_what_cannot_be_checked_is_refused(monkeypatch, capsys, out):
    out.with_suffix(".csv").unlink()
    assert commands.draw(main, out, *CHECK) == 2
    assert "No such file or directory" in capsys.readouterr().err
    out.with_suffix(".csv").write_bytes(b"\xff\xfe")
    assert commands.draw(main, out, *CHECK) == 2
    assert f"{out.with_suffix('.csv')} must be a text in UTF-8: " in capsys.readouterr().err
    out.with_suffix(".csv").write_text("", encoding="utf-8")
    out.write_text("<svg", encoding="utf-8")
    assert commands.draw(main, out, *CHECK) == 2
    assert f"{out} must be an SVG: " in capsys.readouterr().err
    monkeypatch.setattr(data, "recall_curves", None)
    assert commands.draw(main, out.with_suffix(".png"), *CHECK) == 2
    assert "--check is for a .svg, whose words can be read, got " in capsys.readouterr().err


def test_readmes_picture_was_drawn_by_this_code_from_the_numbers_beside_it():
    """Without the trainings, which CI redraws: the same curves, steps and words but for numbers."""
    picture, beside = ROOT / "docs" / "curves.svg", ROOT / "docs" / "curves.csv"
    root = ET.parse(picture).getroot()
    assert digest(beside.read_bytes()) in "".join(root.itertext())
    new = ET.fromstring(OverviewPicture(of_runs()).render("svg"))
    assert root.find(f"{commands.SVG}title").text == new.find(f"{commands.SVG}title").text
    labels = [label for quantities in PANELS.values() for label, _, _ in quantities.values()]
    assert {*labels, *PANELS, "updates"} <= set(commands.words(root))
    rows = list(csv.DictReader(beside.read_text(encoding="utf-8").splitlines()))
    now = commands.rows_of(OverviewPicture(of_runs()))
    assert [[*row.values()][:4] for row in rows] == [[*row.values()][:4] for row in now]
    assert all(float(row["low"]) <= float(row["median"]) <= float(row["high"]) for row in rows)
    assert np.isfinite([float(row[name]) for row in rows for name in ROUNDING]).all()


def test_readmes_words_on_its_picture_are_what_the_numbers_say():
    """The alternative text, and "about a hundred times as late"."""
    rows = csv.DictReader((ROOT / "docs" / "curves.csv").read_text(encoding="utf-8").splitlines())
    medians = {(row["model"], row["quantity"], int(row["updates"])): float(row["median"]) for row in rows}
    full, less = PANELS

    def of(model, quantity):
        return {at: value for (one, other, at), value in medians.items() if (one, other) == (model, quantity)}

    noise, recall = of(full, "P(τ)"), of(full, "recall")
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "overshoots its share of one half within five updates and settles there" in said
    assert max(value for at, value in noise.items() if at <= 5) > 0.6
    assert all(abs(value - 0.5) < 0.07 for at, value in noise.items() if at >= 20)
    assert "rises after a hundred, with attention on it" in said
    for curve in (recall, of(full, "attention on (q,c)")):
        assert max(value for at, value in curve.items() if at <= 100) < 0.2 and curve[600] > 0.9
    assert "the noise falls to one token's share" in said and of(less, "P(τ)")[600] < 2 / 13
    assert "recall about a hundred times as late" in said
    late = min(at for at, value in recall.items() if value > 0.8)  # E1's two levels
    assert 50 < late / min(at for at, value in noise.items() if value > 0.4) < 200
