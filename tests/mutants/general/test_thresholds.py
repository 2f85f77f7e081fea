"""Could the checks of G2, G3, G4 and G7 have failed? A formula is changed by 5 %, and one of them turns red."""

import numpy as np
import pytest

from paper_checks.claims.g import test_copying as copying_checks
from paper_checks.claims.g import test_margins as margin_checks
from paper_checks.claims.g import test_sample_counts as sample_checks
from paper_checks.claims.g import test_signal as signal_checks
from theory.general import between_triggers, copying, margins, samples, signal

from ..mutation import assert_caught, stretched


def less(value):
    return value * 20 / 21


def lower(bracket):
    return bracket[0] * 20 / 21, bracket[1] * 20 / 21


def law_of_the_last_token(laws):
    return laws._replace(last=laws.last * 21 / 20)


def stretched_columns(visits):
    """5 % more visits to every token but the first, and the trigger, which ends every stretch."""
    kept = (visits == 1).all(axis=0)
    kept[0] = True
    return np.where(kept, visits, visits * 21 / 20)


def spread(parts):
    return type(parts)(parts.target, parts.lift, parts.spread * 21 / 20, parts.background, parts.size)


def lift(parts):
    return type(parts)(parts.target, parts.lift * 21 / 20, parts.spread, parts.background, parts.size)


def first_chance(steps):
    return type(steps)(steps.chances * np.array([21 / 20, 1, 1, 1])[:, None, None], steps.preceding)


def one_more(bracket):
    return bracket._replace(too_few=bracket.too_few + 1)


def shakespeare(check, name="S-u"):
    return lambda claim: check(claim, name)


MUTANTS = [
    (margins, "scores", margin_checks.test_margins_by_enumeration, stretched),
    (margins, "threshold_bounds", margin_checks.test_bounds_are_met, stretched),
    (margins, "threshold_bounds", margin_checks.test_bounds_are_met, lower),
    (margins, "token_laws", shakespeare(margin_checks.test_margins_on_shakespeare, "S-s"), law_of_the_last_token),
    (margins, "long_run_shares", shakespeare(margin_checks.test_what_sets_the_threshold), stretched),
    (between_triggers, "visits_between_triggers", shakespeare(margin_checks.test_what_sets_the_threshold, "S-s"),
     stretched_columns),
    (copying, "_entries", copying_checks.test_copying_by_enumeration, stretched),
    (copying, "limiting_lifts", shakespeare(copying_checks.test_what_sets_the_levels), stretched),
    (copying, "approximate_copying_levels", copying_checks.test_levels_without_memory, stretched),
    (copying, "approximate_copying_levels", copying_checks.test_levels_without_memory, less),
    (signal, "noise_signal", shakespeare(signal_checks.test_signals_on_shakespeare), stretched),
    (signal, "signal_bound", signal_checks.test_no_entry_has_more_than_its_target, less),
    (signal, "copying_signal", shakespeare(signal_checks.test_signals_on_shakespeare), spread),
    (signal, "copying_signal", shakespeare(signal_checks.test_signals_on_shakespeare), lift),
    (signal, "signal_to_noise", shakespeare(signal_checks.test_signals_on_shakespeare), stretched),
    (samples, "answer_signals", sample_checks.test_answer_signals_of_the_uniform_task, stretched),
    (samples, "answer_samples", sample_checks.test_answers_lead_simulated, one_more),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name", "check", "change"), MUTANTS, ids=[f"{name}-{change.__name__}" for _, name, _, change in MUTANTS]
)
def test_five_percent(monkeypatch, module, name, check, change):
    assert_caught(monkeypatch, module, name, check, change)


def test_five_percent_in_a_chance(monkeypatch):
    assert_caught(monkeypatch, samples.NoiseSteps, "of", sample_checks.test_chances_by_enumeration, first_chance)
