"""The numbers of the memories' pictures, apart from the drawing: theory's, and what is held against them."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from paper_checks.pictures import memory_data as data
from paper_checks.pictures.memory import level, number, shade
from paper_checks.pictures.steps import block_in_words, share
from tests.oracles.memory_numbers import LEVEL, ROW, all_curves
from theory.birth.accuracy import basic_accuracy
from theory.birth.three_steps import InductionTask, key_association, output_association
from theory.memory import gradient_flow as memory
from theory.memory import spectrum as memory_spectrum


@pytest.mark.parametrize("panel", range(4))
def test_curves_are_theory_and_cross_at_t(panel):
    curves = all_curves()[panel]
    n = data.SIZES[panel]
    assert curves.n == n and (np.diff(curves.times) > 0).all()
    special = [memory_spectrum.crossing_time(n, LEVEL), memory_spectrum.positive_noise_time(n, LEVEL)]
    assert all(time in curves.times for time in special if time)
    for t, correct, noise in zip(curves.times, curves.correct, curves.noise, strict=True):
        assert (correct, noise) == memory_spectrum.singular_values(n, LEVEL, float(t))
        seen = np.linalg.svd(memory.logits(n, LEVEL, float(t)), compute_uv=False)
        assert np.sort([noise, *[correct] * (n - 1)]) == pytest.approx(np.sort(seen), abs=1e-13 * seen[0])
        if t != curves.crossing:
            top = curves.late if t > curves.crossing else curves.early
            assert (noise > correct) == (top == "noise")


def test_numbers_of_the_default_picture():
    """The issue's own values: n = 8 ends on D and σ, t* at n = 4, and one range of times that holds every t*."""
    panels = all_curves()
    assert [panel.early for panel in panels] == ["correct"] * 4
    assert [panel.late for panel in panels] == ["correct", "correct", "noise", "noise"]
    assert [panel.crossing > 0 for panel in panels] == [False, False, True, True]
    assert len({(panel.times[0], panel.times[-1]) for panel in panels}) == 1
    assert all(panel.times[0] < panel.crossing < panel.times[-1] for panel in panels[2:])
    gap = memory_spectrum.singular_gap
    assert gap(4, LEVEL, 0.999 * panels[2].crossing) < 0 < gap(4, LEVEL, 1.001 * panels[2].crossing)


def test_numpy_off_by_1e_12_is_a_contradiction():
    curves = all_curves()[3]
    assert curves.contradictions() == []
    for changed in ("seen_noise", "seen_correct"):
        wrong = replace(curves, **{changed: getattr(curves, changed) * (1 + 1e-12)}).contradictions()
        assert len(wrong) == len(curves.seen_times) and all("n = 8, t = " in line for line in wrong)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_stretches_tile_the_noise_levels(n):
    """And each says truly what is on top early and late, and how large t* is, at places off its middle."""
    stretches = ROW(n).stretches()
    assert stretches[0].left == 0 and stretches[-1].right == 1
    assert all(one.right == other.left for one, other in pairwise(stretches))
    assert 1 / (n + 1) ** 0.5 in [stretch.left for stretch in stretches]
    for stretch in stretches:
        alpha = stretch.left + 0.37 * (stretch.right - stretch.left)
        crossing = memory_spectrum.crossing_time(n, alpha)
        assert memory_spectrum.top_space_at(n, alpha, 1e-3 * (crossing or 1)) == stretch.early
        assert memory_spectrum.top_space_at(n, alpha, 10 * (crossing or 1)) == stretch.late
        assert (crossing == 0) == (stretch.early == stretch.late) == (stretch.most == 0)
        assert stretch.least <= crossing <= stretch.most
    assert len(stretches) == (2 if n == 3 else len(data.EXPONENTS) + 2)


@pytest.mark.parametrize("n", [2, 4])
def test_lines_are_where_the_crossing_takes_that_time(n):
    """To 1e-6 in the log-odds of α, in which log t* is steep by at most |d log t*|/1e-3 between two neighbours."""
    for t, alpha in ROW(n).lines:
        step = 1e-3 * alpha * (1 - alpha)
        low, high = sorted(memory_spectrum.crossing_time(n, alpha + side * step) for side in (-1, 1))
        assert low < t < high
        assert memory_spectrum.crossing_time(n, alpha) == pytest.approx(t, rel=2e-3 * np.log(high / low))


def test_map_is_checked_against_numpy(monkeypatch):
    assert ROW(4).contradictions == () and ROW(4).checks == 2 * len(data.EXPONENTS)
    flipped = {"noise": "correct", "correct": "noise"}
    monkeypatch.setattr(data, "seen_top", lambda *place, seen=data.seen_top: flipped[seen(*place)])
    wrong = data.row(3).contradictions
    assert len(wrong) == 2 * len(data.EXPONENTS)
    assert wrong[0] == "n = 3, alpha = 0.495, t = 10: theory has correct, numpy noise on top"


def test_found_rows_by_hand():
    block = np.array([[3.0, 9.0, 0.0], [1.0, 2.0, 8.0], [0.0, 4.0, 7.0]])
    columns, rows, right = data.found_rows("W_O2[E]", block)
    assert (columns.tolist(), rows.tolist(), right.tolist()) == ([0, 1, 2], [0, 0, 1], [True, False, False])
    columns, rows, right = data.found_rows("W_K1[P, P]", block)
    assert (columns.tolist(), rows.tolist(), right.tolist()) == ([1, 2], [0, 1], [True, True])
    later = np.array([[0.0, 1.0, 5.0], [0.0, 2.0, 1.0], [0.0, 99.0, 2.0]])
    assert data.found_rows("W_K1[P, P]", later)[1].tolist() == [1, 0]  # position 3 is not attended to from 2
    assert block_in_words("W_K1[P, P]", later) == ["largest at s = t-1 in 0 of 2 columns"]


@pytest.mark.parametrize("keys", ["E1", "E1+E"])
def test_blocks_are_theory(keys, monkeypatch):
    monkeypatch.setattr(data, "FRESH", 2**11)
    task = InductionTask(20, 16)
    steps = data.three_steps(task, keys, 0, 128, 7, lambda: None)
    size, _ = data.step_sizes(task, keys)
    o = float(output_association(task))
    assert steps.blocks["W_O2[E]"] == pytest.approx(o * (np.eye(20) - 1 / 20))
    for block in ("E1", "E")[: len(steps.blocks) - 2]:
        scale = size * float(key_association(task, block)) / 19
        assert steps.blocks[f"W_K2[{block}, E]"] == pytest.approx(scale * (np.eye(20) - 1 / 20))
    assert ("W_K2[E, E]" in steps.blocks) == (keys == "E1+E")
    assert steps.blocks["W_K1[P, P]"].shape == (16, 16)
    assert all(data.found_rows(name, block)[2].all() for name, block in steps.blocks.items() if name != "W_K2[E, E]")
    assert steps.exact == {"E1": basic_accuracy(task), "E1+E": 1}
    assert steps.wrong == 0 and steps.widths == [] and steps.contradictions() == []
    first = data.FRESH / 14  # a trigger at the first of 14 places: binomial, 6 standard deviations
    expected = data.FRESH - (first if keys == "E1" else 0)
    assert steps.looked_at == pytest.approx(expected, abs=6 * first**0.5 if keys == "E1" else 0)


def test_widths_have_their_own_seeds_and_errors(monkeypatch):
    seeds, widths = [], (32, 256)
    monkeypatch.setattr(data, "WIDTHS", widths)
    monkeypatch.setattr(data, "FRESH", 2**9)
    gaussian = data.gaussian_grams
    monkeypatch.setattr(data, "gaussian_grams", lambda *sizes, seed: seeds.append(seed) or gaussian(*sizes, seed=seed))
    advanced = []
    found = data.three_steps(InductionTask(6, 8), "E1+E", 2, 128, 7, lambda: advanced.append(1)).widths
    assert [one.width for one in found] == [*widths, None]
    assert len(set(seeds)) == len(seeds) == 2 * len(widths) and len(advanced) == len(seeds) + 2
    for one in found:
        assert 0 < one.mean == np.mean(one.draws) <= 1
        assert one.standard_error == pytest.approx(abs(one.draws[0] - one.draws[1]) / 2)


def test_shades_differ_without_colour():
    levels = [shade(least)[:3] @ np.array([0.299, 0.587, 0.114]) for least in (0, *(10.0**k for k in data.EXPONENTS))]
    assert all(high - low > 0.04 for high, low in pairwise(levels))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (37.217, "37.2"),
        (233.35, "233"),
        (1.5, "1.5"),
        (176561.2, "1.77·10⁵"),
        (1e-5, "1.00·10⁻⁵"),
        (9999.7, "1.00·10⁴"),
    ],
)
def test_number(value, said):
    assert number(value) == said


def test_levels_and_shares_are_told_apart_from_their_neighbours():
    assert [level(Fraction(text)) for text in ("0.3", "1/3", "1/2")] == ["0.3", "1/3", "0.5"]
    assert [share(value) for value in (Fraction(1), Fraction(1, 3))] == ["1", "0.3333"]
    assert share(1 - Fraction(1, 10**9)) == "1 - 1.0e-09"


def test_a_tie_is_one():
    tie = data.curves(3, Fraction(1, 2), 1.0, 10.0)
    assert (tie.early, tie.late) == ("tie", "tie") and (tie.correct == tie.noise).all() and not tie.contradictions()
