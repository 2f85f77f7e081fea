"""A claim's comparisons as CSV: every one, in full, and nothing that a spreadsheet would compute."""

import csv
import io

import pytest

from paper_checks.evidence import comparator
from paper_checks.report.comparisons import COLUMNS, comparisons
from tests.oracles.report_runs import FOUND, agreeing, claim_record, trained


def read(claim):
    return list(csv.DictReader(io.StringIO(comparisons(claim).decode())))


@pytest.mark.parametrize("name", FOUND)
def test_every_comparison_is_a_line(name):
    claim = claim_record(name, *FOUND[name])
    lines = read(claim)
    assert [line["comparison"] for line in lines] == [item.name for item in claim.evidence]
    assert all(tuple(line) == COLUMNS for line in lines)
    assert [line["passed"] for line in lines] == [str(item.passed) for item in claim.evidence]


def test_numbers_are_in_full():
    item = agreeing(3)
    [line] = read(claim_record("T1.1", "verified", [item]))
    assert float(line["found"]) == item.estimate and float(line["standard error"]) == item.standard_error
    assert float(line["tolerance used"]) == item.used and line["relation"] == "≈" and line["numbers"] == "3"
    [line] = read(claim_record("E1", "verified", [trained()]))
    assert (line["relation"], line["expected"], float(line["found"])) == (">", "0.9", 0.99)


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", '=HYPERLINK("x")', 'a,"b"\nc'])
def test_no_text_is_a_formula_and_all_of_it_comes_back(name):
    [line] = read(claim_record("T1.1", "verified", [comparator.less(name, 1, 2)]))
    assert line["comparison"].removeprefix("'") == name
    assert line["comparison"][0] not in "=+-@\t"
