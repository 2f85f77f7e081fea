"""Checks at many base seeds: which are run, what they find, that kept ones are not run again, that errors are red."""

import re
import sys
from concurrent.futures import Executor, Future

import pytest

from paper_checks.commands.alarms import GROUPS, measured
from paper_checks.commands.alarms.observed import Scouted, checks_of, observed, scouted
from paper_checks.commands.alarms.plan import Unit, base_seeds, is_sampled, joined, split
from paper_checks.commands.command_line import main
from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments import key_query
from paper_checks.project import own_ledger

CLAIM = "T3.4"
"""Few, cheap comparisons."""


@pytest.fixture(scope="module")
def checks():
    """Of `CLAIM`, by name."""
    return {check.name: check for check in checks_of(own_ledger(), frozenset({CLAIM}))}


SIMULATED = f"{CLAIM} test_avoiding_noise_simulated[0]"


def test_checks_are_all_that_take_a_claim_alone(checks):
    assert SIMULATED in checks and f"{CLAIM} test_avoiding_noise_simulated[1]" in checks
    ids = frozenset(name for name, claim in own_ledger().claims.items() if claim.group in GROUPS.split(","))
    assert ids - {check.claim for check in checks_of(own_ledger(), ids)} == {"B4", "B6"}  # all about trainings
    found = checks_of(own_ledger(), frozenset({"E10"}))  # its trainings take a fixture that says at what scale
    assert [check.function.__name__ for check in found] == ["test_products_of_bfloat16_round_and_no_more"]


def test_a_run_of_a_check_tells_whether_it_samples_and_of_what(checks):
    one = scouted.compute(checks[SIMULATED], DEFAULT_SEED)
    assert is_sampled(one) and one.comparisons == 1 and len(one.samples) == 2  # its job, and the seed of its sample
    exact = next(check for name, check in checks.items() if "simulated" not in name)
    assert not is_sampled(scouted.compute(exact, DEFAULT_SEED))
    training = checks_of(own_ledger(), frozenset({"G6"}))
    assert any(scouted.compute(check, DEFAULT_SEED).trains for check in training)


def test_checks_of_one_sample_are_a_unit():
    samples = {"a": ("1",), "b": ("2",), "c": ("1", "3"), "d": ("3",), "e": ()}
    units = joined([(name, Scouted(False, 1, of)) for name, of in samples.items()])
    assert sorted(map(sorted, units)) == [["a", "c", "d"], ["b"], ["e"]]
    assert not is_sampled(Scouted(True, 3, ("1",))) and not is_sampled(Scouted(False, 0, ("1",)))


def test_units_are_run_at_all_base_seeds_as_long_as_they_fit():
    units = [Unit((), 10, seconds) for seconds in (1.0, 2.0, 4.0, 0.5)]
    assert split(units, 3.0) == (units[:2], units[2:]) and split(units, 100) == (units, [])
    assert units[0].density == 10 and base_seeds(3) == [1, 2, 3]


def test_a_formula_that_is_off_by_a_twentieth_is_red_at_every_base_seed(checks, monkeypatch):
    """It promises to detect that."""
    alone, exact = (checks[SIMULATED],), key_query.contrast_value
    found = [one for seed in (1, 2, 3) for of_check in observed.compute(alone, seed) for one in of_check]
    assert [one.passed for one in found] == [True] * 3 and {one.comparisons for one in found} == {1}
    assert len({one.z[0] for one in found}) == 3 and all(abs(one.size[0]) > 8 / 0.05 for one in found)
    monkeypatch.setattr(key_query, "contrast_value", lambda *given: 1.05 * exact(*given))
    key_query.simulated.cache_clear()
    red = [one for seed in (1, 2, 3) for of_check in observed.compute(alone, seed) for one in of_check]
    assert [one.passed for one in red] == [False] * 3
    key_query.simulated.cache_clear()


def test_a_check_that_stops_is_a_failure(checks, monkeypatch):
    def stopped(*given):
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(key_query, "contrast_value", stopped)
    ((found,),) = observed.compute((checks[SIMULATED],), 5)
    assert found.kind == "stopped" and not found.passed
    assert found.name == f"{SIMULATED}: ZeroDivisionError: of the test"


class Inline(Executor):
    """Does jobs in this process, which has imported what they need."""

    count = 1

    def __init__(self, count):
        assert count == 1

    def submit(self, function, /, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def test_the_command_measures_goes_on_and_keeps_a_record(cache, monkeypatch, capsys):
    written = {}
    monkeypatch.setattr(sys.modules["paper_checks.jobs.local"], "Processes", Inline)
    words = ["alarms", "--claims", CLAIM, "--others", "2", "--seconds", "0.2"]
    assert main([*words, "--seeds", "2"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^1 comparisons at 2 base seeds, 0\.\d s each$", said, re.MULTILINE), said
    assert (
        "4 comparisons, 0 failed" in said
        and "at 2 base seeds, as they take longest for a comparison: T3.4 test_avoiding_noise_simulated (1 of 2)"
        in said
    )
    before = {path.name for path in cache.iterdir()}
    monkeypatch.setattr(measured, "write_trust", lambda name, *known: written.update({name: known}))
    assert main([*words, "--seeds", "3", "--record"]) == 0
    assert "5 comparisons, 0 failed" in capsys.readouterr().out
    assert len({path.name for path in cache.iterdir()} - before) == 1  # the third base seed
    _, command, numbers, explained = written["false_alarms"]
    assert command == "paper-checks alarms --seeds 3 --others 2 --seconds 0.2 --claims T3.4 --record"
    assert numbers["comparisons"] == numbers["z values"] == 5 and numbers["false alarms"] == 0
    assert numbers["base seeds"] == 3 and 0 < numbers["p of Kolmogorov-Smirnov"] <= 1
    assert len(explained) == 1 and "test_avoiding_noise_simulated" in explained[0]
    assert sum(count for name, count in numbers.items() if name.startswith("z from ")) == 5


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--claims", "T9"], "--claims must be groups (T1, T2,"),
        (["--seeds", "1"], "Invalid value for '--seeds': 1 is not in the range x>=2."),
        (["--seconds", "-1"], "Invalid value for '--seconds'"),
    ],
)
def test_what_cannot_be_used_is_one_line(words, error, capsys):
    assert main(["alarms", *words]) == 2
    found = capsys.readouterr()
    assert found.out == "" and error in found.err and found.err.count("\n") == 1
