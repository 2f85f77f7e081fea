"""Numbers filled in from a run: statistics and their rounding, what is stale, markers, placeholders, the command."""

import math
from dataclasses import replace

import pytest

from paper_checks.evidence import comparator, filled
from paper_checks.evidence.results import Results
from paper_checks.project import load_claims, own_ledger
from paper_checks.report.views import Attached
from paper_checks.session import failure
from tests.oracles.picture_commands import command
from tests.oracles.report_runs import claim_record, page, run_of, write_record

fill_command = command("fill")
NUMBERS = (0.13371, 0.1, 0.12, 0.11, 0.125, 0.105)
TRAINED = comparator.replicated("P(τ) without F2", 0.2, -1, lambda n: NUMBERS[:n], pilot=[0.123] * 16)
SIZES = comparator.replicated("|x| - a: at 2", 5.0, +1, lambda n: [140.0, 30.0, 31.0, 32.0, 33.0, 34.0][:n])
NEVER = comparator.replicated("update", 5.0, +1, [*[7.0] * 9, math.inf])
SAMPLED = comparator.estimate("mean", 2.0, 2.00149, 0.001, 0.02)
EVIDENCE = [TRAINED, SIZES, NEVER, SAMPLED, comparator.less("one", 1, 2), comparator.less("one", 1, 2)]
RUN = run_of([claim_record("E2", "verified", EVIDENCE), claim_record("E3")])


def shown(name, statistic):
    return filled.written(*filled.look_up(EVIDENCE, name, statistic))


def like(text, name, statistic):
    return filled.written_like(text, *filled.look_up(EVIDENCE, name, statistic))


@pytest.mark.parametrize(
    ("statistic", "found"),
    [("median", "0.115"), ("min", "0.1"), ("max", "0.134"), ("range", "0.1 to 0.134"), ("low", "0.1"),
     ("high", "0.134"), ("interval", "0.1 to 0.134"), ("count", "6 of 6"), ("seeds", "6"), ("share", "0.606"),
     ("pilot", "0.123"), ("threshold", "0.2"), ("detects", "0.627")],
)  # fmt: skip
def test_statistics_of_trainings(statistic, found):
    """By hand: the interval of six is their range, (0.2 - 0.123)/0.123 = 0.6260, 0.05^(1/6) = 0.6069…."""
    assert shown("P(τ) without F2", statistic).replace("0.100", "0.1").replace("0.200", "0.2") == found


def test_statistics_of_other_comparisons():
    assert (shown("mean", "estimate"), shown("mean", "exact"), shown("mean", "z")) == ("2.00", "2", "1.49")
    assert shown("mean", "error") == "0.00100" and shown("mean", "numbers") == "1"
    assert set(filled.statistics(EVIDENCE[-1])) == {"exact", "threshold", "estimate", "numbers"}
    assert (shown("|x| - a: at 2", "median"), shown("|x| - a: at 2", "max")) == ("32.5", "140")
    assert "max" not in filled.statistics(NEVER) and shown("update", "count") == "9 of 10"
    assert "high" in filled.statistics(NEVER) and "pilot" not in filled.statistics(NEVER)


@pytest.mark.parametrize(
    ("text", "statistic", "found"),
    [
        ("0.13", "max", "0.14"), ("0.1", "max", "0.2"), ("0.1337", "max", "0.1338"), ("0.1337", "median", "0.1150"),
        ("13 %", "max", "14 %"), ("13.2%", "max", "13.4%"), ("1.3·10⁻¹", "max", "1.4·10⁻¹"),
        ("9·10⁻²", "min", "10·10⁻²"), ("0.2 to 0.4", "range", "0.1 to 0.2"), ("0.10–0.13", "range", "0.10–0.14"),
        ("0 to 1 %", "range", "10 to 14 %"), ("below 0.1", "max", "below 0.2"), ("5 of 6", "count", "6 of 6"),
        ("all", "count", "6 of 6"), ("", "max", "0.134"), ("0.2 to 0.4", "max", "0.134"),
        ("7 seeds", "seeds", "6 seeds"),
    ],
)  # fmt: skip
def test_digits_percents_and_words_are_those_of_what_stands_there(text, statistic, found):
    assert like(text, "P(τ) without F2", statistic) == found


@pytest.mark.parametrize(
    ("text", "statistic", "is_stale"),
    [
        ("0.134", "max", False), ("0.133", "max", False), ("0.135", "max", False), ("0.132", "max", True),
        ("0.136", "max", True), ("0.13", "max", False), ("0.12", "max", True), ("0.2", "max", False),
        ("14 %", "max", False), ("12 %", "max", True), ("0.14 to 0.134", "range", True),
        ("0.100 to 0.134", "range", False), ("6 of 6", "count", False), ("5 of 6", "count", True),
         ("6 of 7", "count", True), ("", "max", True), ("many", "max", True),
        ("1.3·10⁻¹", "max", False), ("1.3·10⁻²", "max", True), ("6", "seeds", False), ("7", "seeds", True),
    ],
)  # fmt: skip
def test_what_is_stale_is_more_than_a_unit_of_its_last_digit_off(text, statistic, is_stale):
    """0.134 is what would be filled in, one unit away is what another machine may round to; counts are exact."""
    assert filled.stale(text, *filled.look_up(EVIDENCE, "P(τ) without F2", statistic)) is is_stale


def text_of(maximum="0.134", size="140"):
    return (
        f"| E2 | {filled.marker('E2', 'P(τ) without F2', 'max', maximum)} and "
        f"{filled.marker('E2', '|x| - a: at 2', 'max', size)}, not 0.5 |\n"
    )


def run_command(tmp_path, text, *options):
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    record = write_record(tmp_path, replace(RUN, code=own_ledger().code_hash()))
    status = fill_command([str(path), *options, "--record", str(record)])
    return status, path.read_text(encoding="utf-8")


def test_a_file_is_filled_in_and_then_is_not_stale(tmp_path, capsys):
    assert "\\|x\\| - a: at 2: max" in text_of()  # or a table would end its cell there
    assert run_command(tmp_path, text_of("0.1", ""), "--check") == (1, text_of("0.1", ""))
    said = capsys.readouterr()
    path = tmp_path / "README.md"
    assert said.err.splitlines() == [f"{path}: E2: |x| - a: at 2: max: shown (nothing), the run has 140"]
    assert "1 of 2 numbers and blocks are not those of the run" in said.out
    assert run_command(tmp_path, text_of("0.131", "7"), "--check")[0] == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: E2: P(τ) without F2: max: shown 0.131, the run has 0.134",
        f"{path}: E2: |x| - a: at 2: max: shown 7, the run has 140",
    ]
    assert run_command(tmp_path, text_of("0.131", "7")) == (0, text_of())
    assert run_command(tmp_path, text_of(), "--check") == (0, text_of())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!--E2: x: max-->1<!--/-->", "E2: x: must be one statement of the record, got 0"),
        ("<!--E2: one: exact-->1<!--/-->", "E2: one: must be one statement of the record, got 2"),
        ("<!--E2: mean: median-->1<!--/-->", "E2: mean: statistic must be one of exact, threshold, estimate"),
        ("<!--E2: update: max-->1<!--/-->", "E2: update: statistic must be one of median"),
        ("<!--E99: mean: exact-->1<!--/-->", "E99: mean: must be one statement of the record, got 0"),
        ("<!--E2: mean: exact-->1", "<!--E2: mean: exact--> has no partner"),
        ("<!--E2: mean: exact-->1 <!--E2: mean: z-->1<!--/-->", "<!--E2: mean: exact--> has no partner"),
        ("1<!--/-->", "<!--/--> has no partner"),
    ],
)
def test_a_marker_that_names_nothing_is_an_error_and_stays(tmp_path, capsys, text, message):
    for options in ((), ("--check",)):
        status, after = run_command(tmp_path, text, *options)
        assert status == 1 and message in capsys.readouterr().err
        assert after.startswith(text[:20])


def test_claims_that_were_not_run_are_left(tmp_path, capsys):
    text = "<!--E3: x: max-->1<!--/--> and other comments <!-- of: ours --> <!--toc-->"
    assert run_command(tmp_path, text) == (0, text) and "0 filled in; not run: E3" in capsys.readouterr().out
    assert run_command(tmp_path, text, "--check")[0] == 1


def test_the_markers_of_a_claim_are_listed_to_paste(tmp_path, capsys):
    record = str(write_record(tmp_path, run_of([claim_record("E2", "verified", EVIDENCE[:4])])))
    assert fill_command(["--list", "E2", "--record", record]) == 0
    lines = capsys.readouterr().out.splitlines()
    pasted = "\n".join(line for line in lines if line.startswith("  "))
    assert "  <!--E2: P(τ) without F2: max-->0.134<!--/-->" in lines and "P(τ) without F2" in lines
    (tmp_path / "pasted").write_text(pasted)
    assert len(filled.MARKER.findall(pasted)) == len(lines) - 4
    assert fill_command([str(tmp_path / "pasted"), "--check", "--record", record]) == 0
    for asked in (
        ["--list", "E9"],
        [],
        ["x.md", "--list", "E2"],
        [str(tmp_path / "none.md")],
        [str(tmp_path / "pasted"), str(tmp_path / "none.md")],
    ):
        assert fill_command([*asked, "--record", record]) == 2


def test_a_record_of_other_code_fills_nothing_in(tmp_path, capsys):
    record = write_record(tmp_path, run_of(RUN.claims, code="abc"))
    assert fill_command(["--list", "E2", "--record", str(record)]) == 2
    assert "is of other code" in capsys.readouterr().err


def test_placeholders_of_the_ledger_are_filled_from_the_run_it_is_about():
    words, problems = filled.placeholders(
        "At most {P(τ) without F2: max}, {P(τ) without F2: max 2}, {P(τ) without F2: max 2 %}, {|x| - a: at 2: min}; "
        "{no}, {x: max}, {mean: maxx}.", EVIDENCE,
    )  # fmt: skip
    assert words == "At most 0.134, 0.14, 14 %, 30; {no}, …, …."
    assert [problem.partition(":")[0] for problem in problems] == ["{no} must be {NAME", "x", "mean"]


def test_the_page_and_a_failed_check_say_the_sentence_with_its_numbers():
    stated = "P(τ) is at most {P(τ) without F2: max}."
    record = claim_record("E2", "verified", EVIDENCE, statement=stated, scope=stated)
    assert page(run_of([record]), Attached(), "x.json").count(" is at most 0.134.") == 2  # P(τ) is mathematics there
    claim = load_claims()["E2"]
    changed = type(claim)(**(vars(claim) | {"statement": stated, "found": "", "shown": ""}))
    assert failure.explained(changed, EVIDENCE, "again")[0].startswith("P(τ) is at most 0.134. (")
    assert failure.explained(changed, [], "again")[0].startswith("P(τ) is at most …. (")

    results = Results(replace(own_ledger(), claims={"E2": changed}))
    results.by_id["E2"].functions, results.by_id["E2"].nodes = frozenset({"x.py::test_y"}), ["x.py::test_y"]
    results.by_id["E2"].by_check = {"x.py::test_y": [TRAINED]}
    assert results.problems == []
    results.by_id["E2"].by_check = {"x.py::test_y": [SAMPLED]}
    assert results.problems == ["E2: P(τ) without F2: must be one statement of the record, got 0"]
    results.by_id["E2"].failed = True
    assert results.problems == []


@pytest.mark.parametrize(
    ("shown", "found", "same"),
    [
        ("1.2e-05", "1.3e-05", True), ("1.2e-05", "1.2e-06", False), ("1.2e-05", "1.4e-05", False),
        ("0.1", "0.0999", True), ("0", "0.134", False), ("2 of 1.3·10⁻⁵", "2 of 1.2·10⁻⁵", True),
        ("1.3·10⁻⁵", "1.3·10⁻⁴", False), ("1e+30", "1e30", True), ("-0.1", "0.1", False),
    ],
)  # fmt: skip
def test_numbers_are_the_same_to_a_unit_of_the_last_digit(shown, found, same):
    assert filled.same_numbers(shown, found) is filled.same_numbers(found, shown) is same


def test_where_numbers_of_trainings_may_lie_on_another_kind_of_processor():
    """The range of the seeds and as much again on both sides; of what is a number of a seed, or between two."""
    for name in ("median", "min", "max", "range", "low", "high", "interval"):
        assert filled.spread(TRAINED, filled.TRAININGS[name]) == pytest.approx((0.06629, 0.16742))
    assert filled.spread(TRAINED, filled.ALL["estimate"]) is not None
    for name in ("share", "pilot", "count", "seeds"):
        assert filled.spread(TRAINED, filled.TRAININGS[name]) is None
    for name in ("exact", "threshold", "detects", "numbers"):
        assert filled.spread(TRAINED, filled.ALL[name]) is None
    assert filled.spread(SAMPLED, filled.ALL["estimate"]) is None
    assert filled.spread(NEVER, filled.TRAININGS["median"]) == (-math.inf, math.inf)  # a seed has no number


@pytest.mark.parametrize(
    ("text", "is_within"),
    [("0.134", True), ("0.09 to 0.134", True), ("0.134 to 0.3", False), ("13 %", True), ("13 to 30 %", False),
     ("1.3·10⁻¹", True), ("1.3·10⁻²", False), ("-0.1", False)],
)  # fmt: skip
def test_texts_whose_numbers_lie_in_a_range(text, is_within):
    assert filled.within(text, 0.06, 0.17) is is_within
