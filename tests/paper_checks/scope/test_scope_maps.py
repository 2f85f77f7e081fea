"""Scope maps: every cell against sequences written out or an integrated flow, both sides of thresholds, and faults."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.project import load_claims
from paper_checks.scope import claims as scope_claims
from paper_checks.scope import grid as scope_grid
from paper_checks.scope import quantities as scope_quantities
from paper_checks.scope import thresholds as scope_thresholds
from paper_checks.scope.claims import MAPPED, scope_map
from tests.mutants.mutation import stretched
from tests.oracles import scope as oracles
from theory.key_query import attention_step, phase_diagram
from theory.memory import spectrum as memory_spectrum
from theory.one_step import margins

PARTS = [(claim, part) for claim, entry in MAPPED.items() for part in entry.statements]
TENTHS = (Fraction(1, 10), Fraction(9, 10))
BOTH = {("T1.3", "margin"), ("T1.6", "copying"), ("T2.5", "samples"), ("T3.3", "attends"), ("T3.4", "uniform"),
        ("T3.6", "noise"), ("T4.2", "law"), ("T4.4", "top")}  # fmt: skip
"""Statements that hold in some and fail in other cells of the small maps."""


def test_every_statement_has_a_witness_and_every_claim_is_in_the_ledger():
    assert set(PARTS) == oracles.SEQUENCES.keys() | oracles.MEMORIES.keys() | oracles.MIXTURES.keys()
    assert MAPPED.keys() <= load_claims().keys()
    assert [claim for claim in load_claims() if claim in MAPPED] == list(MAPPED)


def compare(shown, settings, witness):
    """Decided cells agree with the witness, which returns True or False; returns the values seen."""
    seen = set()
    for row, (size, setting) in enumerate(zip(shown.sizes, settings, strict=True)):
        for column, level in enumerate(shown.levels):
            if not shown.undecided[row, column]:
                expected = bool(witness(size, setting, level))
                assert shown.holds[row, column] == expected, (shown.claim, size, setting, level)
                seen.add(expected)
    return seen


@pytest.mark.parametrize(("claim", "part"), oracles.SEQUENCES)
def test_cells_by_enumeration(monkeypatch, claim, part):
    monkeypatch.setattr(scope_quantities, "SAMPLES", 3)
    monkeypatch.setattr(scope_quantities, "CONFIDENCE", Fraction(3, 10))
    shown = scope_map(claim, (3, 4), TENTHS, "4", part, columns=5)
    assert not shown.undecided.any() or claim == "T1.5"
    seen = compare(shown, [4, 4], oracles.SEQUENCES[claim, part])
    assert seen == {True, False} or (claim, part) not in BOTH


@pytest.mark.parametrize("key", [("T3.4", "absorbed"), ("T3.2", "ranking"), ("T3.5", "window")])
def test_cells_on_longer_sequences(key):
    """Where the shortest ones show one sign."""
    shown = scope_map(key[0], (2, 2), TENTHS, "10", key[1], columns=3)
    compare(shown, [10], oracles.SEQUENCES[key])


@pytest.mark.parametrize(("claim", "part"), oracles.MEMORIES)
def test_cells_by_integration(claim, part):
    """The tie at n = 3 neither holds nor fails."""
    t = "3e3" if claim == "T4.2" else "40"
    shown = scope_map(claim, (2, 5), TENTHS, t, part, columns=5)
    seen = compare(shown, [Fraction(t)] * 4, lambda n, t, alpha: oracles.MEMORIES[claim, part](n, alpha, t))
    assert seen == {True, False} or (claim, part) not in BOTH
    if claim == "T4.4":
        assert np.argwhere(shown.undecided).tolist() == [[1, 2]]


def test_early_times_of_the_memory():
    """Where differences of probabilities vanish among the floats the signs are still exact."""
    for claim in ("T4.4", "T4.5"):
        shown = scope_map(claim, (2, 4), (Fraction(1, 10), Fraction(9, 10)), "1e-200", columns=4)
        assert shown.contradictions == [] and not shown.undecided.any() and shown.judged == 12


def test_late_times_of_the_memory():
    """For t → ∞ theory's rule, and numpy's decomposition after t*."""
    shown = scope_map("T4.4", (2, 5), TENTHS, None, columns=5)
    assert shown.setting == "t → ∞" and not shown.contradictions
    for row, n in enumerate(shown.sizes):
        for column, alpha in enumerate(shown.levels):
            time = 3 * memory_spectrum.crossing_time(n, alpha) + 100
            if not shown.undecided[row, column] and time < 1e4:
                assert shown.holds[row, column] == oracles.noise_on_top(n, alpha, time)


CHANGES = [
    ("T1.3", "margin", 8, "64", margins, "noise_threshold"),
    ("T1.3", "margin", 8, "1000", margins, "limiting_noise_threshold"),
    ("T1.3", "margin", 64, "300", margins, "bracket_sign_change"),
    ("T1.6", "copying", 8, "64", margins, "copying_threshold"),
    ("T1.6", "copying", 8, "1000", margins, "bracket_sign_change"),
    ("T3.2", "attends", 5, "500", phase_diagram, "absorbed_threshold"),
    ("T3.2", "ranking", 8, "1000", phase_diagram, "ranking_threshold"),
    ("T3.3", "attends", 8, "64", phase_diagram, "critical_noise_level"),
    ("T3.3", "attends", 5, "1250", phase_diagram, "uniform_threshold"),
    ("T3.4", "uniform", 8, "64", phase_diagram, "avoidance_threshold"),
    ("T3.4", "absorbed", 8, "1000", phase_diagram, "reversal_range"),
    ("T3.6", "noise", 8, "64", attention_step, "noise_rank_threshold"),
    ("T4.4", "top", 64, "1e4", memory_spectrum, "crossing_time"),
    ("T4.4", "top", 2, "1e4", margins, "bracket_sign_change"),
]
"""Maps, and the function of theory from which their line comes."""


def levels_of(shown):
    return [threshold for threshold in shown.thresholds[0] if threshold.name and np.isfinite(float(threshold.low))]


@pytest.mark.parametrize(("claim", "part", "size", "setting"), [change[:4] for change in CHANGES])
def test_thresholds_separate_the_cells(claim, part, size, setting):
    """At the two ends of its bracket the quantity has the signs that stand beside the threshold."""
    found = levels_of(scope_map(claim, (size, size), TENTHS, setting, part, columns=1))
    assert found
    for threshold in found:
        ends = scope_map(claim, (size, size), (threshold.low, threshold.high), setting, part, columns=2)
        for holds, sign in zip(ends.holds[0], (threshold.below, threshold.above), strict=True):
            assert sign == 0 or holds == (sign > 0)


@pytest.mark.parametrize(("claim", "part", "size", "setting", "module", "name"), CHANGES)
def test_a_shifted_threshold_is_a_contradiction(monkeypatch, claim, part, size, setting, module, name):
    """5 % off in either direction, seen by cells 0.5 % apart wherever something is said about them.

    Up, the cells between are judged by what is said below the threshold, down, by what is said above.
    """
    threshold = levels_of(scope_map(claim, (size, size), TENTHS, setting, part, columns=1))[0]
    level = Fraction(float(threshold.high))
    around = (level * Fraction(93, 100), min(level * Fraction(107, 100), Fraction(9999, 10000)))
    assert scope_map(claim, (size, size), around, setting, part, columns=29).contradictions == []
    original = getattr(module, name)
    for factor, said in ((Fraction(20, 21), threshold.above), (Fraction(21, 20), threshold.below)):
        if level * factor < 1:
            monkeypatch.setattr(module, name, lambda *a, f=factor: shifted(original(*a), f))
            wrong = scope_map(claim, (size, size), around, setting, part, columns=29).contradictions
            assert bool(wrong) == bool(said) and all(f" = {size}, " in line for line in wrong)
        monkeypatch.setattr(module, name, original)


def shifted(value, factor):
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(shifted(number, factor) for number in value)
    return value * factor


def flipped(monkeypatch, claim, part):
    """Let the quantity of a statement have the other sign."""
    statement = MAPPED[claim].statements[part]
    wrong = replace(statement, quantity=lambda *cell: -statement.quantity(*cell))
    entry = replace(MAPPED[claim], statements={**MAPPED[claim].statements, part: wrong})
    monkeypatch.setitem(scope_claims.MAPPED, claim, entry)


@pytest.mark.parametrize(("claim", "part"), [part for part in PARTS if part not in oracles.MIXTURES])
def test_a_flipped_sign_is_a_contradiction(monkeypatch, claim, part):
    setting = None if MAPPED[claim].family is scope_grid.MEMORIES else "N^2"
    options = ((8, 9), TENTHS, setting, part)
    right = scope_map(claim, *options, columns=5)
    assert right.contradictions == [] and right.judged > 0
    flipped(monkeypatch, claim, part)
    wrong = scope_map(claim, *options, columns=5)
    assert wrong.contradictions and wrong.contradictions[0].startswith(f"{claim}, {wrong.family.symbol} = 8, ")
    assert wrong.judged == right.judged and (wrong.contradicted == ~wrong.undecided)[wrong.stated != 0].all()


def test_a_window_is_checked_by_signs(monkeypatch):
    """A window that is not there, or is there and not seen, is a contradiction; one below rounding is undecided."""
    real = phase_diagram.window
    for wrong in (lambda task: stretched(real(task)) or (0.9, 0.95), lambda task: None):
        monkeypatch.setattr(scope_quantities, "window", wrong)
        assert scope_map("T3.5", (8, 8), TENTHS, "64", columns=5).contradictions
    monkeypatch.setattr(scope_quantities, "window", lambda task: (0.5, 0.5 + 2.0**-52))
    shown = scope_map("T3.5", (8, 8), TENTHS, "64", columns=5)
    assert shown.undecided.all() and not shown.contradictions


def test_the_attained_margin_may_refute_the_bound(monkeypatch):
    monkeypatch.setattr(margins, "repeated_trigger_margin", lambda task: 9.0)
    assert len(scope_map("T1.4", (8, 9), TENTHS, columns=3).contradictions) == 2
    shown = scope_map("T1.5", (8, 9), TENTHS, columns=3)
    assert not shown.holds[shown.values < 0].any()


def test_a_gap_between_the_bounds_is_undecided(monkeypatch):
    """T1.5 where the bound is too weak to decide, and q q … q does not refute it."""
    monkeypatch.setattr(margins, "attention_margin_bound", lambda task: 9.0)
    shown = scope_map("T1.5", (8, 8), (Fraction(1, 2), Fraction(9, 10)), columns=3)
    assert shown.undecided.all() and shown.contradictions == []


def test_limits_of_two_tokens_are_not_used():
    """At N = 2 other sequences than those that end in q q decide, and theory's limit is not theirs."""
    level = scope_thresholds.noise_first(2, 10**5)[0]
    exact = margins.noise_threshold(2, 200)
    assert float(level.high) == pytest.approx(float(exact[1]), abs=2.0**-39)
    assert abs(float(margins.limiting_noise_threshold().subs({"N": 2})) - float(exact[1])) > 0.007


def test_what_48_samples_are_stated_to_be_enough_for():
    """α = 1/2 and N from 8 to 256."""
    stated = scope_map("T2.5", (7, 9), TENTHS, columns=5).stated
    assert np.argwhere(stated).tolist() == [[1, 2], [2, 2]] and stated.max() == 1


ESTIMATES = [
    ("T1.3", "margin", "N^2", "√2/N", 0),
    ("T1.6", "copying", "N^2", "(3-√5)/2", 0),
    ("T3.2", "attends", "1000000000000000000", "1/N³ - 1/T", 0),
    ("T3.2", "ranking", "1000000000000000000", "1/(4N²) - 1/T", 0),
    ("T3.3", "attends", "N^2", "1/(1+N^(1/3))", 0),
    ("T3.3", "attends", "N^2", "N^(-1/3) - 1/N", 0),
    ("T3.4", "uniform", "N^2", "1/√N - 1/(2N)", 0),
    ("T3.4", "absorbed", "1000000000000000000", "1/N² - 2/T", 0),
    ("T3.4", "absorbed", "N^2", "1 - 1/N", -1),
    ("T3.6", "noise", "N^2", "√(3/2)/N", 0),
]
"""Estimates, and which of the row's thresholds they are of."""


@pytest.mark.parametrize(("claim", "part", "setting", "name", "which"), ESTIMATES)
def test_estimates_tend_to_the_thresholds(claim, part, setting, name, which):
    """The relative distance of α, or of 1 - α near 1, shrinks from N = 16 to 2^16, at least like N^(-1/3)."""
    shown = scope_map(claim, (2**4, 2**16), TENTHS, setting, part, rows=2, columns=1)
    errors = []
    for row, estimate in enumerate(shown.estimates[name]):
        named = [threshold for threshold in shown.thresholds[row] if threshold.name]
        exact = float(named[which].high)
        errors.append(abs(estimate - exact) / min(exact, 1 - exact))
    assert errors[1] < errors[0] / 8


def test_other_estimates():
    """1/(N+1) is exact at T = 2, 1/√(n+1) as t → 0; the law of T4.2 needs α(1-α) t ≫ n log t."""
    two = scope_map("T1.3", (8, 8), TENTHS, "2", columns=1)
    assert abs(two.estimates["1/(N+1)"][0] - two.thresholds[0][0].high) <= 2.0**-40
    early = [scope_map("T4.4", (8, 8), TENTHS, t, columns=1) for t in ("0.1", "10")]
    errors = [abs(shown.estimates["1/√(n+1), t → 0"][0] - float(shown.thresholds[0][0].high)) for shown in early]
    assert errors[0] < errors[1] / 2
    law = scope_map("T4.2", (8, 8), TENTHS, "1e4", columns=1)
    for alpha in (levels[0] for levels in law.estimates.values()):
        assert alpha * (1 - alpha) * 1e4 == pytest.approx(8 * np.log(1e4))
    assert np.isnan([*scope_map("T4.2", (64, 64), TENTHS, "100", columns=1).estimates.values()]).all()


@pytest.mark.parametrize(("claim", "part", "size", "setting"), [
    ("T3.4", "absorbed", 8, "1000"), ("T3.3", "attends", 5, "100000"),
])  # fmt: skip
def test_between_two_thresholds(claim, part, size, setting):
    """Each cell is judged by its neighbours alone."""
    shown = scope_map(claim, (size, size), (Fraction(1, 1000), Fraction(999, 1000)), setting, part, columns=5)
    assert len(levels_of(shown)) == 2 and shown.judged == 5 and shown.contradictions == []
    assert not shown.holds[0, 0] and shown.holds[0].any() and not shown.holds[0, -1]


def test_nothing_is_said_beyond_what_is_claimed():
    """T3.4 below 1/(N+1), where long contexts avoid the noise, and next to 1; α = 1; T4.2 beyond n = 64, t = 10⁶."""
    for setting, levels, holds in (("1000", (Fraction(1, 10000), Fraction(1, 1000)), True),
                                   ("64", (Fraction(9999, 10000), Fraction(1)), False)):  # fmt: skip
        shown = scope_map("T3.4", (8, 8), levels, setting, columns=2)
        assert (shown.holds == holds).all() and shown.contradictions == [] and shown.judged == 0
    assert scope_map("T3.2", (8, 8), (1, 1), columns=1).judged == 0  # K vanishes at α = 1
    said = [scope_map("T4.2", (n, n), TENTHS, t, columns=3).judged for n, t in ((64, "1e6"), (65, "1e6"), (64, "1e7"))]
    assert said == [3, 0, 0]


@pytest.mark.parametrize(("arguments", "message"), [
    ({"claim": "T1.1"}, "claim must be one that has a map, T1.3, "),
    ({"claim": "T1.3", "part": "other"}, "part must be one of margin for T1.3, got 'other'"),
    ({"claim": "T1.3", "sizes": (1, 5)}, "N must be an integer >= 2, got 1"),
    ({"claim": "T4.4", "sizes": (2, 1001)}, "n must be an integer in 2..1000, got 1001"),
    ({"claim": "T1.3", "sizes": (9, 5)}, "N must be LOW:HIGH with LOW <= HIGH, got 9:5"),
    ({"claim": "T1.3", "levels": (0.5, 0.4)}, "alpha must be LOW:HIGH with LOW <= HIGH, got 0.5:0.4"),
    ({"claim": "T1.3", "levels": (0.5, 1.5)}, "alpha must be in 0..1, got 0.5:1.5"),
    ({"claim": "T4.5", "levels": (0, 0.5)}, "alpha must be strictly between 0 and 1, got 0:0.5"),
    ({"claim": "T1.3", "rows": 0}, "rows must be an integer >= 1, got 0"),
    ({"claim": "T1.3", "columns": 0}, "columns must be an integer >= 1, got 0"),
    ({"claim": "T3.2", "setting": "3"}, "T must be an integer in 4..1000000000000000000, got '3', which is 3 at N = 8"),
])  # fmt: skip
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError) as raised:
        scope_map(**arguments)
    assert str(raised.value).startswith(message)
