"""Blocks that fill makes of a run: what stands in each, what is stale, what is refused, what is left alone."""

import os
import time
from dataclasses import replace

import pytest

from paper_checks.commands.fill import blocks
from paper_checks.evidence import comparator
from paper_checks.evidence.results import NOT_SELECTED
from paper_checks.evidence.run import PROCESSOR, JobRecord
from paper_checks.project import own_ledger
from paper_checks.report.table import excerpt
from tests.oracles.picture_commands import command
from tests.oracles.report_runs import claim_record, run_of, write_record

fill_command = command("fill")
TRAINED = comparator.replicated("P(τ) | w1", 0.2, -1, lambda n: (0.13371, 0.1, 0.12, 0.11, 0.125, 0.105)[:n])
FOUND = "At most {P(τ) | w1: max} on {P(τ) | w1: count}, of *all* <b>."
E2 = claim_record("E2", "verified", [TRAINED], title="Half | whole", paper="It falls [1].", found=FOUND, scope="N = 12")
T3 = claim_record("T3.5", "verified", [comparator.less("one", 1, 2)], title="Both", paper="P", found="F", scope="S")
P6 = claim_record(
    "P6", title="Later", paper="Phi-3", found="nothing so far", scope="one model", statement="S", limits=""
)
RUN = run_of([T3, E2, P6], code=own_ledger().code_hash(), versions={PROCESSOR: "one"})
KIND = "\nThe run was on a processor of the kind one; on another, numbers of trainings may differ.\n"
FINDINGS = (
    "| claim | verdict | the paper says | found |\n| --- | --- | --- | --- |\n"
    '| <a id="e2"></a>**E2** Half \\| whole | ✓ verified | It falls \\[1\\]. | At most 0.134 on 6 of 6, of \\*all\\* '
    "&lt;b>. |\n" + KIND
)


def block(words, shown=""):
    return f"before\n<!-- made: {words} -->\n{shown}<!-- /made -->\nafter\n"


def made(words, run=RUN):
    found = blocks.fill(run, block(words))
    assert found.problems == [] and found.count == 1 and blocks.check(run, found.text).problems == []
    return found.text.removeprefix(f"before\n<!-- made: {words} -->\n").removesuffix("<!-- /made -->\nafter\n")


def test_findings_have_a_row_per_claim_with_the_numbers_of_the_run():
    assert made("findings E") == FINDINGS
    assert made("findings P").splitlines()[2] == (
        '| <a id="p6"></a>**P6** Later | – not run | Phi-3 | nothing so far |'
    )


def test_details_have_the_formal_statement_and_what_stands_behind_it():
    record = replace(E2, depends_on=("T3.5",), theory=("theory.Task",), limits="Of one size.", source="A, B")
    said = made("details E", run_of([T3, record]))
    assert f"```math\n{E2.formal}\n```" in said and said.startswith("### E2 Half | whole\n")
    for line in ("Where: N = 12", "Not shown: Of one size.", "Rests on: [T3.5](T3.md#t35)", "Stated by: `theory.Task`",
                 "Checked by: `paper_checks/test_x.py::test_it`", "Source: A, B"):  # fmt: skip
        assert f"\n- {line}\n" in said


def test_groups_symbols_verdicts_and_rows():
    titles = RUN.project.groups
    assert made("groups badges pages").splitlines()[3] == (
        f"| [E: {titles['E']}](pages/E.md) | ![verdicts of E](badges/E.svg) | 1 |"
    )
    symbols = RUN.project.symbols
    assert made("symbols N π").splitlines()[2:] == [f"| N | {symbols['N']} |", f"| π | {symbols['π']} |"]
    assert len(made("symbols").splitlines()) == len(symbols) + 2
    assert "| – not run | with the reason" in made("verdicts")
    assert made("grades E").splitlines()[-1] == (
        "| [E2](findings/E.md#e2) Half \\| whole | trainings | 1 | margins of 42.5 % | " + E2.limits + " |"
    )
    assert (
        made("grades T3 P").splitlines()[-1]
        == "| [P6](findings/P.md#p6) Later | not run | – | – | " + (P6.limits or "–") + " |"
    )
    rows = "\n".join(["```text", *excerpt(RUN, ["T3.5", "E2"]), "```"])
    assert made("table T3.5 E2") == f"{rows}\n{KIND}"
    assert KIND not in made("table T3.5") + made("findings T3")


@pytest.mark.parametrize(
    ("old", "new", "is_stale"),
    [("0.134", "0.133", False), ("0.134", "0.132", True), ("0.134", "0", True), ("0.134", "0.1", True),
     ("6 of 6", "6 of 7", True), ("6 of 6", "5 of 6", True),
     ("verified", "bounded", True), ("falls", "fell", True), ("0.134", "", True), ("0.134", "0.134 or so", True)],
)  # fmt: skip
def test_texts_and_counts_are_compared_exactly_and_numbers_to_a_unit(old, new, is_stale):
    shown = block("findings E", FINDINGS.replace(old, new, 1))
    problems = blocks.check(RUN, shown).problems
    assert bool(problems) is is_stale
    assert all(line.startswith("line 2: block findings E is not the run's: shown | <a id=") for line in problems)
    assert blocks.fill(RUN, shown).text == block("findings E", FINDINGS)


ELSEWHERE = replace(RUN, versions={PROCESSOR: "two"})


@pytest.mark.parametrize(
    ("old", "new", "is_stale"),
    [("0.134", "0.167", False), ("0.134", "0.067", False), ("0.134", "0.169", True), ("0.134", "0.065", True),
     ("6 of 6", "5 of 6", True), ("falls", "fell", True), ("kind one;", "kind two;", False)],
)  # fmt: skip
def test_numbers_of_trainings_on_another_kind_of_processor_lie_in_the_range_of_the_seeds(old, new, is_stale):
    """0.1 to 0.13371, and as much again on both sides."""
    shown = block("findings E", FINDINGS.replace(old, new, 1))
    found = blocks.check(ELSEWHERE, shown)
    assert bool(found.problems) is is_stale
    assert found.notes == (
        []
        if "two" in new
        else ["line 2: block findings E: run on one, now on two: trainings are held to the range of their seeds"]
    )
    filled = blocks.fill(ELSEWHERE, shown).text
    assert "of the kind two;" in filled and blocks.check(ELSEWHERE, filled).notes == []


@pytest.mark.parametrize(
    ("old", "new", "is_stale"),
    [
        ("0.1338", "0.1538", False),
        ("0.1338", "0.2338", True),
        (" 0 %", " 42 %", False),
        ("< 0.2", "< 0.9", True),
        ("1.25", "1.35", True),
    ],
)
def test_only_rows_about_trainings_are_held_less_closely_elsewhere(old, new, is_stale):
    exact = claim_record("T3.5", "verified", [comparator.less("one", 1.25, 2.5)])
    here, there = (run_of([exact, E2], versions={PROCESSOR: kind}) for kind in ("one", "two"))
    shown = block("table T3.5 E2", made("table T3.5 E2", here).replace(old, new, 1))
    assert new in shown and blocks.check(here, shown).problems
    assert bool(blocks.check(there, shown).problems) is is_stale


@pytest.mark.parametrize("words", ["findings E", "table E2"])
def test_trainings_on_record_are_the_same_elsewhere(words):
    recorded = replace(E2, recorded="trainings of 2026-01-02 on a GPU")
    here, there = (run_of([recorded], versions={PROCESSOR: kind}) for kind in ("one", "two"))
    shown = block(words, made(words, here))
    assert blocks.check(there, shown).problems == []
    for number in ("0.134", "0.1338"):
        changed = shown.replace(number, f"{number[:3]}5{number[4:]}")
        assert changed == shown or blocks.check(there, changed).problems


def test_a_command_says_what_is_held_less_closely(tmp_path, capsys):
    record, page = str(write_record(tmp_path, ELSEWHERE)), tmp_path / "one.md"
    page.write_text(block("findings E", FINDINGS), encoding="utf-8")
    assert fill_command([str(page), "--check", "--record", record]) == 0
    assert "run on one, now on two: trainings are held to the range" in capsys.readouterr().err


def test_rows_of_the_table_do_not_say_what_was_reused():
    """A run with an empty cache and one with a full one say the same."""
    reused = replace(E2, jobs=[JobRecord("draw", "0" * 64, 1.0, "2024-06-03T10:11:12+00:00")])
    assert "↺" in "".join(excerpt(run_of([reused]), ["E2"]))
    assert made("table E2", run_of([reused])) == made("table E2", run_of([E2]))


def test_a_line_more_or_less_is_stale():
    for shown in (FINDINGS + "| more |\n", "", FINDINGS.partition("\n")[2]):
        assert len(blocks.check(RUN, block("findings E", shown)).problems) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (block("finding E"), "line 2: block finding E: a block must be one of findings, details, groups, symbols"),
        (block("findings"), "line 2: block findings: one group is needed, of T3, E, P, got none"),
        (block("findings E9"), "line 2: block findings E9: group must be of T3, E, P, got E9"),
        (block("symbols N Ω"), "line 2: block symbols N Ω: symbols must be of N, M, T"),
        (block("groups badges"), "line 2: block groups badges: groups takes two folders"),
        (block("verdicts all"), "line 2: block verdicts all: verdicts takes no words, got all"),
        (block("table"), "line 2: block table: table takes ids of claims, got none"),
        (block("grades Z"), "line 2: block grades Z: groups must be of T3, E, P, got Z"),
        (block("table E2 Z9"), "line 2: block table E2 Z9: ids must be of T3.5, E2, P6, got Z9"),
        ("a\n<!-- made: verdicts -->\nb\n", "line 2: a comment of a block has no partner"),
        ("a <!-- made: verdicts -->\n<!-- /made -->\n", "line 1: a comment of a block has no partner"),
        ("<!-- made: verdicts -->\n<!-- made: verdicts -->\n<!-- /made -->\n", "line 1: a comment of a block"),
        ("a\n\n<!-- /made -->\n", "line 3: a comment of a block has no partner"),
    ],
)
def test_what_is_no_block_is_refused_with_its_line(text, message):
    for treat in (blocks.check, blocks.fill):
        assert treat(RUN, text).problems[0].startswith(message)
    assert "made" in blocks.fill(RUN, text).text


def test_comments_in_a_code_block_are_text():
    text = "```md\n<!-- made: what -->\n```\n"
    assert blocks.check(RUN, text).problems == [] and blocks.fill(RUN, text).text == text


def test_a_number_that_the_run_lacks_is_an_error():
    run = run_of([replace(E2, found="{no such: max}")])
    assert (
        "E2: found: no such: must be one statement of the record, got 0"
        in (blocks.check(run, block("findings E")).problems[0])
    )


def test_blocks_of_claims_that_were_not_run_are_left(tmp_path, capsys):
    """Those with numbers to fill in, and those that were not selected; --check says so."""
    for record in (replace(E2, verdict="not run"), replace(P6, reason=NOT_SELECTED, group="E")):
        run, text = run_of([T3, record]), block("findings E", "old\n")
        left = blocks.fill(run, text)
        assert (left.text, left.problems, left.not_run) == (text, [], {record.id})
        assert blocks.check(run, text).problems == [f"line 2: block findings E: not run: {record.id}"]


def test_several_files_are_filled_and_checked(tmp_path, capsys):
    record = str(write_record(tmp_path, RUN))
    one, other = tmp_path / "one.md", tmp_path / "other.md"
    one.write_text(block("findings E"), encoding="utf-8")
    other.write_text(block("verdicts") + "<!--E2: P(τ) | w1: max-->0.500<!--/-->\n", encoding="utf-8")
    files = [str(one), str(other), "--record", record]
    assert fill_command([*files, "--check"]) == 1
    said = capsys.readouterr()
    assert f"{one}: line 2: block findings E is not the run's: 0 lines are shown, the run has 5" in said.err
    assert f"{other}: E2: P(τ) | w1: max: shown 0.500, the run has 0.134" in said.err
    assert f"{other}: 2 of 2 numbers and blocks are not those" in said.out
    assert fill_command(files) == 0 and f"{other}: 2 filled in" in capsys.readouterr().out
    assert one.read_text(encoding="utf-8") == block("findings E", FINDINGS) and fill_command([*files, "--check"]) == 0
    one.write_text(block("nothing"), encoding="utf-8")
    assert fill_command(files) == 1 and "a block must be one of" in capsys.readouterr().err


def test_what_cannot_be_read_or_written_is_named_and_stays(tmp_path, capsys, monkeypatch):
    record = str(write_record(tmp_path, RUN))
    path = tmp_path / "one.md"
    path.write_bytes(b"\xff\xfe")
    assert fill_command([str(path), "--record", record]) == 2
    assert f"{path} must be a text in UTF-8" in capsys.readouterr().err
    path.write_text(block("verdicts"), encoding="utf-8")

    def refused(*paths):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "replace", refused)
    assert fill_command([str(path), "--record", record]) == 2
    assert f"{path} cannot be written: Operation not permitted" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == block("verdicts")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["claims.json", "one.md"]


def test_signs_of_the_ledger_are_no_markup():
    record = replace(E2, paper=r"a \*b\* &lt;i> & c")
    assert r"| a \\\*b\\\* &amp;lt;i> &amp; c |" in made("findings E", run_of([record]))


def test_many_more_numbers_than_the_run_has_take_no_time():
    statistics = " ".join("{P(τ) | w1: max}" for _ in range(12))
    run = run_of([replace(E2, found=f"{statistics} end")])
    text = made("findings E", run).replace(" end", " 0.134" * 18 + " End")
    began = time.process_time()
    assert len(blocks.check(run, block("findings E", text)).problems) == 1
    assert time.process_time() - began < 5
