"""All comparisons of a claim as a table for spreadsheets and programs: CSV, one line per comparison."""

import csv
import io

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.run import ClaimRecord

from . import wording

COLUMNS = (
    "comparison", "side", "kind", "relation", "expected", "found", "standard error", "z", "tolerance used",
    "smallest relative error seen", "numbers", "passed", "how it was judged",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that a spreadsheet would compute."""


def comparisons(claim: ClaimRecord) -> bytes:
    """The CSV, UTF-8 with a header; numbers in full, of an array those of the worst comparison."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_row(item) for item in claim.evidence)
    return text.getvalue().encode()


def _row(item: Evidence) -> list[object]:
    """Found is what stands in the page: of trainings the median over seeds."""
    return [
        _text(item.name), item.side, _text(item.kind), _text(wording.relation(item)),
        0 if item.kind == "sign" else _number(item.exact), _number(item.estimate), _number(item.standard_error),
        _number(item.z), _number(item.used), _number(wording.smallest_error(item)), item.numbers, item.passed,
        _text(item.message),
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _text(words: str) -> str:
    """Text that no spreadsheet takes for a formula; a relation stands alone and is none."""
    return f"'{words}" if words.startswith(_FORMULA) and len(words) > 1 else words
