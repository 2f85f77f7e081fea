"""The table at the end of a run: what a row says, at every width, with titles and without, of hostile words; the footer
of what is in the table, and of nothing else."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.cells import cell_len
from rich.text import Text

from paper_checks.evidence import comparator
from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.run import JobRecord
from paper_checks.evidence.verdicts import LOOKS
from paper_checks.project import load_claims
from paper_checks.report.table import COLUMNS, excerpt, render
from paper_checks.session.live import surface
from tests.oracles.report_runs import claim_record, ledger_run, mixed_run, run_of, trained

WIDTHS = (80, 100, 160)
HOSTILE = "[red]ti\x1b[31mtle[/red]\n\u202ebackwards\t{x: exact} 漢字 " + "word" * 40
NUMBERS = ([1.23456789e-5 * n for n in range(1, 10)], [-9.87654321e12 / n for n in range(1, 10)],
           [math.inf] * 9, [1 / 3] * 8 + [math.nan], [1e-300] * 9, [123456.7] * 9)  # fmt: skip


def record(evidence, verdict="verified", name="E1", **changed):
    return claim_record(name, verdict, [evidence], **{"title": "Noise comes first", "shown": "", **changed})


def words(lines):
    return " ".join(" ".join(lines).split())


def head(lines):
    """The sentences below the table."""
    return words(lines[max(number for number, line in enumerate(lines) if line.startswith("──")) + 1 :])


def test_a_row_says_what_was_claimed_expected_and_found_and_why_to_believe_it():
    lines = render(run_of([record(trained()), record(comparator.less("distance", 1, 4), "bounded", "T3.3")]))
    assert lines[0].split() == ["id", "verdict", "claim", "expected", "found", "used", "seconds"]
    assert " ".join(lines[2].split()) == "E1 ✓ verified Noise comes first > 0.9 0.99 [0.99, 0.99] 17 % 1.25"
    assert " ".join(lines[3].split()) == "accuracy · 13 of 14 seeds" and lines[3].index("accuracy") == lines[2].index(
        "N"
    )
    assert " ".join(lines[4].split()) == "T3.3 ◐ bounded Noise comes first < 4 1 – 1.25"
    assert lines[5].strip() == "distance · 4 proofs"


def test_the_comparison_is_a_failed_one_the_ledger_s_or_the_most_used_and_says_of_how_many_and_on_which_side():
    near, far = (comparator.estimate(name, 1.0, 1.0 + z * 1e-3, 1e-3, None) for name, z in (("near", 1), ("far", 5)))
    beyond = comparator.greater("beyond it", 2, 1, side="beyond")
    claim = claim_record("T1.3", "bounded", [near, far, beyond], title="A title", shown="")
    assert "far · 1 of 3" in words(render(run_of([claim])))
    assert "beyond: beyond it · 1 of 3" in words(render(run_of([replace(claim, shown="beyond it")])))
    wrong = replace(claim, evidence=[*claim.evidence, comparator.less("wrong", 2, 1)], verdict="failed", shown="near")
    lines = render(run_of([wrong]))
    assert " ".join(lines[2].split()) == "T1.3 ! failed A title < 1 2 – 1.25" and "wrong · 1 of 4" in lines[3]
    assert "No comparison used" not in words(lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("made", [mixed_run, ledger_run])
def test_all_verdicts_fit_the_width_with_sign_and_word_and_without_colour(made, width):
    run = made()
    lines = render(run, width)
    assert max(map(cell_len, lines)) <= width and "\x1b" not in "".join(lines)
    for claim in run.claims:
        if claim.verdict != "not run":
            assert re.search(
                rf"^{re.escape(claim.id)} +{LOOKS[claim.verdict].sign} {claim.verdict} ", "\n".join(lines), re.M
            )
    assert ("comparison" in lines[0]) == (width == 160)
    at = next(number for number, line in enumerate(lines) if line.startswith("P6 "))
    assert "recorded on 2024-06-03, one GPU" in words(lines[at : at + 9])
    assert "not run: no weights: see --model" in words(lines)


def test_neighbours_with_one_reason_share_a_grey_row():
    lines = render(run_of([claim_record(name) for name in ("P1.pythia", "P2.pythia", "P3.pythia", "B1")]))
    assert lines[0] == "– P1.pythia … P3.pythia  not run: no weights: see --model"
    assert lines[1] == "– B1                     not run: no weights: see --model"
    colourful = Text.from_ansi(render(run_of([claim_record("P6")]), 100, colour=True)[0])
    assert {str(span.style) for span in colourful.spans} == {"color(8)"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("colour", [False, True])
def test_hostile_words_stay_words(width, colour):
    """Markup, control and bidirectional characters, wide ones, and a word longer than its column."""
    item = comparator.estimate(HOSTILE, 1.0, 1.0, 0.001, None)
    claims = [claim_record("T1.1", "verified", [item], title=HOSTILE), claim_record("E10", "recorded", [item]),
              replace(claim_record("P6"), reason=HOSTILE)]  # fmt: skip
    claims[1] = replace(claims[1], recorded=HOSTILE, title="", statement=HOSTILE)
    lines = [Text.from_ansi(line).plain for line in render(run_of(claims), width, colour)]
    text = "".join(lines).replace(" ", "")
    assert "\x1b" not in text and "\u202e" not in text and "[red]ti[31mtle[/red]" in text
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_table_fits_whatever_the_numbers_are(width):
    """Medians and intervals of every size, ends that are not finite, failures beyond all bounds."""
    for numbers in NUMBERS:
        found = comparator.replicated("x", 1e-320, -1, numbers, pilot=[-1e-9] * 16)
        lines = render(run_of([record(found, "verified" if found.passed else "failed", "P1.pythia")]), width)
        assert max(map(cell_len, lines)) <= width, lines


def test_a_ledger_without_titles_shows_the_beginning_of_its_sentences():
    claim = replace(claim_record("T1.1", "verified", [comparator.equal("x", 1, 1)]), title="", statement="One is one.")
    assert words(render(run_of([claim]))[2:3]) == "T1.1 ✓ verified One is one. = 1 1 exact 1.25"
    long = replace(claim, statement="A sentence with {x: exact} of " + "words " * 40)
    assert "A sentence with 1 of words words words words …" in words(
        line[16:44] for line in render(run_of([long]))[2:5]
    )


def test_reuse_is_marked_and_told():
    jobs = [JobRecord("draws", "a", 1.0, "2024-06-03"), JobRecord("draws", "b", 1.0, None)]
    lines = render(run_of([record(trained(), jobs=jobs), record(trained(), name="E2")]))
    assert lines[3].strip() == "↺ accuracy · 13 of 14 seeds" and lines[5].strip() == "accuracy · 13 of 14 seeds"
    assert "↺: rests on results that an earlier run of the same code kept, 1 of 2 in all" in head(lines)


SAID = {
    "exact": (comparator.equal("x", 1, 1), []),
    "close": (comparator.close("x", 1.0, 1.5, 1.0, "why"), ["No comparison used more than 50 %: E1, x."]),
    "estimate": (comparator.estimate("x", 1.0, 1.0, 0.1, None), ["an estimate raises the alarm beyond 6.40 standard"]),
    "sign": (comparator.sign("x", 1, 1.0, 0.01), ["a sign is told beyond 6.40 standard errors from 0"]),
    "rate": (comparator.rate("x", 0.5, 1, [1.0] * 99), ["a mean of values in [0, 1] is told from its threshold"]),
    "replicated": (trained(), ["Trainings: found is the median over seeds [its interval]", "probability below 10⁻³"]),
}


@pytest.mark.parametrize("kind", SAID)
def test_the_footer_is_about_what_is_in_the_table(kind):
    """By kind of evidence: its own sentences, and none of those of other kinds."""
    said = head(render(run_of([record(SAID[kind][0])])))
    for other, (_, sentences) in SAID.items():
        for sentence in sentences[:1] if other == "close" else sentences:
            if other == "close":
                assert ("No comparison used more than" in said) == (SAID[kind][0].used is not None)
            else:
                assert (sentence in said) == (other == kind), sentence
    assert ("Monte Carlo" in said) == (
        kind in ("estimate", "sign", "rate")
    ) and "all 1 comparisons are in the record" in said


def test_of_trainings_that_are_all_there_are_no_false_alarm_is_promised():
    few = comparator.replicated("x", 0.5, 1, [0.9] * 7)
    said = head(render(run_of([record(few)])))
    assert "is taken for more with probability at most 0.05 (7 of 256 statements)" in said and "nine tenths" not in said


def test_a_run_without_evidence_has_no_footer():
    lines = render(run_of([claim_record("P6")]))
    assert lines[-1] == "1 not run" and lines[-2] == "─" * COLUMNS


def test_a_family_that_is_exceeded_is_said():
    run = run_of([record(trained())])
    over = replace(run, design=run.design | {"comparisons": 5000})
    assert "FAILED: 5000 comparisons exceed the family of 4096 of this design" in render(over)


def test_an_excerpt_has_the_rows_of_some_claims_plain_and_without_seconds():
    run = mixed_run()
    lines = excerpt(run, ["E1", "T1.1"])
    assert [line.split()[0] for line in lines if not line.startswith((" ", "─"))] == ["id", "T1.1", "E1"]
    assert max(map(cell_len, lines)) <= COLUMNS and "seconds" not in lines[0] and "1.25" not in "".join(lines)
    slower = replace(run, claims=[replace(claim, seconds=81.35) for claim in run.claims])
    assert excerpt(slower, ["E1", "T1.1"]) == lines
    with pytest.raises(ValueError, match=r"ids must be of claims that were run \(T1.1, .*\), got B1, P1.pythia"):
        excerpt(run, ["E1", "B1", "P1.pythia"])


@pytest.mark.parametrize("isatty", [True, False])
@pytest.mark.parametrize("ci", ["", "true"])
def test_it_is_plain_where_there_is_no_terminal_and_in_ci(monkeypatch, isatty, ci):
    monkeypatch.setenv("CI", ci)
    reporter = SimpleNamespace(isatty=isatty, hasmarkup=True, _tw=SimpleNamespace(fullwidth=137))
    assert surface(reporter) == ((137, True) if isatty and not ci else (COLUMNS, False))


def test_every_verdict_has_a_colour_of_its_own():
    run = mixed_run()
    lines = [Text.from_ansi(line) for line in render(run, 120, colour=True)]
    shown = {}
    for claim in run.claims:
        row = next(line for line in lines if f"{LOOKS[claim.verdict].sign} {claim.verdict} " in line.plain + " " or
                   (claim.verdict == "not run" and line.plain.startswith("–")))  # fmt: skip
        at = row.plain.index(LOOKS[claim.verdict].sign)
        shown[claim.verdict] = {str(span.style) for span in row.spans if span.start <= at < span.end}
    assert set(shown) == set(LOOKS) and all(shown.values()) and "color(1)" in "".join(shown["failed"])
    assert len(set(map(frozenset, shown.values()))) == len(LOOKS)


def test_claims_of_the_ledger_have_short_titles():
    assert all(len(claim.title.split()) <= 6 for claim in load_claims().values())


def test_evidence_without_numbers_has_a_row():
    item = Evidence("x", "exact", "holds", True, "1 exact values, 0 differ", relation="=")
    assert words(render(run_of([record(item)]))[2:3]) == "E1 ✓ verified Noise comes first = – the same exact 1.25"
    none = render(run_of([claim_record("E1", "failed", title="Noise comes first")]))
    assert " ".join(none[2].split()[:6]) == "E1 ! failed Noise comes first" and "no evidence was recorded" in none[3]


def test_the_most_used_is_not_less_than_it_was():
    """Per cent rounded up, where the row has the nearest."""
    for used, said in ((0.994, "100 %"), (0.29, "29 %"), (0.07, "7 %"), (0.0004, "1 %")):
        item = replace(comparator.close("x", 1.0, 1.0, 0.1, "why"), used=used)
        assert f"No comparison used more than {said}: E1, x." in head(render(run_of([record(item)])))


def test_what_speaks_beyond_the_boundary_and_what_is_proved_is_counted():
    evidence = [comparator.less("a", 1, 2), comparator.less("b", 1, 2, side="beyond"), comparator.less("c", 1, 9)]
    lines = render(run_of([replace(record(evidence[0], "bounded"), evidence=evidence)]))
    assert any(line.strip() == "a · 1 of 3, 1 beyond" for line in lines)
