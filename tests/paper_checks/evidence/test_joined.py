"""Records of several runs as one, and README's table of verdicts held against a run."""

from dataclasses import replace

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.joined import joined, read_runs
from paper_checks.evidence.results import NOT_SELECTED
from paper_checks.evidence.run import ClaimRecord, Run
from paper_checks.project import own_ledger
from paper_checks.session.surroundings import origin
from simulate.runtime.files import write_json
from tests.oracles.picture_commands import command

badges_command, report_command = command("badges"), command("report")

DESIGN = {"false_alarm": 1e-6, "miss": 1e-3, "family": 10, "critical_z": 6.4, "comparisons": 4,
          "training_false_alarm": 1e-3, "training_miss": 0.05, "training_family": 5, "trainings": 2}  # fmt: skip

OWN = origin(own_ledger())


def claim(name, verdict="not run", reason=NOT_SELECTED):
    evidence = [] if verdict == "not run" else [comparator.less("x", 1, 2)]
    return ClaimRecord(name, "T1", "s", "a", "f", "c", verdict, "" if evidence else reason, None, 1.0, [], [], evidence)


def run(*claims, **changes):
    known = {
        "written": "2026-01-02",
        "seed": 1,
        "command": "pytest",
        "options": "",
        "commit": "abc",
        "code": "abc",
        "machine": "one",
        "seconds": 2.0,
    }
    return replace(
        Run(**known, versions={"python": "3.11"}, design=DESIGN, project=OWN, claims=list(claims)),
        **changes,
    )


ONE = run(claim("T1.1", "verified"), claim("T1.2"), claim("T1.3"))
TWO = run(
    claim("T1.1"), claim("T1.2", "verified"), claim("T1.3", reason="no GPU: use one"),
    written="2026-01-03", command="pytest -x", machine="two", versions={"python": "3.12", "torch": "2.9"},
)  # fmt: skip


def test_each_claim_is_taken_from_the_run_that_ran_it():
    found = joined([("one", ONE), ("two", TWO)])
    assert [one.verdict for one in found.claims] == ["verified", "verified", "not run"]
    assert found.claims[2].reason == "no GPU: use one"
    assert (found.written, found.machine, found.command, found.seconds) == (
        "2026-01-03",
        "one; two",
        "pytest; pytest -x",
        4,
    )
    assert found.versions == {"python": "3.11; 3.12", "torch": "2.9"}
    assert found.design == DESIGN | {"comparisons": 8, "trainings": 4}
    assert joined([("two", TWO), ("one", ONE)]).claims == found.claims
    assert joined([("one", ONE)]) == ONE


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(TWO, code="abd"), "two and one must be of the same code, got 'abd' and 'abc'"),
        (replace(TWO, seed=2), "one base seed, got 2 and 1"),
        (replace(TWO, claims=TWO.claims[:2]), "one ledger"),
        *(
            (replace(TWO, claims=[replace(one, **{key: "b"}) for one in TWO.claims]), "one ledger")
            for key in ("statement", "formal", "scope", "source", "group")
        ),
        (replace(TWO, design=DESIGN | {"miss": 0.1}), "one design"),
        (replace(TWO, design=DESIGN | {"comparisons": 7}), "11 comparisons of 2 runs exceed the family of 10"),
        (replace(TWO, design=DESIGN | {"trainings": 4}), "6 trainings of 2 runs exceed the family of 5"),
        (replace(TWO, claims=ONE.claims), r"T1\.1 must be of one run, it was run in one and in two"),
    ],
)
def test_runs_that_are_not_parts_of_one(other, message):
    with pytest.raises(ValueError, match=message):
        joined([("one", ONE), ("two", other)])


def test_records_on_disk(tmp_path):
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path, found in zip(paths, (ONE, TWO), strict=True):
        write_json(path, found.as_dict())
    assert read_runs(paths) == joined([("one.json", ONE), ("two.json", TWO)])


def test_badges_and_pictures_are_of_the_code_at_hand(tmp_path, capsys):
    record, out = tmp_path / "run.json", tmp_path / "out"
    write_json(record, ONE.as_dict())
    for main, asked in ((badges_command, []), (report_command, [])):
        assert main(["--record", str(record), "--out", str(out), *asked]) == 2 and not out.exists()
        assert "commit abc, is of other code: pytest paper_checks -m claims" in capsys.readouterr().err
    assert report_command(["--record", str(record), "--out", str(out), "--pictures", "none"]) == 0
    assert badges_command(["--record", str(tmp_path / "no.json"), "--out", str(out)]) == 2
    assert "no.json is none: pytest FOLDER -m claims writes one" in capsys.readouterr().err
