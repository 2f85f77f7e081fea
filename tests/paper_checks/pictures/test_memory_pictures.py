"""The memories' pictures: the whole command at small sizes, what it draws, what it refuses, what it admits."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction

import pytest

from paper_checks.commands import options
from paper_checks.experiments import induction as induction_experiments
from paper_checks.pictures import memory_data as data
from tests.oracles import picture_commands as shared
from tests.oracles.memory_numbers import DOTS, FULL, LEVEL, ROW, all_curves
from theory.birth.accuracy import basic_accuracy
from theory.birth.three_steps import InductionTask
from theory.memory import spectrum as memory_spectrum

main = shared.command("draw", "memories")
SVG = "{http://www.w3.org/2000/svg}"
WIDTHS, FRESH = (32, 256), 2**9
SIX = ["three-steps", "--N", "6", "--T", "8"]
COMMANDS = {
    "singular-values": ["singular-values", "--alpha", "0.3"],
    "top-space": ["top-space", "--largest-n", "4"],
    "three-steps": [*SIX, "--draws", "2", "--samples", "128", "--seed", "3"],
}


@pytest.fixture(scope="module", autouse=True)
def small_and_cached_numbers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "WIDTHS", WIDTHS)
        patch.setattr(data, "FRESH", FRESH)
        patch.setattr(data, "all_curves", all_curves)
        patch.setattr(data, "row", ROW)
        yield


def draw(out, *words):
    return main([*words, "--out", str(out)])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The three pictures' SVG."""
    found = {}
    for name, words in COMMANDS.items():
        out = tmp_path_factory.mktemp("pictures") / "picture.svg"
        assert draw(out, *words) == 0
        assert sorted(file.name for file in out.parent.iterdir()) == ["picture.csv", "picture.svg"]
        found[name] = out.read_bytes()
    return found


@pytest.fixture(scope="module")
def roots(pictures):
    return {name: ET.fromstring(content) for name, content in pictures.items()}


def words(root):
    return ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]


def test_text_is_text(roots):
    titles = {
        "singular-values": "Singular values of the associative memory's logits, noise level α = 0.3",
        "top-space": "Which singular space of the associative memory is on top, and from when",
        "three-steps": "An induction head after three gradient steps: N = 6, T = 8, keys read E1 and E",
    }
    expected = {
        "singular-values": [
            "time t, in units of 1/(learning rate)",
            "singular value",
            "n = 3: correct space on top at every t > 0",
            "n = 4: correct space on top before t*, noise direction after",
            f"t* = {memory_spectrum.crossing_time(4, LEVEL):.0f}",
        ],
        "top-space": ["noise level α", "number of inputs n", "then noise", "then correct"],
        "three-steps": [
            "W_K²[E(k), E(l)]",
            "position t as query",
            "7 of 7 columns",
            "embedding width d",
        ],
    }
    for name, root in roots.items():
        assert root.find(f"{SVG}title").text == titles[name]
        assert titles[name] in " ".join(words(root))
        assert [text for text in expected[name] if text not in words(root)] == []


def test_descriptions_hold_the_numbers(roots):
    said = {name: root.find(f"{SVG}desc").text for name, root in roots.items()}
    assert f"{4 * DOTS} matrices, 0 of them off theory" in said["singular-values"]
    assert (
        "n = 2: α from 0 to 0.577: correct, α from 0.577" in said["top-space"] and ": 0 disagree" in said["top-space"]
    )
    assert f"accuracy is {float(basic_accuracy(InductionTask(6, 8))):.4f}" in said["three-steps"]
    assert f"0 errors on {FRESH} fresh sequences, seed 3" in said["three-steps"]
    assert all(f"width {width}: accuracy 0." in said["three-steps"] for width in WIDTHS)


def test_the_files_beside_have_what_is_drawn(tmp_path):
    """Theory's and numpy's singular values, the stretches of noise levels, every entry of the blocks."""
    rows = {}
    for name, words_of in COMMANDS.items():
        assert draw(tmp_path / f"{name}.svg", *words_of) == 0
        rows[name] = shared.rows_beside(tmp_path / f"{name}.svg")
    panels = all_curves()
    theory = [row for row in rows["singular-values"] if row["source"] == "theory"]
    assert [float(row["singular value, noise direction"]) for row in theory] == pytest.approx(
        [value for panel in panels for value in panel.noise], rel=1e-7
    )
    assert len(rows["singular-values"]) - len(theory) == sum(panel.seen_correct.size for panel in panels)
    stretches = [(row.n, stretch) for row in map(ROW, (2, 3, 4)) for stretch in row.stretches()]
    found = [(int(row["n"]), row["on top early"], row["on top late"]) for row in rows["top-space"]]
    assert found == [(n, stretch.early, stretch.late) for n, stretch in stretches]
    assert [float(row["alpha to"]) for row in rows["top-space"]] == pytest.approx(
        [stretch.right for _, stretch in stretches], rel=1e-7
    )
    counts = {
        what: sum(row["what"] == what for row in rows["three-steps"]) for what in ("W_K¹[P(s), P(t)]", "accuracy")
    }
    assert counts == {"W_K¹[P(s), P(t)]": 8 * 8, "accuracy": 2 * (len(WIDTHS) + 1)}


@pytest.mark.parametrize("name", COMMANDS)
def test_same_seed_same_bytes(tmp_path, pictures, name):
    out = tmp_path / "picture.SVG"
    assert draw(out, *COMMANDS[name]) == 0
    assert out.read_bytes() == pictures[name]
    assert pictures[name].startswith(b"<?xml")


def test_other_forms(tmp_path):
    for name, start in (("one.png", b"\x89PNG"), ("one.pdf", b"%PDF"), ("two.pdf", b"%PDF")):
        assert draw(tmp_path / name, *COMMANDS["top-space"]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_a_level_is_what_is_written(tmp_path, monkeypatch):
    asked = []

    def ask(alpha):
        asked.append(alpha)
        raise ValueError

    monkeypatch.setattr(data, "all_curves", ask)
    for written in ("0.5", "1/2", "5e-1", "0.1"):
        assert draw(tmp_path / "values.svg", "singular-values", "--alpha", written) == 2
    assert asked == [Fraction(1, 2)] * 3 + [Fraction(1, 10)]


BAD = [
    ("singular-values --alpha 0", "alpha must be strictly between 0 and 1, got 0"),
    ("singular-values --alpha 1.5", "alpha must be strictly between 0 and 1, got 3/2"),
    ("singular-values --alpha -0.1", "alpha must be strictly between 0 and 1, got -1/10"),
    ("singular-values --alpha nan", "Invalid value for '--alpha': a number such as 0.3 or 1/3 is needed, got 'nan'"),
    ("singular-values --alpha 1e999999999", "Invalid value for '--alpha': a number such as 0.3 or 1/3 is needed"),
    ("singular-values --alpha 1/0", "Invalid value for '--alpha': a number such as 0.3 or 1/3 is needed, got '1/0'"),
    ("singular-values --alpha many", "Invalid value for '--alpha': a number such as 0.3 or 1/3 is needed, got 'many'"),
    ("singular-values --alpha 1e-300", "no float is large enough for the time asked for at n=2"),
    ("singular-values --seed 3", "No such option '--seed'.* Accepted: --alpha --out --check --help$"),
    ("top-space --largest-n 3", "Invalid value for '--largest-n': 3 is not in the range 4<=x<=24."),
    ("top-space --largest-n 25", "Invalid value for '--largest-n': 25 is not in the range 4<=x<=24."),
    ("three-steps --N 3", "Invalid value for '--N': 3 is not in the range 4<=x<=64."),
    ("three-steps --T 65", "Invalid value for '--T': 65 is not in the range 5<=x<=64."),
    ("three-steps --N 4 --T 12", "N = 4, T = 12, .*: no step size suffices"),
    ("three-steps --draws 1", "draws must be 0 or at least 2, for a standard error, got 1"),
    ("three-steps --samples 10", "Invalid value for '--samples': 10 is not in the range x>=128."),
    ("three-steps --seed -1", "Invalid value for '--seed': -1 is not in the range x>=0."),
    ("three-steps --keys E", "Invalid value for '--keys': 'E' is not one of 'E1', 'E1[+]E'."),
    ("phase", "No such command 'phase'.* Accepted: singular-values, top-space, three-steps$"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=str)
def test_bad_arguments_are_refused_before_the_work(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.setattr(data, "curves", None)
    monkeypatch.setattr(data, "row", None)
    monkeypatch.setattr(data, "three_steps", None)
    monkeypatch.setattr(data, "all_curves", FULL)
    shared.assert_refused(main, words, tmp_path, capsys, rf"paper-checks draw memories( \S+)?: error: {message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("picture.bmp", r"must end in \.svg, \.png or \.pdf, got '.*picture\.bmp'"),
        ("missing/picture.svg", "must be a file in a folder that exists, got '.*missing/picture.svg'"),
        ("folder.svg", "must be a file in a folder that exists"),
    ],
)
def test_bad_files_are_refused_before_the_work(tmp_path, monkeypatch, capsys, name, message):
    monkeypatch.setattr(data, "row", None)
    (tmp_path / "folder.svg").mkdir()
    assert draw(tmp_path / name, "top-space") == 2
    start = "paper-checks draw memories top-space: error: Invalid value for '--out': "
    assert re.match(start + message, capsys.readouterr().err)


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "row", None)
    monkeypatch.setattr(options.os, "access", lambda path, mode: False)
    assert draw(tmp_path / "map.svg", "top-space") == 2
    assert (
        "error: Invalid value for '--out': must be in a folder that can be written to, got " in capsys.readouterr().err
    )


def test_a_full_disk_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys):
    shared.keeps_the_old_picture_on_a_full_disk(monkeypatch, capsys, main, COMMANDS["top-space"], tmp_path / "map.svg")


@pytest.mark.parametrize(("command", "work"), [("singular-values", "all_curves"), ("top-space", "row"),
                                               ("three-steps", "three_steps")])  # fmt: skip
def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys, command, work):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    out = tmp_path / "picture.svg"
    out.write_text(shared.OLD)
    monkeypatch.setattr(data, work, interrupted)
    assert draw(out, *COMMANDS[command]) == 130
    assert capsys.readouterr().err == "interrupted; no picture written\n"
    assert out.read_text() == shared.OLD and list(tmp_path.iterdir()) == [out]


def test_an_interrupted_import_is_one_line(tmp_path):
    """Nothing heavy is imported before the command runs."""
    words = ["draw", "memories", "top-space", "--out", tmp_path / "map.svg"]
    shared.assert_interrupted_import("numpy", words, "interrupted; no picture written\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_matplotlib_is_one_line_before_the_work(tmp_path, monkeypatch, capsys, command):
    for work in ("all_curves", "row", "three_steps"):
        monkeypatch.setattr(data, work, None)
    shared.forget(monkeypatch, *(f"paper_checks.pictures.{name}" for name in ("memory", "steps", "file")))
    shared.hide(monkeypatch, "matplotlib")
    assert draw(tmp_path / "picture.svg", *COMMANDS[command]) == 2
    assert capsys.readouterr().err == "pictures need matplotlib: pip install 'matplotlib>=3.9'\n"


def contradicted(monkeypatch, command):
    """Let numpy, or the simulation, find something else."""
    if command == "singular-values":
        off = [replace(curves, seen_noise=1.001 * curves.seen_noise) for curves in all_curves()]
        monkeypatch.setattr(data, "all_curves", lambda alpha: off)
    elif command == "top-space":
        monkeypatch.setattr(data, "row", lambda n: replace(ROW(n), contradictions=(f"n = {n}: wrong",)))
    else:
        recalled = induction_experiments.recalled
        monkeypatch.setattr(induction_experiments, "recalled", lambda *a: (~recalled(*a)[0], recalled(*a)[1]))


@pytest.mark.parametrize(
    ("command", "error", "said"),
    [
        (
            "singular-values",
            "n = 8, t = .*: numpy's singular values are off theory's by ",
            f"{4 * DOTS} of them off theory",
        ),
        ("top-space", "n = 4: wrong", "3 disagree"),
        ("three-steps", f"{FRESH} of {FRESH} sequences that theory recalls were not recalled", f"{FRESH} errors on"),
    ],
)
def test_a_contradiction_is_said_drawn_and_fails(tmp_path, monkeypatch, capsys, command, error, said):
    contradicted(monkeypatch, command)
    out = tmp_path / "picture.svg"
    assert draw(out, *(SIX if command == "three-steps" else COMMANDS[command])) == 1
    found = capsys.readouterr()
    assert re.search(rf"^{error}", found.err, flags=re.MULTILINE) and said in found.out
    assert said in ET.parse(out).getroot().find(f"{SVG}desc").text


def test_help_has_examples(capsys):
    shared.assert_help(main, COMMANDS, "paper-checks draw memories ", capsys)
