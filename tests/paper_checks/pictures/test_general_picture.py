"""The picture of general laws: what it shows of every token, says in words, and refuses."""

import xml.etree.ElementTree as ET
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from paper_checks.pictures.general import tokens, tokens_data
from paper_checks.pictures.general.tokens import TokensPicture
from tests.oracles import picture_commands as shared
from tests.oracles.picture_commands import SVG, words

main = shared.command("draw")
NAME = "general-laws"
SHARES = (Fraction(0), Fraction(1, 2), Fraction(1))


@cache
def panels():
    return [tokens_data.panel(share, Fraction(1, 2), 256) for share in SHARES]


def changed(panel, token, value):
    """The panel with another K[E(a)] of one token."""
    return panel._replace(token=np.where(np.arange(len(panel.names)) == token, value, panel.token))


def test_a_panel_has_the_values_of_g5():
    """Known from another programme: K[P(q)] and K[E(τ)] on Shakespeare; the uniform chain is the task with N = 64."""
    from theory import Task, key_query_classes

    shakespeare = panels()[2]
    assert shakespeare.previous[shakespeare.trigger] == pytest.approx(3.13e-3, rel=2e-3)
    assert shakespeare.token[shakespeare.noise] == pytest.approx(2.1e-3, rel=3e-2)
    assert (shakespeare.names[shakespeare.trigger], shakespeare.names[shakespeare.noise]) == (" ", "!")
    uniform, classes = panels()[0], key_query_classes(Task(64, 256, 0.5))
    assert uniform.token[uniform.noise] == pytest.approx(classes["E(tau)"], rel=1e-9)
    assert uniform.previous[uniform.trigger] == pytest.approx(classes["P(q)"], rel=1e-9)
    assert np.delete(uniform.token, [uniform.trigger, uniform.noise]) == pytest.approx(classes["E(k)"], rel=1e-6)


def test_frequencies_are_shares_of_positions():
    for panel in panels():
        assert panel.frequency.sum() == pytest.approx(1) and (panel.frequency > 0).all()
    assert panels()[2].frequency.argmax() == panels()[2].trigger


def test_what_a_reader_should_see():
    """The noise token lies lowest on the uniform chain, and above every ordinary one on Shakespeare."""
    uniform, _, shakespeare = panels()
    assert uniform.token.argmin() == uniform.noise and not tokens_data.disagreements(panels())
    assert shakespeare.token[shakespeare.noise] > 2 * shakespeare.ordinary.max()


@pytest.mark.parametrize(("which", "line"), [
    (0, "uniform chain: K[E(τ)] is not the least K[E(a)]"),
    (2, "Shakespeare: K[E(τ)] is not above K[E(a)] of every ordinary token"),
])  # fmt: skip
def test_a_noise_elsewhere_is_a_contradiction(which, line):
    shown = list(panels())
    shown[which] = changed(shown[which], shown[which].noise, 0.0 if which == 0 else np.sort(shown[which].ordinary)[-2])
    assert TokensPicture(shown).contradictions == [line]
    assert TokensPicture([panel._replace(alpha=0.3) for panel in shown]).contradictions == []  # nothing is stated there


def test_marks_are_the_numbers_and_names_stand_apart():
    picture = TokensPicture(panels())
    for axes, panel in zip(picture.figure().axes, panels(), strict=True):
        _, token, previous, *named = axes.get_lines()
        others = np.delete(np.arange(65), [panel.trigger, panel.noise])
        unit = panel.token[others[0]] / token.get_ydata()[0]
        assert np.log10(unit) == pytest.approx(round(np.log10(unit)))
        for line, values in ((token, panel.token), (previous, panel.previous)):
            assert line.get_xdata() == pytest.approx(panel.frequency[others])
            assert line.get_ydata() * unit == pytest.approx(values[others])
        expected = [values[at] for at in (panel.noise, panel.trigger) for values in (panel.token, panel.previous)]
        assert [float(line.get_ydata()[0]) * unit for line in named] == pytest.approx(expected)
        low, high = axes.get_ylim()
        labels = [text for text in axes.texts if text.get_text().startswith(("noise", "trigger"))]
        heights = np.sort([(text.xyann[1] - low) / (high - low) for text in labels])
        assert len(labels) == 4 and np.diff(heights).min() > tokens.APART - 1e-9 and 0 < heights[0] < heights[-1] < 1


def test_names_of_a_crowd_stand_apart_inside_the_panel():
    found = tokens._spread([0.5, 0.5, 0.5, 0.5])
    assert np.diff(found) == pytest.approx(tokens.APART)
    for heights in ([1.0, 1.0, 0.99, 0.98], [0.0, 0.0, 0.01, 0.02], [0.9, 0.1, 0.92, 0.5]):
        found = tokens._spread(heights)
        assert min(found) > 0 and max(found) < 1 and np.diff(np.sort(found)).min() > tokens.APART - 1e-9
        assert np.argsort(found, kind="stable").tolist() == np.argsort(heights, kind="stable").tolist()


def test_it_says_what_it_shows(tmp_path, capsys):
    assert main([NAME, "--out", str(tmp_path / "tokens.svg")]) == 0
    root = ET.parse(tmp_path / "tokens.svg").getroot()
    assert root.find(f"{SVG}title").text == "Where the first key-query step looks, token by token: α = 0.5, T = 256"
    said = root.find(f"{SVG}desc").text
    assert "Uniform chain, λ = 0: noise E(τ) -1.37e-05" in said and "63 of them above the noise" in said
    assert "Shakespeare, λ = 1: noise E(τ) 2.10e-03" in said and ", 0 of them above the noise" in said
    assert "Trigger q: the space; noise token τ: “!”" in said and "κ C, to about 1.3 % at λ = 0, " in said
    shown = words(root)
    for name in ("noise E(τ)", "noise P(τ)", "trigger E(q)", "trigger P(q)"):
        assert shown.count(name) == 3
    assert {"Uniform chain, λ = 0", "Mixture, λ = 0.5", "Shakespeare, λ = 1", "the 63 others"} <= set(shown)
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'tokens.svg'}: K at uniform output probabilities")


def test_the_file_beside_has_every_token():
    rows = shared.rows_of(TokensPicture(panels()))
    assert len(rows) == 3 * 65 and {row["role"] for row in rows} == {"", "noise", "trigger"}
    (noise,) = [row for row in rows if row["lambda"] == "1" and row["role"] == "noise"]
    panel = panels()[2]
    assert noise["token"] == "!" and float(noise["K[E(a)]"]) == pytest.approx(panel.token[panel.noise], rel=1e-7)
    assert float(noise["kappa C, E(a)"]) == pytest.approx(panel.by_frequency[panel.noise], rel=1e-7)
    largest = max(abs(float(row[f"K[{block}(a)]"])) for row in rows if row["lambda"] == "1" for block in "EP")
    apart = max(abs(float(row[f"K[{block}(a)]"]) - float(row[f"kappa C, {block}(a)"]))
                for row in rows if row["lambda"] == "1" for block in "EP")  # fmt: skip
    assert panel.remainder == pytest.approx(apart / largest, rel=1e-4)
    assert next(row["token"] for row in rows if row["lambda"] == "0") == r"\n"


def test_other_options(tmp_path):
    out = tmp_path / "tokens.png"
    assert main([NAME, "--alpha", "0.1", "--shares", "0.1", "--T", "64", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_same_picture_same_bytes():
    shared.assert_same_bytes(TokensPicture, panels)


@pytest.mark.parametrize(("arguments", "message"), [
    ("--alpha 0", "alpha must be strictly between 0 and 1, got 0"),
    ("--alpha 1", "alpha must be strictly between 0 and 1, got 1"),
    ("--shares 0,2", "Invalid value for '--shares': 1 to 6 different numbers in 0..1 are needed, got '0,2'"),
    ("--shares 0,0", "Invalid value for '--shares': 1 to 6 different numbers in 0..1 are needed, got '0,0'"),
    ("--shares half", "Invalid value for '--shares': a number such as 0.3 or 1/3 is needed, got 'half'"),
    ("--T 1", "Invalid value for '--T': 1 is not in the range 2<=x<=1000000."),
])  # fmt: skip
def test_bad_arguments_are_one_line_before_the_work(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(tokens_data, "panel", None)
    shared.assert_refused(main, f"{NAME} {arguments}", tmp_path, capsys, f"paper-checks draw {NAME}: error: {message}")


def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tokens_data, "panel", shared.interrupted)
    shared.assert_interrupted(main, NAME, tmp_path, capsys)
