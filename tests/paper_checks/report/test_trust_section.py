"""What was measured of the suite itself, as a table of the page and of docs: what records say, and no more."""

import html
import re
from dataclasses import replace

import pytest

from paper_checks.commands.fill.tables import make
from paper_checks.evidence.trust import every_trust, write_trust
from paper_checks.report.written import write_report
from tests.oracles.report_runs import claim_record, run_of


@pytest.fixture
def run(tmp_path):
    found = run_of([claim_record("T1.1")])
    return replace(found, project=replace(found.project, ledger=str(tmp_path / "claims.toml")))


def kept(tmp_path):
    """Two records, written in the other order than that of the table."""
    folder = tmp_path / "recorded" / "trust"
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"drawn": 300, "share": 0.9512345, "theory: drawn": 200, "theory: not ended": 7, "z from 0.0 to 0.5": 7}
    write_trust("teeth", "mutants | <b>", "pytest -m teeth", numbers, ["one is <equivalent>"], folder)
    write_trust("arguments", "bad inputs", "pytest tests/arguments", {"cases": 12_345}, (), folder)
    return folder


def test_the_page_has_a_row_for_each_record(run, tmp_path):
    write_report(run, tmp_path / "report", "none")
    assert "page:trust" not in (tmp_path / "report" / "index.html").read_text()
    kept(tmp_path)
    write_report(run, tmp_path / "report", "none")
    shown = (tmp_path / "report" / "index.html").read_text()
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", "", shown)).split())
    assert 'href="#page:trust"' in shown and "<b>" not in shown and "mutants | <b>" in text
    assert (
        "drawn 300, share 0.9512, theory: not ended 7" in text and "theory: drawn" not in text and "z from" not in text
    )
    assert text.index("bad inputs") < text.index("mutants | <b>") < text.index("pytest -m teeth")


def test_a_record_that_was_changed_is_said_and_not_shown(run, tmp_path):
    path = kept(tmp_path) / "teeth.json"
    path.write_text(path.read_text().replace("300", "301"))
    write_report(run, tmp_path / "report", "none")
    shown = html.unescape((tmp_path / "report" / "index.html").read_text())
    assert "page:trust" not in shown and "teeth.json must be a record of trust" in shown


def test_docs_have_the_same_table(run, tmp_path):
    kept(tmp_path)
    lines = make(run, "trust").splitlines()
    assert lines[2].startswith("| bad inputs | cases **12345** | `pytest tests/arguments`<br>")
    assert "drawn **300**<br>share **0.9512**<br>theory: not ended **7**" in lines[3] and lines[-1].startswith(
        "- one is"
    )
    assert len(every_trust(tmp_path / "recorded" / "trust")) == len(lines[2:4])
    with pytest.raises(ValueError, match="trust takes no words, got x"):
        make(run, "trust x")
