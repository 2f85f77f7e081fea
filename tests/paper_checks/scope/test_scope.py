"""The command `scope` and its picture: what it draws and says, what it refuses, what it admits."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from paper_checks.pictures.heat import luminance
from paper_checks.scope import claims as scope_claims
from paper_checks.scope.claims import MAPPED, scope_map
from paper_checks.scope.grid import levels_between
from paper_checks.scope.picture import EDGES, HALF, SHADES, ScopePicture
from tests.oracles import picture_commands as shared
from tests.oracles.picture_commands import SVG, words
from theory.one_step.margins import noise_threshold

main = shared.command("scope")
SMALL = ["--N", "8:16", "--alpha", "0.05:0.2", "--rows", "2", "--columns", "16"]


def draw(out, *arguments):
    return main([*arguments, "--out", str(out)])


def small_map(claim="T1.3"):
    return scope_map(claim, (8, 16), (Fraction(1, 20), Fraction(1, 5)), rows=2, columns=16)


def test_a_map_is_drawn_with_title_words_and_lines(tmp_path, capsys):
    out = tmp_path / "map.svg"
    assert draw(out, "T1.3", *SMALL) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.csv", "map.svg"]
    root = ET.parse(out).getroot()
    title = "T1.3: where one feed-forward step ranks the noise first on every sequence, T = N²"
    assert root.find(f"{SVG}title").text == title and title in " ".join(words(root))
    expected = [
        "noise level α",
        "vocabulary size N",
        "not on some sequence: 37.5 % of the cells",
        "threshold of T1.3, exact",
        "√2/N (limit)",
    ]
    assert [text for text in expected if text not in words(root)] == []
    below = [float(noise_threshold(N, N * N)[1]) for N in (8, 16)]
    holds = sum(Fraction(5 + i, 100) > level for i in range(16) for level in below)
    said = root.find(f"{SVG}desc").text
    assert f"noise first on every sequence: {holds / 32:.1%}".replace("%", " %") in said
    assert f"; threshold of T1.3 {below[0]:.5g}." in said
    assert "of 2 × 16 cells, N from 8 to 16, α from 0.05 to 0.2, T = N²" in said
    assert "Colours: least margin over all sequences, positive where the statement holds, exact." in said
    assert "Contradictions: 0, among 32 cells" in said and "contradiction" not in words(root)
    assert capsys.readouterr().out.startswith(f"{out}: noise first on every sequence: ")


def test_what_is_undecided_is_drawn_and_counted():
    """n = 3, α = 1/2: all singular values are equal."""
    shown = scope_map("T4.4", (2, 4), (Fraction(1, 4), Fraction(3, 4)), columns=3)
    picture = ScopePicture(shown)
    assert "all equal: 11.1 %" in picture.caption
    assert "n = 3: α 0.25 to 0.25 correct space on top, α 0.5 to 0.5 all equal" in picture.description()
    assert b"all equal" in picture.render("svg")


def test_the_ends_of_what_is_said_are_not_drawn():
    shown = scope_map("T3.4", (8, 8), columns=9)
    assert [threshold.name for threshold in shown.thresholds[0]] == ["", "level α_τ", ""]
    said = [text for text in words(ET.fromstring(ScopePicture(shown).render("svg"))) if text.endswith(", exact")]
    assert said == ["level α_τ, exact"]


def test_shares_are_not_rounded_to_all_or_nothing():
    shown = small_map()
    values = np.ones((2, 1600))
    values[0, 0] = -1
    levels = levels_between(*shown.levels[:: len(shown.levels) - 1], 1600)
    picture = ScopePicture(replace(shown, levels=levels, values=values, stated=np.zeros((2, 1600), dtype=np.int64)))
    assert [kind.share for kind in picture.kinds] == ["over 99.9 %", "under 0.1 %", "0.0 %"]


@pytest.mark.parametrize("arguments", [
    ["T3.3", "--N", "8", "--alpha", "0.3:0.5", "--T", "2N"],
    ["T3.4", "--part", "absorbed", "--N", "8:9", "--alpha", "2/5", "--T", "64"],
    ["T4.2", "--n", "2:3", "--alpha", "0.3:0.5", "--t", "1e5", "--columns", "2"],
    ["T4.2", "--n", "64", "--alpha", "0.5", "--t", "100"],
    ["B2", "--N", "1000000", "--T", "N^3", "--alpha", "0:1", "--columns", "3"],
])  # fmt: skip
def test_other_claims_single_values_and_settings(tmp_path, arguments):
    assert draw(tmp_path / "map.png", *arguments) == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_same_map_same_bytes(tmp_path):
    shared.assert_same_bytes(ScopePicture, small_map)
    shared.assert_forms(main, "T3.6", tmp_path)


@pytest.mark.parametrize("form", ["svg", "png"])
def test_a_contradiction_is_said_drawn_and_fails(tmp_path, monkeypatch, capsys, form):
    monkeypatch.setattr("theory.one_step.margins.noise_threshold", lambda N, T: (Fraction(1, 7),) * 2)
    out = tmp_path / f"map.{form}"
    assert draw(out, "T1.3", *SMALL, "--T", "64") == 1
    found = capsys.readouterr()
    assert found.err == (
        "T1.3, N = 8, T = 64: at α = 0.14 it holds, against threshold of T1.3 0.142857\n"
        "T1.3, N = 16, T = 64: at α = 0.08 to 0.14 (7 cells) it holds, against threshold of T1.3 0.142857\n"
    )
    assert "Contradictions: 2, among 32 cells" in found.out and out.stat().st_size
    assert form == "png" or "contradiction" in words(ET.parse(out).getroot())


BAD = [
    ("T1.3 --N 8:many", "Invalid value for '--N': LOW:HIGH or one integer is needed, such as 8:512, got '8:many'"),
    ("T1.3 --N 8:", "Invalid value for '--N': LOW:HIGH or one integer is needed, such as 8:512, got '8:'"),
    ("T1.3 --N -8:9", "Invalid value for '--N': LOW:HIGH or one integer is needed, such as 8:512, got '-8:9'"),
    ("T1.3 --N 8.5", "Invalid value for '--N': LOW:HIGH or one integer is needed, such as 8:512, got '8.5'"),
    ("T1.3 --N 9:8", "N must be LOW:HIGH with LOW <= HIGH, got 9:8"),
    ("T1.3 --N 1:8", "N must be an integer >= 2, got 1"),
    ("T1.3 --N 8:1000001", r"N must be an integer in 2\.\.1000000, got 1000001"),
    ("T1.3 --alpha low", "Invalid value for '--alpha': LOW:HIGH or one number is needed, such as 0.01:0.99, got 'low'"),
    (
        "T1.3 --alpha 0.1:nan",
        ".*--alpha.*: LOW:HIGH or one number is needed, such as 0.01:0.99, got '0.1:nan'",
    ),
    ("T1.3 --alpha 0.9:0.1", "alpha must be LOW:HIGH with LOW <= HIGH, got 0.9:0.1"),
    ("T1.3 --alpha 0.5:1.01", r"alpha must be in 0\.\.1, got 0.5:1.01"),
    ("T1.3 --alpha -0.5:0.5", r"alpha must be in 0\.\.1, got -0.5:0.5"),
    ("T4.4 --alpha 0:0.5", "alpha must be strictly between 0 and 1, got 0:0.5"),
    ("T1.3 --T N^4", r"T must be an integer or one of N, 2N, N\^2, N\^3, got 'N\^4'"),
    ("T1.3 --T 1", r"T must be an integer in 2\.\.10+, got '1', which is 1 at N = 8"),
    ("T3.2 --T N --N 2:9", r"T must be an integer in 4\.\.10+, got 'N', which is 2 at N = 2"),
    ("T1.3 --n 2:8", "No such option '--n'.* Accepted: --N --alpha --T --rows --columns --out --check --help$"),
    ("T1.3 --part margin", "No such option '--part'.* Accepted: --N --alpha"),
    ("T4.4 --T 8", "No such option '--T'.* Accepted: --n --alpha --t --rows"),
    ("T3.4 --part both", "Invalid value for '--part': 'both' is not one of 'uniform', 'absorbed'."),
    ("T4.4 --t 0", "t must be a positive number or inf, got '0'"),
    ("T4.4 --t 1e400", "t must be a positive number or inf, got '1e400'"),
    ("T4.5 --t inf", "t must be a positive number, got 'inf'"),
    ("T1.3 --rows 0", "Invalid value for '--rows': 0 is not in the range 1<=x<=200."),
    ("T1.3 --rows 201", "Invalid value for '--rows': 201 is not in the range 1<=x<=200."),
    ("T1.3 --columns 401", "Invalid value for '--columns': 401 is not in the range 1<=x<=400."),
    ("T1.3 --columns many", "Invalid value for '--columns': 'many' is not a valid integer."),
    ("T1.1", "claim T1.1 has no map; claims with a map: T1.3, T1.4, .*, B2$"),
    ("T1.33", "claim T1.33 is not in the ledger; claims with a map: T1.3, T1.4, .*, B2$"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=str)
def test_bad_arguments_are_one_line_before_the_work(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(scope_claims, "fill", None)
    shared.assert_refused(main, arguments, tmp_path, capsys, rf"paper-checks scope( \S+)?: error: {message}")


def test_what_is_missing_is_one_line(capsys):
    assert main(["T1.3"]) == 2
    assert capsys.readouterr().err == "paper-checks scope T1.3: error: Missing option '--out'.\n"


def test_bad_files_are_refused_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scope_claims, "fill", None)
    for name in ("map.bmp", "missing/map.svg"):
        assert draw(tmp_path / name, "T1.3") == 2
        assert "paper-checks scope T1.3: error: Invalid value for '--out': must " in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys):
    shared.keeps_the_old_picture_on_a_full_disk(monkeypatch, capsys, main, ["T3.6", *SMALL], tmp_path / "map.svg")


def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scope_claims, "fill", shared.interrupted)
    shared.assert_interrupted(main, "T1.3", tmp_path, capsys)


def test_a_missing_matplotlib_is_one_line_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scope_claims, "fill", None)
    names = ("scope.picture", "pictures.memory", "pictures.file")
    shared.forget(monkeypatch, *(f"paper_checks.{name}" for name in names))
    shared.hide(monkeypatch, "matplotlib")
    assert draw(tmp_path / "map.svg", "T1.3") == 2
    assert capsys.readouterr().err == "pictures need matplotlib: pip install 'matplotlib>=3.9'\n"


def test_progress_counts_the_cells(tmp_path, monkeypatch):
    counted = []
    scope_map("T3.6", (8, 9), columns=7, advance=counted.append)
    assert counted == [7, 7]


def test_help_has_examples_and_every_claim(capsys):
    shared.assert_help(main, MAPPED, "paper-checks scope ", capsys)
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.count("paper-checks scope T") >= 4
    assert [claim for claim in MAPPED if not re.search(rf"^ +{claim} +\w", said, flags=re.MULTILINE)] == []


def test_drawn_is_what_the_report_can_use():
    """The picture of a default map, without a file."""
    picture = ScopePicture(scope_claims.default_map("T3.6"))
    assert picture.render("svg").startswith(b"<?xml") and not picture.contradictions


def test_a_limit_outside_is_said_to_be():
    """Between two integers there is nothing: N = 12 alone has √(3/2)/N in the picture."""
    levels = Fraction(1, 10), Fraction(1, 10)
    said = [words(ET.fromstring(ScopePicture(scope_map("T3.6", sizes, levels)).render("svg")))
            for sizes in ((11, 13), (8, 11), (13, 64))]  # fmt: skip
    assert ["√(3/2)/N (limit)" in found for found in said] == [True, False, False]
    assert ["√(3/2)/N (limit): outside" in found for found in said] == [False, True, True]


def test_thresholds_and_limits_stand_at_integers_alone():
    """A bar across the band of each N, a marker in its middle, and no line from one to the next."""
    shown = scope_map("T1.3", (8, 16), (Fraction(1, 20), Fraction(1, 5)), rows=3, columns=16)
    axes = ScopePicture(shown).figure().axes[0]
    bars, *points = axes.get_lines()
    x, y = (np.reshape(values, (3, 3)) for values in bars.get_data())
    levels = [float(row[0].high) for row in shown.thresholds]
    assert x[:, 0].tolist() == x[:, 1].tolist() == levels and np.isnan(x[:, 2]).all()
    assert y[:, :2].tolist() == [[row - HALF, row + HALF] for row in range(3)]
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(size) for size in shown.sizes]
    for line, levels in zip(points, shown.estimates.values(), strict=True):
        assert line.get_linestyle() == "None" and line.get_marker() != "None"
        assert line.get_data()[0].tolist() == list(levels) and line.get_data()[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("claim", ["T1.3", "T4.4"])
def test_shades_are_the_quantity_with_zero_in_their_middle(claim):
    """The shade of every cell by its share of the row's largest size; darker below zero, so that greyscale keeps it."""
    picture = ScopePicture(scope_claims.default_map(claim))
    middle = len(SHADES) // 2
    for row, values in enumerate(picture.map.values):
        shades = picture.shades(row)
        for value, shade in zip(values / np.nanmax(np.abs(values)), shades, strict=True):
            assert shade == -1 if np.isnan(value) else EDGES[shade] <= value <= EDGES[shade + 1]
        assert ((shades >= middle) == picture.map.holds[row]).all()
    lightness = [luminance(to_rgb(shade)) for shade in SHADES]
    assert EDGES[middle] == 0 and np.all(np.diff(lightness) > 0)
    assert lightness[middle] > lightness[middle - 1] + 0.15


def test_infinite_quantities_have_the_last_shade():
    shown = small_map()
    values = shown.values.copy()
    values[0, :3], values[1] = (-np.inf, np.inf, np.nan), 0
    picture = ScopePicture(replace(shown, values=values))
    assert picture.shades(0)[:3].tolist() == [0, len(SHADES) - 1, -1]
    assert set(picture.shades(1)) == {len(SHADES) // 2 - 1}  # zero is with what fails


def test_the_file_beside_has_cells_thresholds_and_limits():
    shown = small_map()
    rows = shared.rows_of(ScopePicture(shown))
    cells = [row for row in rows if row["what"] == "cell"]
    assert [int(row["N"]) for row in cells] == [8] * 16 + [16] * 16
    assert [float(row["alpha"]) for row in cells] == pytest.approx([float(level) for level in shown.levels] * 2)
    assert [float(row["quantity"]) for row in cells] == pytest.approx(shown.values.ravel().tolist(), rel=1e-7)
    assert [row["name"] == shown.statement.holds for row in cells] == shown.holds.ravel().tolist()
    exact = [row for row in rows if row["what"] == "exact threshold"]
    assert [(row["N"], row["name"]) for row in exact] == [("8", "threshold of T1.3"), ("16", "threshold of T1.3")]
    for row, threshold in zip(exact, (row[0] for row in shown.thresholds), strict=True):
        ends = float(row["alpha"]), float(row["alpha, upper end"])
        assert ends == pytest.approx((float(threshold.low), float(threshold.high)), rel=1e-7)
    limits = {(row["name"], row["N"]): float(row["alpha"]) for row in rows if row["what"] == "limit"}
    assert limits["√2/N", "16"] == pytest.approx(2**0.5 / 16, rel=1e-7) and len(limits) == 4


@pytest.mark.parametrize("claim", ["T1.3", "T3.6", "T4.2"])
def test_default_maps(claim):
    shown = scope_claims.default_map(claim)
    assert shown.values.shape == (9, 49) and shown.judged and shown.contradictions == []
