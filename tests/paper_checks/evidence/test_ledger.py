"""The ledger file, its JSON record, and the run that ties checks to ids (each run in a process of its own)."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from paper_checks.evidence import comparator
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.ledger import Rule, mismatches
from paper_checks.evidence.results import Result
from paper_checks.project import load_claims, own_ledger
from paper_checks.session.paper import check_scale
from tests.oracles.claim_project import CHECK, ENTRY


def test_every_id_is_there_once():
    groups = {"T1": 6, "T2": 5, "T3": 6, "T4": 5, "G": 7, "B": 6, "E": 10, "P": 6}
    names = [f"{g}{'.' if g[0] == 'T' else ''}{i}" for g, count in groups.items() for i in range(1, count + 1)]
    names[-1:-1] = [*(f"P{number}.pythia" for number in range(1, 6)), *(f"P{n}.smollm2" for n in (1, 2, 4, 5))]
    assert list(load_claims()) == names


def test_checks_and_ids_must_match():
    ledger, claims = own_ledger(), load_claims()
    built = {name for name, claim in claims.items() if claim.not_run is None}
    assert mismatches(ledger, built) == []
    assert "T9.9" in mismatches(ledger, built | {"T9.9"})[0]
    assert "no check" in mismatches(ledger, built - {"T1.1"})[0]
    waiting = replace(ledger, claims={"T1.1": replace(claims["T1.1"], not_run="not built yet")})
    assert "not_run" in mismatches(waiting, {"T1.1"})[0]
    assert mismatches(waiting, set()) == []


def test_a_passing_run_prints_and_records(project):
    found = project(CHECK + "claim.estimate('x', 2.0, 2.001, 0.001, 0.02, samples=7, seed=claim.seed('x'))\n")
    assert found.returncode == 0, found.stdout + found.stderr
    row = next(line for line in found.stdout.splitlines() if line.startswith("T1.1"))
    assert row.split()[:8] == ["T1.1", "✓", "verified", "a", "≈", "2", "2.001", "±"]
    assert all(len(line) <= 100 for line in found.stdout.splitlines()[-12:])
    record = json.loads(project.record.read_text(encoding="utf-8"))
    assert record["claims"][0]["verdict"] == "verified"
    assert record["claims"][0]["evidence"][0]["details"]["samples"] == 7
    assert record["design"]["comparisons"] == 1


def test_a_failing_claim_fails_the_run(project):
    found = project(CHECK + "claim.estimate('x', 2.0, 2.1, 0.001, 0.02)\n")
    assert found.returncode == 1
    assert "T1.1  ! failed" in found.stdout
    assert json.loads(project.record.read_text(encoding="utf-8"))["claims"][0]["verdict"] == "failed"


@pytest.mark.parametrize(
    ("check", "claims", "words"),
    [
        (CHECK.replace("T1.1", "T9.9") + "claim.less('x', 1, 2)\n", ENTRY, "T9.9"),
        (CHECK + "claim.less('x', 1, 2)\n", ENTRY + ENTRY.replace("T1.1", "T1.2"), "T1.2 has no check"),
        (CHECK + "claim.less('x', 1, 2)\n", ENTRY + 'not_run = "not built yet"\n', "still says not_run"),
        ("def test_it():\n    pass\n", ENTRY, "check without @pytest.mark.claims"),
        (CHECK.replace("claim)", ")") + "pass\n", ENTRY, "must take the claim fixture"),
        (CHECK + "claim.less('x', 1, 2)\n", "[oops\n", "line 1"),
    ],
)
def test_ledger_and_checks_must_agree(project, check, claims, words):
    found = project(check, claims)
    assert found.returncode not in (0, 5)
    assert words in found.stdout + found.stderr


def test_a_check_without_evidence_fails(project):
    found = project(CHECK + "pass\n")
    assert found.returncode == 1
    assert "recorded no evidence" in found.stdout
    assert "T1.1  ! failed" in found.stdout


def test_a_skipped_check_is_not_run_with_its_reason(project):
    found = project(CHECK + "pytest.skip('no GPU')\n")
    assert "– T1.1  not run: no GPU" in found.stdout


def test_a_claim_with_deselected_checks_gets_no_verdict(project):
    check = CHECK + "claim.less('x', 1, 2)\n" + CHECK.replace("test_it", "test_other") + "claim.less('x', 1, 2)\n"
    found = project(check, ENTRY, "-k", "test_it")
    assert "– T1.1  not run: 1 of 2 checks selected" in found.stdout
    assert "1 not run" in found.stdout


def test_trainings_and_recorded_evidence_in_a_run(project):
    """All trainings there are; a row of the table in a hundred columns; a sequence without a pilot fails the run."""
    rule = ENTRY + "catches = ['F2 kept']\nrule = { least = 0.5 }\n"
    check = (
        CHECK + "claim.recorded('2024-06-03', 'a device')\n"
        "    claim.replicated('x', 'least', +1, [0.6, 0.7, 0.65, 0.4, 0.9, 0.8, 0.6, 0.7])\n"
    )
    found = project(check, rule)
    assert found.returncode == 0, found.stdout + found.stderr
    row = next(line for line in found.stdout.splitlines() if line.startswith("T1.1"))
    assert " ".join(row.split()[:11]) == "T1.1 ◷ recorded a > 0.5 0.675 [0.4, 0.9] 50 %" and len(row) <= 100
    assert "                  recorded on 2024-06-03, a device" in found.stdout
    assert "(1 of 256 statements)" in found.stdout
    record = json.loads(project.record.read_text(encoding="utf-8"))
    assert record["claims"][0]["verdict"] == "recorded" and record["claims"][0]["catches"] == ["F2 kept"]
    assert record["design"]["trainings"] == 1 and record["design"]["training_miss"] == 0.05

    found = project(CHECK + "claim.replicated('x', 'least', +1, lambda n: [0.6] * n)\n", rule)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "T1.1  ✓ verified " in found.stdout  # what is wrong is the run, whose threshold came from nowhere
    assert "FAILED: T1.1: x: no pilot on file: pytest paper_checks -m claims --claims T1.1 --pilots" in found.stdout


def test_assertions_hold_values_against_the_rule():
    """The threshold by its name, the least number of seeds, and shares of its own where the rule has them."""
    rule = Rule({"level": 0.4, "rare": 0.4, "rare_absent": 0.1, "rare_stated": 0.6}, seeds=9)
    claim = Assertions("E1", 1, [], own_ledger())
    claim.__dict__["rule"] = rule
    claim.replicated("x", "level", -1, lambda n: [0.1] * n)
    assert claim.evidence[0].numbers == 9 and claim.evidence[0].exact == 0.4
    claim.replicated("x", "rare", -1, lambda n: [0.5, 0.1, 0.5, 0.1, 0.1] * (n // 5) + [0.1] * (n % 5))
    assert claim.evidence[1].details["boundaries"] != claim.evidence[0].details["boundaries"]


def test_assertions_hold_all_trainings_against_the_rule():
    """One wrong of seven is too many, unless the rule has a share of its own: of 0.3, two may be."""
    claim = Assertions("E1", 1, [], own_ledger())
    claim.__dict__["rule"] = Rule({"level": 0.4, "some": 0.4, "some_absent": 0.3})
    claim.replicated("x", "level", -1, [0.1] * 7)
    claim.replicated("x", "some", -1, [0.1] * 5 + [0.5] * 2)
    for threshold, wrong in (("level", 1), ("some", 3)):
        with pytest.raises(AssertionError, match=f"{7 - wrong} of 7 seeds below 0.4"):
            claim.replicated("x", threshold, -1, [0.1] * (7 - wrong) + [0.5] * wrong)
    with pytest.raises(AssertionError, match=r"8 of 10 seeds below 0\.4 \(at most 1 others allowed"):
        claim.replicated("x", "level", -1, [0.1] * 8 + [0.9] * 2)
    with pytest.raises(ValueError, match=r"T1\.1 has no rule"):
        Assertions("T1.1", 1, [], own_ledger()).replicated("x", "least", +1, [0.6])


def test_recorded_evidence_that_fails_is_failed():
    result = Result(load_claims()["T1.1"], nodes=["a"], known=1, recorded="recorded on a day")
    result.by_check["a"] = [comparator.less("x", 1, 2)]
    assert result.verdict == "recorded"
    result.by_check["a"].append(comparator.less("x", 2, 1))
    assert result.verdict == "failed"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"--scale": "moon", "--device": "auto"}, "--scale must be desk or paper or replay, got 'moon'"),
        ({"--scale": "desk", "--device": "cpu"}, "--device is for --scale paper"),
        ({"--scale": "paper", "--device": "tpu"}, "--device: device must be"),
        ({"--scale": "paper", "--device": "cuda:99"}, "--device: device 'cuda:99' is not available"),
    ],
)
def test_unknown_scales_and_devices_are_named(given, words):
    with pytest.raises(pytest.UsageError, match=words):
        check_scale(SimpleNamespace(getoption=given.get))


@pytest.mark.skipif(torch.cuda.is_available(), reason="not run: there is a GPU")
def test_paper_scale_without_a_gpu_is_not_run(project):
    check = CHECK.replace("(claim)", "(claim, device)") + "claim.equal('x', 'cpu', device)\n"
    assert "– T1.1  not run: no GPU" in project(check, ENTRY, "--scale", "paper").stdout
    assert "T1.1  ✓ verified" in project(check, ENTRY, "--scale", "paper", "--device", "cpu").stdout


def test_more_comparisons_than_the_family_fail(project):
    check = CHECK + "n = 4097\n    claim.estimate('x', [1.0] * n, [1.0] * n, [0.001] * n, 0.02)\n"
    found = project(check)
    assert found.returncode == 1
    assert "exceed the family" in found.stdout


def test_same_seed_same_evidence(project):
    check = CHECK + "claim.less(str(claim.seed('x')), 1, 2)\n"
    names = set()
    for options in ((), (), ("--seed", "7")):
        project(check, ENTRY, *options)
        names.add(json.loads(project.record.read_text(encoding="utf-8"))["claims"][0]["evidence"][0]["name"])
    assert len(names) == 2


def test_a_small_run_loads_neither_torch_nor_all_distributions(project):
    """They take most of two seconds; a check that needs them loads them."""
    body = "import sys\n    claim.equal('loaded', 0, len({'torch', 'scipy.stats'} & set(sys.modules)))\n"
    found = project(CHECK + body)
    assert found.returncode == 0, found.stdout + found.stderr
