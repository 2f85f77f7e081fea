"""What the page says of false alarms: numbers of the record, a histogram against the normal law, and no more."""

import html
import math
import re
from dataclasses import replace

import pytest

from paper_checks.evidence.trust import TrustRecord, write_trust
from paper_checks.report.page import page
from paper_checks.report.trust import HEIGHT, alarms_of
from paper_checks.report.views import Attached
from paper_checks.report.written import write_report
from tests.oracles.report_runs import claim_record, run_of

NUMBERS = {
    "base seeds": 300, "base seeds of the checks that take longest": 40, "comparisons": 489_520, "false alarms": 0,
    "z values": 100, "variance": 1.0123, "variance, standard error": 0.0456, "independent z values": 77,
    "p of Kolmogorov-Smirnov": 0.4321, "kinds of comparison": 50, "kinds that deviate": 0,
    "z from -5.0 to -1.0": 16, "z from -1.0 to 1.0": 68, "z from 1.0 to 5.0": 16,
}  # fmt: skip
NUMBERS |= {f"share beyond {beyond}{end}": 0.0271 / beyond for beyond in (2, 3, 4) for end in ("", ", standard error")}
RECORD = TrustRecord("false alarms", "paper-checks alarms <x>", "2026-11-29", "abc", NUMBERS, ["T4.1 is <approximate>"])


def test_the_page_says_the_numbers_of_the_record():
    run = run_of([claim_record("T1.1")])
    shown = page(run, Attached(alarms=alarms_of(RECORD)), "x.json")
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", "", shown)).split())
    assert "At 300 base seeds (40 of the checks that take longest) 0 of 489,520 comparisons" in text
    assert "1.012 ± 0.046 about zero" in text and "% are beyond 2 (4.55 %), " in text and "beyond 3 (0.27 %)" in text
    assert "p = 0.43; of 50 kinds of comparison 0 deviate" in text and "T4.1 is <approximate>" in text
    assert "paper-checks alarms <x>" in text and "<x>" not in shown
    assert 'href="#page:alarms"' in shown and "page:alarms" not in page(run, Attached(), "x.json")


def test_bars_are_counts_and_what_the_normal_law_has():
    found = alarms_of(RECORD)
    assert [(bar.low, bar.high, bar.count) for bar in found.bars] == [(-5, -1, 16), (-1, 1, 68), (1, 5, 16)]
    assert [bar.expected for bar in found.bars] == pytest.approx([15.866, 68.269, 15.866], abs=1e-3)
    assert found.bars[1].height == pytest.approx(HEIGHT * math.log(69) / math.log(101))
    assert all(abs(bar.height - bar.law) < 1 for bar in found.bars) and found.beyond[3] == pytest.approx(
        0.0027, abs=1e-5
    )


def test_the_record_is_that_of_the_ledger_and_one_that_cannot_be_used_is_said(tmp_path):
    run = run_of([claim_record("T1.1")])
    run = replace(run, project=replace(run.project, ledger=str(tmp_path / "claims.toml")))

    def written():
        write_report(run, tmp_path / "report", "none")
        return html.unescape((tmp_path / "report" / "index.html").read_text())

    assert "page:alarms" not in written()
    folder = tmp_path / "recorded" / "trust"
    folder.mkdir(parents=True)
    write_trust("false_alarms", "w", "c", NUMBERS, [], folder)
    assert "0 of 489,520" in written()
    lacking = {name: 1 for name in NUMBERS if name != "variance"}
    write_trust("false_alarms", "w", "c", lacking, [], folder)
    assert "false alarms: the record of false_alarms lacks variance: c makes it anew" in written()
    (folder / "false_alarms.json").write_text("{")
    assert "false alarms: " in (shown := written()) and 'id="page:alarms"' not in shown


def test_without_z_values_there_is_no_histogram():
    few = NUMBERS | {name: 0 for name in NUMBERS if name.startswith("z ")}
    shown = page(run_of([claim_record("T1.1")]), Attached(alarms=alarms_of(replace(RECORD, numbers=few))), "x.json")
    assert "0 of 489,520" in shown and 'class="alarms"' not in shown
