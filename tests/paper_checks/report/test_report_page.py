"""What the report says, without a browser: formulas, records, comparisons shown, pictures, badges, colours."""

import html
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from paper_checks.evidence.run import read_run
from paper_checks.project import load_claims
from paper_checks.report import folder as report_folder
from paper_checks.report import pictures as report_pictures
from paper_checks.report.mathematics.formula import formula, parts
from paper_checks.report.page import page
from paper_checks.report.views import MOST_ROWS, Attached, claim_view, rows
from paper_checks.report.written import write_report
from tests.oracles.report_runs import (
    COMPARISONS,
    FOUND,
    PLANS,
    agreeing,
    claim_record,
    ledger_run,
    many,
    mixed_run,
    run_of,
    small_run,
    write_record,
    wrong,
)

LEDGER = load_claims()


def text(latex):
    """The characters of a formula."""
    return "".join("".join(ET.fromstring(part).itertext()) for part in formula(latex))


@pytest.mark.parametrize("name", LEDGER)
def test_formulas_of_the_ledger_can_be_drawn(name):
    drawn = formula(LEDGER[name].formal)
    assert len(drawn) == len(parts(LEDGER[name].formal)) >= 1
    for part in drawn:
        root = ET.fromstring(part)
        assert root.tag.endswith("math") and root.get("display") == "block"
        assert not re.search(r"\\|&|mathvariant=.(bold|double)", part.replace("&lt;", "").replace("&gt;", ""))


@pytest.mark.parametrize(
    ("latex", "found"),
    [
        (r"a\quad b\qquad c;\ d", ["a", "b", "c;", "d"]),
        (r"\text{a\quad b;\ c}\quad{d\qquad e}", [r"\text{a\quad b;\ c}", r"{d\qquad e}"]),
        (r"\{a\quad b\}", [r"\{a", r"b\}"]),
        (r"{{a}\quad b}\quad c", [r"{{a}\quad b}", "c"]),
        (r"a;b\ c\\quad", [r"a;b\ c\\quad"]),
        (r"\quad a\quad\quad ", ["a"]),
        ("", []),
    ],
)
def test_formulas_are_cut_outside_braces_alone(latex, found):
    assert parts(latex) == found


@pytest.mark.parametrize(
    ("latex", "found"),
    [
        (r"\mathbb E\mathbb R\mathbb{1}\mathbb k", "𝔼ℝ𝟙𝕜"),
        (r"\mathbf E\mathbf{1}\mathbf x", "𝐄𝟏𝐱"),
        (r"\mathrm{SNR}\alpha\pi", "SNRαπ"),
        (r"\arg\max x", "argmaxx"),
        (r"\text{<script>&lt;b&gt;</script>}", "<script><b></script>"),
    ],
)
def test_letters_are_characters(latex, found):
    assert text(latex) == found


@pytest.mark.parametrize("latex", [r"\text{<img src=x onerror=a>}", r"\text{&lt;img src=x&gt;}", r"\color{\"><img>}x"])
def test_markup_in_a_formula_is_text(latex):
    assert all("<img" not in part and ET.fromstring(part) is not None for part in formula(latex))


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\foo x", r"\foo"),
        ("a^b^c", "DoubleSuperscripts"),
        ("{" * 5000, "drawn"),
        (r"\href{javascript:a()}{x}", "href"),
        (r"\style{position:fixed}{x}", "style"),
        (r"\class{skip}{x}", "class"),
    ],
)
def test_what_is_no_formula_is_refused_and_shown_as_source(latex, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        formula(latex)
    shown = page(run_of([claim_record("T1.1", formal=f"{latex}<b>")]), Attached(), "x.json")
    assert f"<code>{html.escape(latex, quote=False)}&lt;b&gt;</code>".replace("'", "&#39;") in shown
    assert 'class="part"' not in shown


def test_a_record_is_read_as_it_was_written(tmp_path):
    for run in (ledger_run(), small_run(), run_of([])):
        assert read_run(write_record(tmp_path, run)) == run


def change(*path, **values):
    """What sets keys of a part of the record."""

    def changed(content):
        for key in path:
            content = content[key]
        content.update(values)

    return changed


def first(**values):
    """A change of the record's first claim, whose evidence agrees."""
    return change("claims", 0, **values)


MALFORMED = {
    "unknown": (change(colour="red"), ["unknown keys", "colour"]),
    "missing": (lambda content: content.pop("seed"), ["missing keys", "seed"]),
    "seed": (change(seed="7"), ["seed must be an integer", "'7'"]),
    "flag": (change(seed=True), ["seed must be an integer", "True"]),
    "seconds": (change(seconds=None), ["seconds must be a finite number", "None"]),
    "huge": (change(seconds=10**400), ["seconds must be a finite number", "1000"]),
    "versions": (change(versions={"python": 3}), ["versions: python must be a string"]),
    "design": (change(design={"miss": "x"}), ["design: miss must be a finite number"]),
    "no design": (change(design={}), ["design", "false_alarm"]),
    "claims": (change(claims={}), ["claims must be a list"]),
    "claim": (change(claims=[3]), ["claim 0 must be a table", "3"]),
    "claim missing": (lambda content: content["claims"][0].pop("scope"), ["claim T1.1", "missing keys", "scope"]),
    "claim unknown": (first(colour="red"), ["claim T1.1", "unknown keys", "colour"]),
    "statement": (first(statement=3), ["claim T1.1", "statement must be a string", "3"]),
    "checks": (first(checks=[3]), ["claim T1.1", "checks: entry 1 must be a string"]),
    "code": (first(code=[{"path": "x", "line": "1", "source": ""}]), ["claim T1.1", "code", "line must be an integer"]),
    "code list": (first(code="x"), ["claim T1.1", "code must be a list"]),
    "verdict": (first(verdict="proved"), ["claim T1.1", "verdict must be one of verified, bounded", "'proved'"]),
    "evidence": (first(evidence=None), ["claim T1.1", "evidence must be a list"]),
    "evidence key": (change("claims", 0, "evidence", 0, extra=1), ["claim T1.1", "evidence", "unknown keys", "extra"]),
    "passed": (change("claims", 0, "evidence", 0, passed=1), ["claim T1.1", "passed must be true or false"]),
    "z": (change("claims", 0, "evidence", 1, z="0"), ["claim T1.1", "z must be a finite number"]),
    "side": (change("claims", 0, "evidence", 0, side="left"), ["claim T1.1", "'exact'", "side must be", "'left'"]),
    "better": (change("claims", 1, verdict="verified"), ["claim T1.2", "'verified'", "evidence, which says 'failed'"]),
    "other": (first(verdict="refuted"), ["claim T1.1", "'refuted'", "evidence, which says 'verified'"]),
    "recorded": (first(verdict="recorded"), ["claim T1.1", "'recorded'", "evidence, which says 'verified'"]),
    "as new": (first(recorded="on a day"), ["claim T1.1", "'verified' is not that of its evidence"]),
    "none": (first(evidence=[]), ["claim T1.1", "'verified'", "evidence, which says 'failed'"]),
    "out": (first(id="../x"), ["id must be up to 40 letters", "'../x'"]),
    "markup": (first(id="<b>"), ["id must be up to 40 letters", "'<b>'"]),
    "long": (first(id="x" * 41), ["id must be up to 40 letters"]),
    "group": (first(group="a b"), ["claim T1.1", "group must be up to 40 letters", "'a b'"]),
    "twice": (change("claims", 1, id="T1.1"), ["different ids", "T1.1"]),
    "rows": (change("claims", 0, "evidence", 1, rows=[[1.0]] * 3), ["claim T1.1", "rows must be 3 lists of 5 numbers"]),
    "row": (change("claims", 0, "evidence", 1, rows=[[1.0] * 5]), ["claim T1.1", "rows must be 3 lists of 5 numbers"]),
    "scale": (change("claims", 0, "evidence", 0, details={"scale": "1"}), ["scale must be a finite number, got '1'"]),
    "itself": (first(depends_on=["T1.1"]), ["no claim must rest on itself, got T1.1 for T1.1"]),
    "round": (
        lambda content: (first(depends_on=["B1"])(content), change("claims", 2, depends_on=["T1.1"])(content)),
        ["no claim must rest on itself"],
    ),
}


@pytest.mark.parametrize(("changed", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record_is_named(tmp_path, changed, words):
    path = write_record(tmp_path, small_run(), changed)
    with pytest.raises(ValueError) as caught:
        read_run(path)
    assert [word for word in ["claims.json", *words] if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{\n"seed": 7,\n oops}', "claims.json must be JSON: line 3"),
        (b"", "claims.json must be JSON: line 1"),
        (b"[]", "claims.json must have the key"),
        (b"\xff\xfe", "claims.json must be JSON: it is no UTF-8"),
        (b"[" * 100_000, "claims.json"),
        (b"1" * 5000, "claims.json"),
        (None, "claims.json cannot be read"),
    ],
    ids=["text", "empty", "list", "bytes", "deep", "digits", "missing"],
)
def test_a_file_that_is_no_record_is_named(tmp_path, content, words):
    path = tmp_path / "claims.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_run(path)


def test_failed_comparisons_come_first_then_those_that_used_most():
    shown = rows(many())
    assert len(shown) == MOST_ROWS < COMPARISONS and shown[0] == wrong()
    sizes = [abs(item.z) for item in shown[1:]]
    assert sizes == sorted(sizes, reverse=True) and shown[1].name == f"mean {COMPARISONS - 2}"
    assert rows([agreeing(0), agreeing(2)]) == [agreeing(2), agreeing(0)] and rows([]) == []


def test_the_page_says_what_it_leaves_out():
    shown = page(run_of([claim_record("T4.1", *FOUND["T4.1"])]), Attached(), "x.json")
    assert f"{MOST_ROWS} of {COMPARISONS}, " in shown and shown.count("<strong>failed:</strong>") == 1
    table = shown.partition("<summary>Comparisons of")[2]
    assert table.index("<strong>failed:</strong>") < table.index(f"mean {COMPARISONS - 2}</td>")
    assert f"{3 * (COMPARISONS - 1) + 1} numbers in {COMPARISONS} comparisons" in shown
    assert "100, 101, 102, 103, 104 and 54 more" in shown
    assert " of 2, " not in page(run_of([claim_record("T1.1", *FOUND["T1.1"])]), Attached(), "x.json")


def test_pictures_are_those_of_claims_that_were_run():
    drawn = report_pictures.draw_pictures(mixed_run(), PLANS)
    assert [(file.name.split(".")[0], file.claims, file.title) for file in drawn.files] == [
        ("stairs", ("T3.5", "P1.pythia"), "Steps & <stairs>"), ("more-stairs", ("E1",), "Steps & <stairs>"),
    ]  # fmt: skip
    assert list(drawn.contents) == [name for file in drawn.files for name in (file.name, file.data)]
    assert drawn.contents[drawn.files[0].data].startswith(b"step,height\n0,0\n1,1\n")
    assert drawn.troubles == ["picture broken: ZeroDivisionError: division by zero"]
    assert {file.width for file in drawn.files} == {500} and drawn.files[0].height + 12 == drawn.files[1].height
    again = report_pictures.draw_pictures(mixed_run(), PLANS)
    assert again == drawn
    shown = page(mixed_run(), Attached(drawn.files), "x.json", drawn.troubles)
    assert shown.count("<img ") == 3 and "picture broken: ZeroDivisionError: division by zero" in shown
    assert all(shown.count(f'<a href="assets/{file.data}">') for file in drawn.files)


def test_plans_are_of_claims_of_the_ledger_and_their_files_are_ours():
    for plan in report_pictures.PLANS:
        assert {*plan.claims, *plan.needs} <= LEDGER.keys() and plan.needs
        for kind in ("svg", "csv"):
            assert report_folder._OURS.fullmatch(report_folder.asset_name(f"{plan.name}.{kind}", b""))
    assert len({plan.name for plan in report_pictures.PLANS}) == len(report_pictures.PLANS)


def test_the_page_says_what_stands_for_a_claim_and_how_to_run_it_alone():
    """By claim: sides, seeds, names and values of the headline's columns, the line that runs it with its seed."""
    run = replace(mixed_run(), options="--scale paper")
    run = replace(run, claims=[replace(one, catches=["F2 kept"] if one.id == "E1" else []) for one in run.claims])
    views = {claim.id: claim_view(claim, Attached()) for claim in run.claims}
    assert [views[name].sides for name in ("T1.1", "T1.3", "T1.6")] == [
        "",
        "1 holds, 1 beyond",
        "1 holds, 1 counterexample",
    ]
    assert views["E1"].seeds == "3" and views["T1.3"].seeds == ""
    assert views["T3.5"].seeds == "spawned from the run's base seed"
    assert [views[name].is_observed for name in ("E1", "T1.1", "P1.pythia", "P6")] == [True, False, True, True]
    text = html.unescape(page(run, Attached(), "x.json"))
    assert "pytest paper_checks -m claims --claims T1.3 --seed 7 --scale paper<" in text
    assert all(words in text for words in (
        ">> 0.9<", ">0.99 [0.99, 0.99], 13 of 14 seeds<", "mutants of the trainings: F2 kept",
        "of 6 seeds 1 on the wrong side (stands with 0 at most, fails with ",
        "<dt>Numbers by seed</dt><dd>0.99, 0.2, 0.99", "<dt>Pilot</dt><dd>0.97, 0.971",
    ))  # fmt: skip
    assert "Trainings of E1" in text and "Trainings of T1.1" not in text and "7 of 256 statements" in text
    assert "(1 holds, 1 beyond)" in text and "Seeds: spawned from" in text


def test_what_was_not_found_here_is_not_said_to_be():
    """Only exact numbers are exactly true; of claims that failed or were not run the ledger alone speaks."""
    found = {
        "Exactly true is": claim_record("T1.3", *FOUND["T1.3"]),
        "What was found": claim_record("T1.3", "verified", [agreeing(1)], proof=()),
        "The ledger says, not run here": claim_record("T1.3"),
        "The ledger says, but a check failed": claim_record("T1.3", "failed", [wrong()]),
    }
    for words, record in found.items():
        shown = page(run_of([record]), Attached(), "x.json")
        assert [one for one in found if f"<dt>{one}</dt>" in shown] == [words]
        assert ("<strong>Found.</strong>" in shown) is not words.startswith("The ledger")
        assert shown.count(f"<strong>{words}.</strong>") == words.startswith("The ledger")


def test_files_are_links_where_the_repository_is_named(tmp_path, monkeypatch):
    run = run_of([claim_record("T1.1", *FOUND["T1.1"])], commit="a" * 40)

    def links(address, one=run):
        monkeypatch.setenv("REPOSITORY_URL", address)
        write_report(one, tmp_path / "page", "none")
        return re.findall(r'href="(https://[^"]*)"', (tmp_path / "page" / "index.html").read_text(encoding="utf-8"))

    found = links("https://example.org/a/b/")
    start = f"https://example.org/a/b/blob/{'a' * 40}"
    assert f"{start}/paper_checks/test_x.py#L7" in found and f"{start}/theory/one_step/gradients.py#L1" in found
    assert f"{start}/{run.claims[0].proof[0].test.partition('::')[0]}" in found
    assert links("") == links('https://example.org/"><b>') == links("javascript:a()") == []
    assert links("https://example.org", replace(run, commit=f"{'a' * 40} with changes")) == []
