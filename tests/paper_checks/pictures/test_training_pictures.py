"""The pictures of training: the command on numbers made by hand, what it draws, what it refuses, what it admits."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from paper_checks.evidence.training_design import TRAINING
from paper_checks.experiments.trainings import birth, replicates
from paper_checks.experiments.trainings.settings import close_marks, fine_marks
from paper_checks.pictures import bands
from paper_checks.pictures import training_data as data
from paper_checks.pictures.training import CurvesPicture, ProbesPicture, RanksPicture
from tests.oracles import picture_commands as commands
from tests.oracles.training_numbers import StillNoisy, recall_run, shown

main = commands.command("draw", "training")
WORK = {"curves": "recall_curves", "ranks": "truncations", "probes": "probe_curves"}
PICTURES = {"curves": CurvesPicture, "ranks": RanksPicture, "probes": ProbesPicture}


@pytest.fixture
def by_hand(monkeypatch):
    """The commands show what was made by hand."""
    commands.show(monkeypatch, data, WORK, shown)


EXPECTED = {
    "curves": (
        "Noisy recall over training: noise level α = 0.5, 1 trigger, 600 updates",
        ["P(τ)", "Without F2", "recall", "2nd layer, on (q,c)", "1st layer, on t-1, all t", "updates", "α = 1 - α"],
        ["after 0, 10, 50, 100, 200 and 600 updates", "P(τ) of the full model 0.09, 0.29, 0.49, 0.49, 0.49, 0.49;",
         "24 numbers held against the ledger's thresholds in E1, E2, E4, E5: 0 on the wrong side"],
    ),
    "ranks": (
        "Which singular directions hold the noise: N = 12 tokens, α = 0.5",
        ["P(τ), top r kept", "P(c), top r removed", "N = 12", "w1 of F2 (reads its input)", "48"],
        ["no feed-forward layers: P(τ) with the top r kept 0.19, 0.19, 0.19, 0.19, 0.19, 0.19, 0.19, 0.49, 0.49,",
         "16 numbers held against the ledger's thresholds in E3, E6: 0 on the wrong side"],
    ),
    "probes": (
        "The birth of an induction head: three random triggers, no noise, 200 updates",
        ["W_O²", "W_K²", "W_K¹", "Loss on every token", "Loss at triggers that stood before", "in-context recall"],
        ["W_K¹, loss at triggers that stood before 0.10, 0.10, 0.10, 0.79;", "KL on bigrams, in nats",
         "18 numbers held against the ledger's thresholds in B4, B5: 0 on the wrong side"],
    ),
}  # fmt: skip
"""Title, text in the picture, text in its description."""


@pytest.mark.parametrize("name", PICTURES)
def test_title_text_and_description(tmp_path, by_hand, name):
    commands.assert_described(main, name, tmp_path, EXPECTED[name])


@pytest.mark.parametrize("name", PICTURES)
def test_same_numbers_same_bytes(name):
    commands.assert_same_bytes(PICTURES[name], lambda: shown()[name])


def test_other_forms(tmp_path, by_hand):
    commands.assert_forms(main, "curves", tmp_path)


def lines(axes):
    """Medians and bands by label."""
    found = {line.get_label(): line for line in axes.get_lines() if line.get_marker() != "None"}
    return found, {band.get_label().removeprefix("_"): band for band in axes.collections}


def ends(band):
    """Places, lower and upper ends of a band, as they are drawn."""
    (path,) = band.get_paths()
    corners = [(round(float(x), 9), float(y)) for x, y in path.vertices]
    at = sorted({x for x, _ in corners})
    return at, *([edge(y for x, y in corners if x == place) for place in at] for edge in (min, max))


def given(name):
    """The rows over the seeds that each panel must show, by label."""
    numbers = shown()[name]
    if name == "curves":
        rows = {key: data.curves(numbers.runs, key) for key in numbers.runs[0].history[0]}
        left = {"P(τ)": "noise", "P(c)": "correct", "recall": "recall"}
        less = {label: f"{key} without F2" for label, key in left.items()}
        right = {"2nd layer, on (q,c)": "on (q,c)", "2nd layer, on (q,τ)": "on (q,τ)"}
        right |= {"1st layer, on t-1, all t": "previous", "1st layer, on t-1, t after a trigger": "after"}
        return [{label: rows[key] for label, key in panel.items()} for panel in (left, less, right)]
    if name == "ranks":
        return [{f"{label}, top r {part}": getattr(panel, part)[key] for part in ("kept", "removed")
                 for label, key in (("P(τ)", "noise"), ("P(c)", "correct"))} for panel in numbers]  # fmt: skip
    memories = {"W_O²": "W_O2", "W_K²": "W_K2", "W_K¹": "W_K1"}
    panels = [(loss, memories) for loss in ("every", "recall")]
    panels += [("every", {"KL on bigrams, in nats": "bigrams"}), ("every", {"in-context recall": "recall"})]
    return [{label: data.curves(numbers.runs[loss], key) for label, key in panel.items()} for loss, panel in panels]


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_drawn_is_what_was_given(name):
    panels, at = PICTURES[name](shown()[name]).figure().axes, data.RANKS if name == "ranks" else None
    for axes, rows in zip(panels, given(name), strict=True):
        found, shaded = lines(axes)
        assert found.keys() == rows.keys() == shaded.keys()
        for label, values in rows.items():
            steps = (close_marks(200) if name == "probes" else fine_marks(600)) if at is None else at
            assert found[label].get_xdata().tolist() == list(steps)
            assert found[label].get_ydata().tolist() == values[1].tolist()  # the middle seed
            assert ends(shaded[label]) == (list(steps), values.min(axis=0).tolist(), values.max(axis=0).tolist())
            low, high = axes.get_ylim()
            assert low <= values.min() and values.max() <= high
        left, right = axes.get_xlim()
        assert left < 0 and right > steps[-1]


COLUMNS = {
    "curves": ["model", "quantity"],
    "ranks": ["matrix", "top directions", "quantity"],
    "probes": ["loss", "quantity"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_file_beside_has_what_is_drawn(tmp_path, by_hand, name):
    """Curve by curve in the order of the panels: median, ends of the band, every training, and a unit."""
    out = tmp_path / "picture.svg"
    assert commands.draw(main, out, name) == 0
    rows = commands.rows_beside(out)
    curves = list(dict.fromkeys(tuple(row[column] for column in COLUMNS[name]) for row in rows))
    drawn = [values for panel in given(name) for values in panel.values()]
    assert len(curves) == len(drawn) and all(row["unit"] for row in rows)
    for curve, values in zip(curves, drawn, strict=True):
        found = [row for row in rows if tuple(row[column] for column in COLUMNS[name]) == curve]
        for place, row in enumerate(found):
            numbers = [float(row[f"training {n}"]) for n in (1, 2, 3)]
            assert numbers == pytest.approx(values[:, place].tolist(), rel=1e-7)
            assert [float(row[column]) for column in ("low", "median", "high")] == sorted(numbers)


def test_bands_are_the_intervals_of_the_evidence():
    """Twenty trainings: the sixth least and largest numbers, which the caption says."""
    rows = np.random.default_rng(3).normal(size=(20, 5))
    found = bands.band(rows)
    ordered = np.sort(rows, axis=0)
    assert found.low.tolist() == ordered[5].tolist() and found.high.tolist() == ordered[14].tolist()
    assert found.median.tolist() == np.median(rows, axis=0).tolist()
    said = bands.band_in_words(20)
    assert "from their 6th least to their 6th largest number" in said and said.endswith("probability 0.96.")
    assert bands.band_in_words(1) == "Lines: one training."
    assert "from their least to their largest" in bands.band_in_words(6)


@pytest.mark.parametrize("name", PICTURES)
def test_lines_differ_without_colour(name):
    for axes in PICTURES[name](shown()[name]).figure().axes:
        for one, other in combinations(lines(axes)[0].values(), 2):
            assert one.get_marker() != other.get_marker() or one.get_linestyle() != other.get_linestyle()


@pytest.mark.parametrize(("alpha", "levels"), [(0.5, [0.5]), (0.3, [0.7, 0.3])])
def test_levels_of_the_probabilities(alpha, levels):
    axes = CurvesPicture(data.RecallCurves(alpha, 1, [recall_run()])).figure().axes[0]
    assert [line.get_ydata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 2] == levels


def spoiled(name):
    """One number of two of the three seeds is on the wrong side."""
    found = shown()[name]
    if name == "ranks":
        runs = found[1].runs
        changed = [StillNoisy(run.history, run.shift) for run in runs[:2]]
        found[1] = replace(found[1], runs=[*changed, *runs[2:]])
        return found
    runs, quantity = (found.runs, "recall") if name == "curves" else (found.runs["every"], "W_K2")
    for run in runs[:2]:
        run.history[-1][quantity] = 0.1
    return found


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("curves", "E1: recall at the end: 0.1, 0.1, 0.96; on 2 of 3 seeds not above 0.8"),
        ("ranks", "E3: P(τ) without the top direction of w2 over P(τ): 1, 1, 0.149; on 2 of 3 seeds not below 0.35"),
        ("probes", "B5: W_K2 at the end, loss on every: 0.1, 0.1, 0.92; on 2 of 3 seeds not above 0.8"),
    ],
)
def test_a_contradiction_is_said_drawn_and_fails(tmp_path, monkeypatch, capsys, name, error):
    monkeypatch.setattr(data, WORK[name], lambda *options: spoiled(name))
    out = tmp_path / "picture.svg"
    assert commands.draw(main, out, name) == 1
    found, said = capsys.readouterr(), ": 1 on the wrong side in most trainings"
    assert found.err == f"{error}\n" and said in found.out
    assert said in commands.description(out)


def no_training(monkeypatch, instead):
    """What trains is something else."""
    for module in (birth, replicates):
        monkeypatch.setattr(module, "trained", instead)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("curves --alpha 0.09", "alpha must be between 0.1 and 0.9, got 0.09"),
        ("curves --alpha nan", "alpha must be between 0.1 and 0.9, got nan"),
        ("curves --alpha many", "Invalid value for '--alpha': 'many' is not a valid float."),
        ("curves --triggers 0", "Invalid value for '--triggers': 0 is not in the range 1<=x<=12."),
        ("curves --triggers 13", "Invalid value for '--triggers': 13 is not in the range 1<=x<=12."),
        ("ranks --seeds 0", "Invalid value for '--seeds': 0 is not in the range 1<=x<=100."),
        ("probes --seeds 101", "Invalid value for '--seeds': 101 is not in the range 1<=x<=100."),
        ("probes --seed -1", "Invalid value for '--seed': -1 is not in the range x>=0."),
        ("ranks --alpha 0.5", "No such option '--alpha'.* Accepted: --seeds --seed --out --check --help$"),
        ("loss", "No such command 'loss'.* Accepted: curves, overview, ranks, probes$"),
        (
            "probes --out picture.bmp",
            r"Invalid value .*--out.*: must end in \.svg, \.png or \.pdf, got 'picture\.bmp'",
        ),
    ],
    ids=str,
)
def test_bad_arguments_are_refused_before_the_work(tmp_path, monkeypatch, capsys, arguments, message):
    no_training(monkeypatch, None)
    commands.assert_refused(main, arguments, tmp_path, capsys, rf"paper-checks draw training( \S+)?: error: {message}")


@pytest.mark.parametrize("name", PICTURES)
def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys, name):
    no_training(monkeypatch, commands.interrupted)
    commands.assert_interrupted(main, name, tmp_path, capsys)


@pytest.mark.parametrize("name", PICTURES)
def test_a_missing_matplotlib_is_one_line_before_the_work(tmp_path, monkeypatch, capsys, name):
    no_training(monkeypatch, None)
    commands.forget(monkeypatch, "paper_checks.pictures.training", "paper_checks.pictures.file")
    commands.hide(monkeypatch, "matplotlib")
    assert commands.draw(main, tmp_path / "picture.svg", name) == 2
    assert capsys.readouterr().err == "pictures need matplotlib: pip install 'matplotlib>=3.9'\n"


def test_as_many_trainings_as_a_statement_needs_at_least(monkeypatch, tmp_path):
    asked = []

    def stop(*options):
        asked.append(options[-1])
        raise KeyboardInterrupt

    for name, work in WORK.items():
        monkeypatch.setattr(data, work, stop)
        main([name, "--out", str(tmp_path / "picture.svg")])
    assert asked == [TRAINING.looks[0]] * 3


def test_help_has_examples(capsys):
    commands.assert_help(main, PICTURES, "paper-checks draw training ", capsys)
