"""What a run is kept with: the number that stands for a claim, the commit, the exit after pictures that fail."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.run import by_use, read_run
from paper_checks.report import rounding
from paper_checks.session import kept
from tests.oracles.report_runs import agreeing_run, claim_record, mixed_run, run_of, write_record


def headline(*evidence):
    return claim_record("T1.1", "bounded", evidence).headline


def test_the_hardest_comparison_stands_for_a_claim():
    """By the share of the way to its own alarm, whatever the kind, in the order of the list: a failed one, 70 % of the
    way by a sign, one of two wrong sides, 47 % by z = -3, 46 % by t = -5.5 with 20 degrees, 32 %, 16 %, 7 %, none."""
    mild, hard = (comparator.estimate("x", 1.0, 1.0 + z * 0.001, 0.001, None) for z in (1, -3))
    few = comparator.estimate("x", 1.0, 0.9945, 0.001, None, degrees=20)
    strong, weak = (comparator.sign("s", +1, value, 1.0) for value in (90.0, 9.2))
    spare, tight = (comparator.replicated("r", 0.5, +1, values) for values in ([1] * 10, [1] * 9 + [0]))
    rate, plain = comparator.rate("p", 0.5, +1, [1.0] * 99), comparator.less("l", 1, 2)
    wrong = comparator.less("l", 2, 1)
    assert 0.45 < few.used < hard.used and abs(few.z) > abs(hard.z)
    order = [wrong, weak, tight, hard, few, rate, mild, strong, spare, plain]
    for number in range(len(order)):
        rest = order[number:]
        assert headline(*rest) is headline(*reversed(rest)) is order[number]
    assert by_use(reversed(order)) == order and headline() is None


def test_details_of_trainings_are_checked(tmp_path):
    good = comparator.replicated("x", 0.5, +1, lambda n: [1.0] * n, pilot=[1.0] * 16)
    path = write_record(tmp_path, run_of([claim_record("E1", "verified", [good])]))
    assert read_run(path).claims[0].evidence == [good]
    for key, value in (
        ("holds", "6"), ("interval", [0.1, 0.2]), ("values", []), ("values", ["x"]), ("looks", [[6, 0]]),
        ("looks", [[6, 0, "0"]]), ("boundaries", {"looks": [6]}), ("boundaries", 3), ("chance", None),
        ("pilot", {"values": "x"}), ("pilot", None),
    ):  # fmt: skip
        wrong = replace(good, details=good.details | {key: value})
        path = write_record(tmp_path, run_of([claim_record("E1", "verified", [wrong])]))
        with pytest.raises(ValueError, match=f"claim E1: evidence 'x': details: {key} must"):
            read_run(path)


def test_a_relation_is_one_of_those_there_are(tmp_path):
    run = mixed_run()
    path = write_record(tmp_path, run)
    assert all(item.relation for claim in read_run(path).claims for item in claim.evidence)

    def change(record):
        next(claim for claim in record["claims"] if claim["evidence"])["evidence"][0]["relation"] = "~"

    with pytest.raises(ValueError, match=r"claim T1\.1: evidence 'exact': relation"):
        read_run(write_record(tmp_path, run, change))


def test_an_interval_is_rounded_outward():
    assert (
        rounding.interval(0.12349, 0.98761, 3) == "[0.123, 0.988]" and rounding.interval(-0.5, None, 3) == "[-0.5, –]"
    )
    assert rounding.interval(-0.12341, -0.12341, 3) == "[-0.124, -0.123]"
    assert rounding.rounded(9.996, 3, +1) == "10" and rounding.rounded(-0.0, 3) == "0"


def session():
    notes = SimpleNamespace(stash={kept.NOTES: []})
    return SimpleNamespace(config=notes, exitstatus=pytest.ExitCode.OK)


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (OSError(28, "No space left on device"), "FAILED: it cannot be written: No space left on device"),
        (ValueError("other files"), "FAILED: it cannot be written: other files"),
        (ModuleNotFoundError("No module named 'x'"), "FAILED: it cannot be written: No module named 'x'"),
    ],
)
def test_what_cannot_be_kept_is_one_line_and_fails_the_run(error, note):
    def write():
        raise error

    found = session()
    kept.keep(found, "it", write)
    assert found.config.stash[kept.NOTES] == [note] and found.exitstatus == pytest.ExitCode.TESTS_FAILED


def test_an_interrupt_while_writing_and_pictures_that_fail(monkeypatch, tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    found = session()
    kept.keep(found, "it", interrupted)
    assert found.exitstatus == pytest.ExitCode.INTERRUPTED and "interrupted" in found.config.stash[kept.NOTES][0]
    pytest.importorskip("latex2mathml", exc_type=ModuleNotFoundError)
    from paper_checks.report import written

    for troubles, status in (([], pytest.ExitCode.OK), (["picture x: oops"], pytest.ExitCode.TESTS_FAILED)):
        found = session()
        monkeypatch.setattr(written, "write_report", lambda run, folder, troubles=troubles: troubles)
        kept.write_report_of(found, agreeing_run(), tmp_path)
        assert found.exitstatus == status
        assert found.config.stash[kept.NOTES] == [f"Report: {tmp_path / 'index.html'}"] + [
            f"FAILED: {x}" for x in troubles
        ]
