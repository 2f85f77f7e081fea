"""Maps whose rows are shares of a mixture: levels of columns, what they judge, how they are drawn, said and printed."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.scope import claims as scope_claims
from paper_checks.scope import words as scope_words
from paper_checks.scope.claims import scope_map
from paper_checks.scope.grid import MIXTURES, shares_between
from paper_checks.scope.maps import Mapped, Statement, Threshold
from paper_checks.scope.picture import EXACT, PREDICTED, ScopePicture
from tests.oracles import picture_commands as shared

main = shared.command("scope")
PLAIN = Statement(
    "the share exceeds 3/5 of the noise", "above", "below", "λ - 3α/5",
    lambda share, T, alpha: float(share - alpha * 3 / 5),
    crossings=lambda T, alpha: [Threshold("level λ*", alpha * 3 / 5, alpha * 3 / 5, -1, 1)],
    predictions={"α/3": lambda T, alpha: float(alpha / 3) if alpha < Fraction(9, 10) else math.nan},
)  # fmt: skip
"""A statement about nothing, of which everything is known."""


@pytest.fixture
def plain(monkeypatch):
    """A claim X1 with this statement; returns how to map it with another one in its place."""

    def mapped(statement=PLAIN, **options):
        monkeypatch.setitem(scope_claims.MAPPED, "X1", Mapped(MIXTURES, {"only": statement}, setting="256"))
        return scope_map("X1", **({"rows": 3, "columns": 5, "levels": (Fraction(1, 10), Fraction(9, 10))} | options))

    return mapped


def test_shares_are_evenly_spaced_in_their_square_root():
    assert shares_between(Fraction(0), Fraction(1), 5) == tuple(Fraction(k * k, 16) for k in range(5))
    assert (
        shares_between(Fraction(1, 9), Fraction(1, 9), 5) == (Fraction(1, 9),) == shares_between(Fraction(1, 9), 1, 1)
    )
    found = shares_between(Fraction(1, 9), Fraction(1, 3), 4)
    assert found[0] == Fraction(1, 9) and found[-1] == Fraction(1, 3)
    assert np.diff(np.sqrt([float(share) for share in found])) == pytest.approx((3**-0.5 - 1 / 3) / 3)


def test_every_cell_is_judged_by_the_level_of_its_column(plain):
    shown = plain()
    assert shown.sizes == (0, Fraction(1, 4), 1) and shown.setting == "T = 256" and shown.judged == 15
    assert shown.holds.tolist() == [[share > level * 3 / 5 for level in shown.levels] for share in shown.sizes]
    assert shown.contradictions == []


@pytest.mark.parametrize("factor", [Fraction(21, 20), Fraction(19, 20)])
def test_a_shifted_level_is_a_contradiction(plain, factor):
    """5 % off in either direction, with a cell between it and the true level."""
    level = factor * 3 / 10
    moved = replace(PLAIN, crossings=lambda T, alpha: [Threshold("level λ*", level, level, -1, 1)])
    options = {"sizes": (Fraction(29, 100), Fraction(31, 100)), "rows": 2, "levels": (Fraction(1, 2),) * 2}
    shown = plain(moved, **options)
    place, verb = ("λ = 0.31", "holds") if factor > 1 else ("λ = 0.29", "does not hold")
    source = f"level λ* {float(level):.6g}"
    assert shown.contradictions == [f"X1, α = 0.5, T = 256: at {place} it {verb}, against {source}"]
    assert shown.contradicted.sum() == 1 and plain(**options).contradictions == []


def test_between_two_levels_of_a_column(plain):
    """Each cell is judged by its neighbours alone, the ends of λ included."""
    both = replace(
        PLAIN, quantity=lambda share, T, alpha: float((share - Fraction(1, 10)) * (Fraction(1, 2) - share)),
        crossings=lambda T, alpha: [Threshold("lower", Fraction(1, 10), Fraction(1, 10), -1, 1),
                                    Threshold("upper", Fraction(1, 2), Fraction(1, 2), 1, -1)],
    )  # fmt: skip
    shown = plain(both)
    assert shown.contradictions == [] and shown.judged == 15 and shown.holds[:, 0].tolist() == [False, True, False]


def test_bars_stand_across_their_columns_and_predictions_are_dashed(plain):
    """At the height of λ between the rows, whose roots are evenly spaced; bands touch, as there is λ in between."""
    picture = ScopePicture(plain())
    bars, dashed = picture.figure().axes[0].get_lines()
    x, y = (np.reshape(values, (5, 3))[:, :2] for values in bars.get_data())
    assert bars.get_color() == EXACT["color"] and np.diff(x, axis=1) == pytest.approx(0.2)
    levels = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    heights = np.interp(levels * 0.6, [0, 0.25, 1], [0, 1, 2])
    assert y[:, 0] == pytest.approx(heights) and y[:, 1] == pytest.approx(heights) and picture.half == 0.5
    assert dashed.get_color() == PREDICTED[0]["color"] and dashed.get_linestyle() == "--"
    assert dashed.get_ydata()[:4] == pytest.approx(np.interp(levels[:4] / 3, [0, 0.25, 1], [0, 1, 2]))
    assert np.isnan(dashed.get_ydata()[4])
    said = picture.render("svg").decode()
    assert "level λ*, exact" in said and "α/3 (leading order)" in said and "share λ of Shakespeare" in said


def test_levels_outside_are_said_to_be(plain):
    far = replace(PLAIN, crossings=lambda T, alpha: [Threshold("level λ*", 2, 2, -1, -1)], quantity=lambda *cell: -1.0)
    assert "level λ*, exact: outside" in ScopePicture(plain(far)).render("svg").decode()


def test_words_and_table(plain):
    picture = ScopePicture(plain())
    assert "Bars, exact, found by another route: level λ*." in picture.caption
    assert "Dashed, to leading order: α/3." in picture.caption
    assert "λ from 0 to 1, α from 0.1 to 0.9, T = 256" in picture.caption
    assert "λ = 0.25: α 0.1 to 0.3 above, α 0.5 to 0.9 below" in picture.description()
    assert "α = 0.7: level λ* 0.42." in picture.description()
    rows = shared.rows_of(picture)
    found = {what: [row for row in rows if row["what"] == what] for what in ("cell", "exact crossing", "prediction")}
    assert [len(these) for these in found.values()] == [15, 5, 5]
    crossing = found["exact crossing"][2]
    ends = [float(crossing[name]) for name in ("lambda", "lambda, upper end", "alpha")]
    assert ends == [0.3, 0.3, 0.5] and found["prediction"][4]["lambda"] == ""
    assert float(found["prediction"][0]["lambda"]) == pytest.approx(0.1 / 3)


def test_letters(plain):
    """As the picture has the cells, and the levels of the columns below."""
    assert scope_words.letters(plain(columns=3)).splitlines() == [
        "+ above, - below:",
        "   lambda = 1 |+++|",
        "lambda = 0.25 |+--|",
        "   lambda = 0 |---|",
        "        alpha 0.1 0.9",
        "alpha = 0.1: sign changes at lambda = 0.06",
        "alpha = 0.5: sign changes at lambda = 0.3",
        "alpha = 0.9: sign changes at lambda = 0.54",
    ]


def test_letters_of_sizes():
    """Exact thresholds stand at the right of their rows, one column in two where there are too many."""
    shown = scope_map("T1.3", (8, 9), (Fraction(1, 20), Fraction(1, 5)), "64", rows=2, columns=100)
    first, *lines = scope_words.letters(shown).splitlines()
    assert first.endswith("; one noise level in 2; right of a row its exact threshold of alpha:")
    for row, line in zip((1, 0), lines, strict=False):
        name, cells, level = line.split("|")
        assert name.strip() == f"N = {shown.sizes[row]}"
        assert cells == "".join("+" if holds else "-" for holds in shown.holds[row, ::2])
        assert float(level) == pytest.approx(float(shown.thresholds[row][0].high), rel=1e-4)
    wrong = replace(shown, values=-shown.values)
    assert "x contradiction" in scope_words.letters(wrong) and "|xxx" in scope_words.letters(wrong)


def test_the_command_takes_shares(plain, tmp_path, capsys):
    plain()
    out = tmp_path / "map.svg"
    assert main(["X1", "--lambda", "0:1/4", "--rows", "2", "--columns", "3", "--T", "99", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "λ from 0 to 0.25, α from 0.1 to 0.9, T = 99" in said and "\nlambda = 0.25 |+--|\n" in said


@pytest.mark.parametrize(("arguments", "message"), [
    ("X1 --lambda 0:2", r"lambda must be a real number in \[0, 1\], got "),
    ("X1 --lambda 0.5:0.25", "lambda must be LOW:HIGH with LOW <= HIGH, got 0.5:0.25"),
    ("X1 --lambda low", "Invalid value for '--lambda': LOW:HIGH or one number is needed, such as 0.01:0.99, got 'low'"),
    ("X1 --T N", "T must be an integer in 2..1000000, got 'N'"),
    ("X1 --T 1", "T must be an integer in 2..1000000, got '1'"),
    ("X1 --N 8", "No such option '--N'.* Accepted: --lambda --alpha --T --rows"),
])  # fmt: skip
def test_bad_arguments_are_one_line_before_the_work(plain, tmp_path, monkeypatch, capsys, arguments, message):
    plain()
    monkeypatch.setattr(scope_claims, "fill", None)
    shared.assert_refused(main, arguments, tmp_path, capsys, rf"paper-checks scope( \S+)?: error: {message}")
