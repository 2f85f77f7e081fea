"""Pilots: no threshold of the ledger is stronger than its pilot allows, every statement has one, damaged files."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from paper_checks.evidence import comparator, pilots
from paper_checks.evidence.assertions import PilotAssertions
from paper_checks.evidence.results import Results
from paper_checks.evidence.training_design import PILOT_COUNT, PILOT_SEED, beyond
from paper_checks.project import load_claims, own_ledger
from paper_checks.session import options
from simulate.runtime.files import write_json

FOLDER = own_ledger().pilots
ON_FILE = sorted(path.stem for path in FOLDER.glob("*.json"))
VALUES = [0.5 + 0.01 * number for number in range(PILOT_COUNT)]


def stronger(claim, name, entry):
    """What is wrong with the threshold of a statement, empty if nothing is.

    The shares 1/2 and 0.9 have a threshold no stronger than the pilot's farthest. A statement that tells other shares
    apart says that `stated` of all seeds are beyond its threshold: so many of its pilot are.
    """
    rule = load_claims()[claim].rule
    if rule is None or entry["threshold"] not in rule.thresholds:
        return f"{claim}: {name}: the ledger has no threshold {entry['threshold']}"
    limit, stated = rule.thresholds[entry["threshold"]], rule.thresholds.get(f"{entry['threshold']}_stated")
    if stated is not None:
        values = [math.nan if value is None else value for value in entry["values"]]
        share = beyond(values, limit, entry["expected"]) / len(values)
        return "" if share >= stated else f"{claim}: {name}: {share} of the pilot beyond {limit}, {stated} stated"
    if entry["farthest"] is None or entry["expected"] * (entry["farthest"] - limit) < 0:
        return f"{claim}: {name}: threshold {limit} is stronger than the pilot allows, {entry['farthest']}"
    return ""


@pytest.mark.parametrize("claim", ON_FILE)
def test_no_threshold_is_stronger_than_its_pilot_allows(claim):
    found = [stronger(claim, name, entry) for name, entry in pilots.read_pilots(claim, FOLDER).items()]
    assert found and not any(found), found


def test_a_threshold_that_is_too_strong_is_named():
    claim, name = next((claim, name) for claim in ON_FILE for name, entry in pilots.read_pilots(claim, FOLDER).items()
                       if f"{entry['threshold']}_stated" not in load_claims()[claim].rule.thresholds)  # fmt: skip
    entry = pilots.read_pilots(claim, FOLDER)[name]
    limit = load_claims()[claim].rule.thresholds[entry["threshold"]]
    for farthest in (limit - entry["expected"] * 1e-9, None):
        assert "stronger than the pilot allows" in stronger(claim, name, entry | {"farthest": farthest})
    assert stronger(claim, name, entry | {"farthest": limit}) == ""
    assert "no threshold x" in stronger(claim, name, entry | {"threshold": "x"})


def test_the_seed_of_the_pilots_is_refused():
    with pytest.raises(ValueError, match=f"must not be {PILOT_SEED}"):
        options.check_seed(PILOT_SEED)
    given = {"--seed": PILOT_SEED}
    with pytest.raises(
        pytest.UsageError, match=f"--seed must not be {PILOT_SEED}: thresholds were set on its trainings"
    ):
        options.check_options(SimpleNamespace(getoption=lambda name, *default: given[name]), own_ledger())


def test_a_statement_without_a_pilot_is_named_unless_it_is_about_all_trainings():
    results = Results(own_ledger())
    known = comparator.replicated("known", 0.4, +1, lambda n: [0.6] * n, pilot=VALUES)
    every = comparator.replicated("all", 0.4, +1, [0.6] * 5)
    results.add("E1", [known, every, comparator.less("x", 1, 2)], False, None)
    assert results.problems == []
    results.add("E2", [comparator.replicated("new", 0.4, +1, lambda n: [0.6] * n)], False, None)
    assert results.problems == ["E2: new: no pilot on file: pytest paper_checks -m claims --claims E2 --pilots"]


def test_pilots_are_drawn_once_each_and_kept_beside_each_other(tmp_path):
    """All numbers of the pilot seeds are asked for at once; what is about all trainings that there are draws none."""
    asked = []

    def values(count):
        asked.append(count)
        return VALUES

    ledger = replace(own_ledger(), path=tmp_path / "claims.toml")
    claim = PilotAssertions("E1", PILOT_SEED, [], ledger)
    claim.replicated("one", "key", +1, values)
    claim.replicated("two", "other", -1, lambda count: [*VALUES[1:], math.inf])
    claim.replicated("fixed", "key", +1, VALUES[:5])
    assert asked == [PILOT_COUNT] and all(item.passed for item in claim.evidence)
    found = pilots.read_pilots("E1", tmp_path / "pilots")
    assert list(found) == ["one", "two"] and found["one"]["values"] == pytest.approx(VALUES, rel=1e-5)
    assert found["two"]["farthest"] is None and found["two"]["values"][-1] is None
    values_of = [pilots.pilot_values("E1", name, ledger.pilots) for name in ("two", "three")]
    assert math.isnan(values_of[0][-1]) and values_of[1] is None


def changed(content, **values):
    """A file of one statement with some of its keys changed."""
    return {"seed": PILOT_SEED, "statements": {"x": content | values}}


GOOD = {"threshold": "key", "expected": 1, "farthest": 0.1, "values": [0.1] * PILOT_COUNT}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "E1.json must hold pilots of E1: ValueError: .*must be JSON: line 1"),
        ([], "must hold pilots of E1"),
        ({"statements": {}}, "must hold pilots of E1: KeyError: 'seed'"),
        ({"seed": 7, "statements": {}}, f"must be of base seed {PILOT_SEED}, got 7"),
        ({"seed": PILOT_SEED, "statements": {"x": 3}}, "must hold pilots of E1"),
        (changed(GOOD, more=1), "x: keys or side"),
        (changed(GOOD, expected=0), "x: keys or side"),
        (changed(GOOD, values=[0.1]), f"x: {PILOT_COUNT} values, got 1"),
        (changed(GOOD, values=["a"] * PILOT_COUNT), "must hold pilots of E1"),
        (changed(GOOD, farthest=0.2), "x: farthest is not that of its values"),
        (changed(GOOD, values=[None, *[0.1] * (PILOT_COUNT - 1)]), "x: farthest is not that of its values"),
    ],
)
def test_a_file_that_holds_no_pilots_is_named(tmp_path, content, message):
    path = tmp_path / "E1.json"
    write_json(path, changed(GOOD))
    assert pilots.read_pilots("E1", tmp_path) == {"x": GOOD}
    pilots.read_pilots.cache_clear()
    if isinstance(content, dict):
        write_json(path, content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=message):
        pilots.read_pilots("E1", tmp_path)
