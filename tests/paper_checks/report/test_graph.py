"""The graph of claims: layers, lines that pass between claims, links that greyscale and a reader of the page keep."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from paper_checks.evidence.verdicts import LOOKS, VERDICTS
from paper_checks.report.graph import HEIGHT, WIDTH, connected, graph, layer_of
from paper_checks.report.page import slug
from tests.oracles.report_runs import claim_record, ledger_run

SLUGS = {name: slug(name) for name in VERDICTS}


def claims(**rests_on):
    """Claims by id, each with those that it rests on."""
    return [claim_record("T1.1", id=name, depends_on=tuple(others)) for name, others in rests_on.items()]


def drawn(found):
    """Corners of the boxes by claim, and the lines, each as its numbers."""
    root = ElementTree.fromstring(graph(found, SLUGS))
    boxes = {}
    for link in root.iter("a"):
        box = link.find("rect")
        boxes[link.get("href")[1:]] = float(box.get("x")), float(box.get("y"))
    lines = [[float(number) for number in re.findall(r"-?\d+\.?\d*", one.get("d"))] for one in root.iter("path")]
    return boxes, lines, (float(root.get("width")), float(root.get("height")))


def test_a_claim_is_right_of_all_that_it_rests_on():
    found = claims(A=(), B=("A",), C=("A", "B"), D=("C",), lone=())
    assert layer_of(found) == {"A": 0, "B": 1, "C": 2, "D": 3, "lone": 0}
    boxes, lines, _ = drawn(found)
    assert list(boxes) == ["A", "B", "C", "D"] and len(lines) == 4
    for claim in connected(found):
        assert all(boxes[claim.id][0] > boxes[one][0] for one in claim.depends_on)


def test_lines_begin_and_end_at_their_claims():
    boxes, lines, _ = drawn(claims(A=(), B=("A",)))
    (ax, ay), (bx, by) = boxes["A"], boxes["B"]
    assert lines[0][:2] == [ax + WIDTH, ay + HEIGHT / 2] and lines[0][-2:] == [bx, by + HEIGHT / 2]


@pytest.mark.parametrize("found", [claims(A=(), B=("A",), C=("A", "B")), ledger_run().claims], ids=["three", "ledger"])
def test_nothing_lies_on_another_or_outside(found):
    boxes, _, (width, height) = drawn(found)
    places = sorted(boxes.values())
    for (x, y), (other, below) in pairwise(places):
        assert x != other or below - y >= HEIGHT
    assert all(0 <= x <= width - WIDTH and 0 <= y <= height - HEIGHT for x, y in places)


def test_a_long_line_passes_between_claims():
    """A line over a layer goes through a place of its own there."""
    boxes, lines, _ = drawn(claims(A=(), B=("A",), C=("A", "B")))
    long = next(line for line in lines if len(line) > 8)
    assert all(abs(y - (boxes["B"][1] + HEIGHT / 2)) >= HEIGHT for x, y in zip(long[6:10:2], long[7:10:2], strict=True))


def test_every_claim_is_a_link_in_words_with_the_sign_of_its_verdict():
    found = ledger_run().claims
    root = ElementTree.fromstring(graph(found, SLUGS))
    known = {claim.id: claim for claim in connected(found)}
    assert len(list(root.iter("a"))) == len(known)
    for link in root.iter("a"):
        claim = known[link.get("href")[1:]]
        assert link.get("aria-label").startswith(f"{claim.id}, {claim.verdict}")
        assert link.find("text").text == f"{LOOKS[claim.verdict].sign} {claim.id}"


def test_no_claims_no_graph_and_hostile_words_stay_words():
    assert graph(claims(A=(), B=()), SLUGS) == ""
    title = '"><script>alert(1)</script>'
    shown = graph([replace(claim, title=title) for claim in claims(A=(), B=("A",))], SLUGS)
    assert "<script>" not in shown and ElementTree.fromstring(shown) is not None
