"""What changed between two runs: moved numbers and no others, and what is in one of them alone."""

from dataclasses import replace

import pytest
from scipy import stats

from paper_checks.commands.command_line import main
from paper_checks.evidence import comparator
from paper_checks.report.against import ERRORS, changes, moved
from tests.oracles.report_runs import claim_record, mixed_run, run_of, write_record
from tests.places import ROOT


def estimate(value, error=0.01, exact=1.0):
    return comparator.estimate("x", [exact, 2.0], [value, 2.0], [error, error], 0.5)


def array(values, exact=(1.0, 2.0), error=0.01):
    return comparator.estimate("x", exact, values, [error] * len(exact), 0.5)


def near(values):
    return comparator.close("x", [0.0] * len(values), values, 0.01, "t", scale=1.0)


def trained(low):
    return comparator.replicated("x", 0.5, +1, [low + 0.01 * number for number in range(9)])


@pytest.mark.parametrize(
    ("before", "now", "by"),
    [
        (estimate(1.0), estimate(1.0), ""),
        (estimate(1.0), estimate(1.0 + 0.99 * ERRORS * 0.01 * 2**0.5), ""),
        (estimate(1.0), estimate(1.0 + 1.01 * ERRORS * 0.01 * 2**0.5), "3.0 standard errors"),
        (estimate(1.0), estimate(1.01, exact=1.01), "what is expected changed"),
        (estimate(1.0), estimate(1.2), "it failed"),
        (estimate(1.2), estimate(1.0), "it passed"),
        (trained(0.6), trained(0.62), ""),
        (trained(0.6), trained(0.9), "intervals of the median do not meet"),
        (trained(0.6), trained(float("nan")), "it failed"),
        (comparator.equal("x", 1, 1), comparator.equal("x", 1, 1), ""),
        (comparator.equal("x", 1, 1), comparator.equal("x", 2, 2), "what is expected changed"),
        (comparator.less("x", 1.0, 2.0), comparator.less("x", 1.0 + 1e-12, 2.0), ""),
        (comparator.less("x", 1.0, 2.0), comparator.less("x", 1.1, 2.0), "by more than its tolerance"),
        (comparator.close("x", 1.0, 1.01, 0.1, "t"), comparator.close("x", 1.0, 1.05, 0.1, "t"), ""),
        (comparator.less("x", 1.0, 2.0), comparator.less("x", 0.9, 2.0), "by more than its tolerance"),
        (comparator.less("x", 1.0, 2.0), comparator.equal("x", 1, 1), "judged in another way"),
        (comparator.less("x", 0.0, 0.0), comparator.greater("x", 0.0, 0.0), "judged in another way"),
        (replace(comparator.less("x", 1.0, 2.0), relation=""), comparator.less("x", 1.0, 2.0), ""),
        (array([1.01, 2.0]), array([1.0, 2.01]), ""),
        (array([1.01, 2.0]), array([1.0, 2.05]), "3.5 standard errors"),
        (array([1.0, 2.0]), array([1.0, 3.0], [1.0, 3.0]), "what is expected changed"),
        (array([1.0, 2.0]), array([1.0], [1.0]), "of 1 numbers, not 2"),
        (array([1.0, 2.0], error=0.0), array([1.0, 2.0 + 1e-15], error=0.0), ""),
        (near([1e-9, 0.0]), near([2e-9, 0.0]), ""),
        (near([-0.008, 0.0]), near([0.008, 0.0]), "by more than its tolerance"),
        (comparator.less("x", [1, 1], [2, 3]), comparator.less("x", [1, 1], [4, 3]),
         "what is expected changed, or another number is the worst"),
    ],
)  # fmt: skip
def test_a_number_moves_beyond_its_error_alone(before, now, by):
    assert moved(before, now) == by


def test_what_the_page_says_of_chance_is_that_of_the_limit():
    assert ERRORS == 3.0 and round(1 / (2 * stats.norm.sf(ERRORS))) == 370
    page = (ROOT / "paper_checks" / "report" / "templates" / "changes.html").read_text(encoding="utf-8")
    assert "over three of its standard errors (by chance one in 370 is)" in page


def test_medians_that_are_never_reached_meet_their_like():
    late = comparator.replicated("x", 0.5, -1, [0.1] * 5 + [float("inf")] * 4)
    soon = comparator.replicated("x", 0.5, -1, [0.1] * 9)
    assert late.details["interval"][1] is None and moved(late, late) == ""
    assert moved(replace(late, passed=True), soon) == "the median is reached in one of them alone"


def test_a_run_is_as_itself():
    found = changes(mixed_run(), mixed_run())
    assert not found.any
    assert found.compared == sum(len(claim.evidence) for claim in mixed_run().claims)


def test_what_is_in_one_run_alone_is_named():
    first = [comparator.less("a", 1, 2), comparator.less("a", 1, 3), comparator.less("b", 1, 2)]
    second = [comparator.less("a", 1, 2), comparator.less("c", 2, 1)]
    before = run_of([claim_record("T1.1", "verified", first), claim_record("T1.2"), claim_record("B1")])
    now = run_of([claim_record("T1.1", "failed", second), claim_record("T1.2", "verified", first), claim_record("B2")])
    found = changes(before, now)
    assert found.compared == 1
    assert found.verdicts == [("T1.1", "verified", "failed"), ("T1.2", "not run", "verified")]
    assert found.gone == [("T1.1", "a"), ("T1.1", "b")] and found.new == [("T1.1", "c")]
    assert (found.claims_gone, found.claims_new, found.moves) == (["B1"], ["B2"], [])


def test_the_command_writes_what_changed(tmp_path, capsys):
    claim = claim_record("T1.1", "verified", [estimate(1.0)])
    now = write_record(tmp_path, run_of([claim]))
    (tmp_path / "old").mkdir()
    old = write_record(tmp_path / "old", run_of([replace(claim, evidence=[estimate(1.06)])], written="yesterday"))
    arguments = ["report", "--record", str(now), "--pictures", "none", "--out", str(tmp_path / "page")]
    assert main([*arguments, "--against", str(old)]) == 0
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "What changed since yesterday" in page and "4.2 standard errors" in page
    assert main([*arguments, "--against", str(now)]) == 0
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "Nothing: 1 comparisons are in both runs" in page
    assert main(arguments) == 0
    assert "What changed" not in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [None, "{", '{"claims": 3}'])
def test_another_record_that_cannot_be_read_is_named_before_any_work(tmp_path, capsys, content):
    now, old = write_record(tmp_path, mixed_run()), tmp_path / "old.json"
    if content is not None:
        old.write_text(content)
    arguments = ["report", "--record", str(now), "--pictures", "none", "--out", str(tmp_path / "page")]
    assert main([*arguments, "--against", str(old)]) == 2
    assert "old.json" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()
