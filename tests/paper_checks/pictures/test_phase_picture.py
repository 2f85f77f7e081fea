"""The phase diagram's picture: the whole command at a small size, what it draws, what it refuses, what it admits."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from paper_checks.commands.draw import phase_diagram as command
from paper_checks.evidence.design import DESIGN
from paper_checks.pictures.phase import data as phase_data
from paper_checks.pictures.phase import signs as phase_signs
from paper_checks.pictures.phase.boundary import boundary
from paper_checks.pictures.phase.diagram import REGIONS, kind_of, slug
from paper_checks.pictures.phase.signs import MOST_POINTS, certified_sign, estimated_signs
from simulate.runtime import files
from tests.oracles import picture_commands as shared
from theory import Task
from theory.key_query import certified
from theory.key_query.certified import certify
from theory.key_query.phase_diagram import (
    CONTRASTS,
    contrast_value,
    critical_noise_level,
)

main = shared.command("draw", "phase-diagram")
SVG = "{http://www.w3.org/2000/svg}"
SMALL = {"N": 5, "T": 11, "depth": 5, "points": 2, "samples": 1000, "seed": 3}
CACHED = cache(boundary)  # seconds each


@pytest.fixture(scope="module", autouse=True)
def cached_boundaries():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phase_data, "boundary", CACHED)
        yield


def draw(out, **changed):
    options = SMALL | changed
    return main([word for name, value in options.items() for word in (f"--{name}", str(value))] + ["--out", str(out)])


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """The root of a small picture's SVG."""
    out = tmp_path_factory.mktemp("pictures") / "phase.svg"
    assert draw(out) == 0
    assert sorted(file.name for file in out.parent.iterdir()) == ["phase.csv", "phase.svg"]
    return ET.parse(out).getroot()


def words(root):
    return ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]


def test_text_is_text(picture):
    found = words(picture)
    low, high = critical_noise_level(5, 11)
    for text in (
        "noise level α",
        "absorption π = p_τ",
        "Where the first key-query step looks, N = 5, T = 11",
        "noise absorbed, π = α",
        "uniform p, π = 1/(N+1)",
        f"α_c(N, T) = {float(low + high) / 2:.4f}",
        "attends: sign changes",
        "avoids: sign changes",
    ):
        assert text in found
    assert picture.find(f"{SVG}title").text == "Where the first key-query step looks, N = 5, T = 11"
    assert "0 disagree" in picture.find(f"{SVG}desc").text


def test_every_certified_box_is_drawn_in_its_region(picture):
    boxes = certify(5, 11, 5).boxes
    drawn = {group.get("id"): len(list(group.iter(f"{SVG}path"))) for group in picture.iter(f"{SVG}g")}
    counts = {kind: sum(kind_of(box) == kind for box in boxes) for kind in REGIONS}
    assert {kind: drawn[slug(name)] for kind, (_, _, name) in REGIONS.items()} == counts
    assert sum(counts.values()) == len(boxes) and all(counts.values())


def test_the_file_beside_has_boxes_boundaries_and_signs(tmp_path):
    assert draw(tmp_path / "phase.svg") == 0
    rows = shared.rows_beside(tmp_path / "phase.svg")
    boxes = [row for row in rows if row["what"] == "proved box"]
    regions = certify(5, 11, 5)
    assert [tuple(float(row[name]) for name in ("alpha", "absorption pi", "width")) for row in boxes] == [
        (*map(float, box.corner), float(box.width)) for box in regions.boxes
    ]
    assert [int(row["sign of attends"]) for row in boxes] == [box.signs["attends"] for box in regions.boxes]
    for contrast in CONTRASTS:
        points = [row for row in rows if row["what"] == f"boundary of {contrast}"]
        assert len(points) == sum(map(len, CACHED(5, 11, contrast)))
    simulated = [(row["alpha"], row["absorption pi"]) for row in rows if row["what"] == "simulated"]
    assert sorted(simulated) == [(x, y) for x in ("0.25", "0.75") for y in ("0.25", "0.75")]


def test_regions_differ_without_colour():
    greys = sorted(float(grey) for grey, _, _ in REGIONS.values())
    assert all(high - low > 0.1 for low, high in pairwise(greys))
    hatched = [hatch for kind, (_, hatch, _) in REGIONS.items() if kind]
    assert len(set(hatched)) == len(hatched) == 4


@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("SVG", b"<?xml")]
)
def test_same_seed_same_bytes(tmp_path, form, start):
    one, two, other = (tmp_path / f"{name}.{form}" for name in ("one", "two", "other"))
    assert [draw(one), draw(two), draw(other, seed=4)] == [0, 0, 0]
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    assert one.read_bytes().startswith(start)


def test_without_a_critical_level_or_boundary_there_is_none_in_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(phase_data, "boundary", lambda N, T, contrast: [])
    assert draw(tmp_path / "two.svg", T=2, points=1) == 0
    found = words(ET.parse(tmp_path / "two.svg").getroot())
    assert "noise level α" in found and not any("α_c" in text or "sign changes" in text for text in found)


BAD = [
    ({"N": 1}, "Invalid value for '--N': 1 is not in the range x>=2."),
    ({"N": 100_000}, "N must be at most"),
    ({"N": "many"}, "Invalid value for '--N': 'many' is not a valid integer."),
    ({"T": 1}, "Invalid value for '--T': 1 is not in the range x>=2."),
    ({"T": 10**15}, "T = 1000000000000000: .* use a smaller T"),
    ({"depth": 3}, "Invalid value for '--depth': 3 is not in the range 4<=x<=12."),
    ({"depth": 13}, "Invalid value for '--depth': 13 is not in the range 4<=x<=12."),
    ({"points": 0}, "Invalid value for '--points': 0 is not in the range 1<=x<=12."),
    ({"points": 13}, "Invalid value for '--points': 13 is not in the range 1<=x<=12."),
    ({"samples": 10}, "Invalid value for '--samples': 10 is not in the range x>=1000."),
    ({"samples": 0.5}, "Invalid value for '--samples': '0.5' is not a valid integer."),
    ({"seed": -1}, "Invalid value for '--seed': -1 is not in the range x>=0."),
    (
        {"alpha": 0.5},
        "No such option '--alpha'.* Accepted: --N --T --depth --points --samples --seed --out --check --help$",
    ),
    ({"out": "phase.bmp"}, r"Invalid value for '--out': must end in \.svg, \.png or \.pdf, got '.*phase\.bmp'"),
    ({"out": "phase"}, r"Invalid value for '--out': must end in \.svg, \.png or \.pdf"),
    (
        {"out": "missing/phase.svg"},
        "Invalid value for '--out': must be a file in a folder that exists, got '.*missing/phase.svg'",
    ),
    ({"out": "folder.svg"}, "Invalid value for '--out': must be a file in a folder that exists"),
]


@pytest.mark.parametrize(("changed", "message"), BAD, ids=lambda value: str(value)[:30])
def test_bad_arguments_are_refused_before_the_work(tmp_path, monkeypatch, capsys, changed, message):
    monkeypatch.setattr(certified, "certify", None)
    (tmp_path / "folder.svg").mkdir()
    counts = {name: value for name, value in changed.items() if name != "out"}
    assert draw(tmp_path / changed.get("out", "phase.svg"), **counts) == 2
    assert re.match(f"paper-checks draw phase-diagram: error: {message}", capsys.readouterr().err)
    assert [file.name for file in tmp_path.iterdir()] == ["folder.svg"]


def test_limits_are_those_of_the_work():
    """The command types them, so that its help is light."""
    assert command.DEPTHS == (certified.COARSEST, certified.DEEPEST)
    assert (command.MOST_POINTS, command.LEAST_SAMPLES) == (MOST_POINTS, phase_signs.LEAST_SAMPLES)


def test_a_missing_matplotlib_is_one_line_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(certified, "certify", None)
    shared.forget(monkeypatch, *(f"paper_checks.pictures.{name}" for name in ("phase.data", "phase.diagram", "file")))
    shared.hide(monkeypatch, "matplotlib")
    assert draw(tmp_path / "phase.svg") == 2
    assert capsys.readouterr().err == "pictures need matplotlib: pip install 'matplotlib>=3.9'\n"


@pytest.mark.parametrize(("module", "name"), [(certified, "certify"), (files.os, "replace")], ids=str)
def test_an_interrupt_leaves_the_old_picture_alone(tmp_path, monkeypatch, capsys, module, name):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    out = tmp_path / "phase.svg"
    out.write_text(shared.OLD)
    monkeypatch.setattr(module, name, interrupted)
    assert draw(out) == 130
    assert capsys.readouterr().err == "interrupted; no picture written\n"
    assert out.read_text() == shared.OLD and list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    "name", ["numpy", "flint", "theory.key_query.certified", "torch", "matplotlib", "rich.progress"]
)
def test_an_interrupted_import_is_one_line(tmp_path, name):
    """The seconds before the work: Ctrl-C during any heavy import, none of which comes before the command runs."""
    words = [
        "draw",
        "phase-diagram",
        "--N",
        "5",
        "--T",
        "11",
        "--depth",
        "4",
        "--points",
        "1",
        "--samples",
        "1000",
        "--out",
    ]
    shared.assert_interrupted_import(name, [*words, tmp_path / "phase.svg"], "interrupted; no picture written\n")
    assert not list(tmp_path.iterdir())


def with_means(monkeypatch, change, skewness=None):
    """Let every simulation report change(mean, standard error) as its mean, and the given skewness."""
    simulated = phase_signs.key_query_moments

    def changed(*arguments, **options):
        found = simulated(*arguments, **options)
        skewed = found.skewness if skewness is None else np.full(len(CONTRASTS), skewness)
        return replace(found, mean=change(found.mean, found.standard_error), skewness=skewed)

    monkeypatch.setattr(phase_signs, "key_query_moments", changed)


def test_a_contradiction_is_said_drawn_and_fails(tmp_path, monkeypatch, capsys):
    with_means(monkeypatch, lambda mean, error: -mean)
    out = tmp_path / "phase.svg"
    assert draw(out) == 1
    said = capsys.readouterr()
    assert "the simulated sign contradicts the proved one: attends at α = 0.7500, π = 0.2500\n" in said.err
    assert " 0 agree with the certified region, " in said.out and " 0 disagree" not in said.out
    assert "certified sign" in words(ET.parse(out).getroot())


@pytest.mark.parametrize(("errors", "seen"), [(0.99, 0), (1.01, 1), (-0.99, 0), (-1.01, -1)])
def test_a_sign_is_seen_beyond_the_critical_value(monkeypatch, errors, seen):
    with_means(monkeypatch, lambda mean, error: errors * DESIGN.critical() * error, skewness=0)
    signs = list(estimated_signs(certify(5, 11, 4), 1, 1000, 3, lambda: None))
    assert [(sign.contrast, sign.seen) for sign in signs] == [(contrast, seen) for contrast in CONTRASTS]


@pytest.mark.parametrize(("share", "seen"), [(0.99, 1), (-0.99, 1), (1.01, 0), (-1.01, 0), (np.nan, 0)])
def test_a_sign_is_seen_only_where_the_tail_is_nearly_normal(monkeypatch, share, seen):
    """288 signs at level 1e-6 / 8192 each, off by a factor exp(|skewness| z³ / (3 √samples)): at most 1e-6 in all."""
    level = 2 * norm.sf(DESIGN.critical())
    most = np.log(DESIGN.false_alarm / (2 * MOST_POINTS**2 * level)) * 3 * 1000**0.5 / DESIGN.critical() ** 3
    with_means(monkeypatch, lambda mean, error: 100 * error, skewness=share * most)
    signs = list(estimated_signs(certify(5, 11, 4), 1, 1000, 3, lambda: None))
    assert [sign.seen for sign in signs] == [seen, seen]


def test_estimates_are_those_of_the_contrasts(monkeypatch):
    """At the simulation's own places and seeds, with many samples, against the exact values."""
    found = []
    simulated = phase_signs.key_query_moments
    monkeypatch.setattr(
        phase_signs, "key_query_moments", lambda *a, **k: found.append((a[0], a[2], simulated(*a, **k))) or found[-1][2]
    )
    places = list(estimated_signs(certify(3, 7, 4), 3, 20_000, 5, lambda: None))[:: len(CONTRASTS)]
    assert len(found) == 9 and len({moments.seed for _, _, moments in found}) == 9
    for place, (task, p, moments) in zip(places, found, strict=True):
        assert task == Task(3, 7, place.alpha) and p[task.tau] == float(place.absorption)
        exact = [contrast_value(task, contrast, place.absorption) for contrast in CONTRASTS]
        assert (abs(moments.mean - exact) < DESIGN.critical() * moments.standard_error).all()


def test_certified_signs_are_exact_signs():
    regions = certify(3, 7, 6)
    grid = [Fraction(i, 8) for i in range(9)]  # corners of boxes, most of them shared by several
    undecided = 0
    for alpha in grid:
        for absorption in grid:
            for contrast in CONTRASTS:
                certified = certified_sign(regions, contrast, alpha, absorption)
                exact = contrast_value(Task(3, 7, alpha), contrast, absorption)
                undecided += certified == 0
                assert certified == 0 or certified * exact > 0
    assert 0 < undecided < 9 * 9 / 2
