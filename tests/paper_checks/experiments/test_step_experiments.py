"""Samples that one step needs: rounding of the exact signal, the design of the brackets, two ways to draw a step."""

import math
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.design import DESIGN
from paper_checks.experiments import steps as step_experiments
from paper_checks.experiments.steps import (
    RATE,
    bracket_end,
    input_spread,
    predicted_rate,
    predicted_samples,
    rates_at_expected_inputs,
    rates_of_enumerated_steps,
    rates_on_fresh_sequences,
    telling_rate,
)
from simulate import sample
from theory import Task
from theory.one_step.sample_complexity import PAIRS, in_context_signal_to_noise, limiting_in_context_signal


@pytest.mark.parametrize("N", [3, 5, 64])
@pytest.mark.parametrize("T", [2, 3, 7, 91])
def test_signals_are_the_fractions_rounded_once(N, T):
    for alpha in (0, Fraction(1, 3), Fraction(1, 10**9), 1 - Fraction(1, 10**9)):
        exact = in_context_signal_to_noise(Task(N, T, alpha), exact=True)
        assert in_context_signal_to_noise(Task(N, T, alpha)) == {pair: float(exact[pair]) for pair in PAIRS}


def test_exact_signals_need_a_rational_noise_level():
    with pytest.raises(TypeError, match=r"exact=True needs a rational alpha.*alpha=0\.5"):
        in_context_signal_to_noise(Task(3, 5, 0.5), exact=True)


def test_the_limit_of_long_contexts_is_approached_like_their_length():
    limit = {pair: float(value.subs({"N": 7, "alpha": 0.3})) for pair, value in limiting_in_context_signal().items()}
    near, far = (in_context_signal_to_noise(Task(7, T, 0.3)) for T in (10**5, 10**7))
    for pair in PAIRS:
        assert far[pair] - limit[pair] == pytest.approx((near[pair] - limit[pair]) / 100, rel=0.01)


@pytest.mark.parametrize("expected", [1, -1])
@pytest.mark.parametrize("replicates", [600, 5000])
def test_a_telling_rate_is_told_from_the_claims_and_a_nearer_one_is_not(expected, replicates):
    """At the mean reached with probability 1 - DESIGN.miss the bound is met; a fifth nearer to RATE it is not."""
    p = telling_rate(expected, replicates)
    seen = p - expected * DESIGN.miss_quantile() * math.sqrt(p * (1 - p) / replicates)
    for mean, passed in ((seen + expected * 1e-6, True), (RATE + 0.8 * (seen - RATE), False)):
        assert comparator.rate("rate", RATE, expected, np.full(replicates, mean)).passed is passed


def test_what_no_number_of_samples_reaches():
    with pytest.raises(ValueError, match="replicates must be larger to tell a rate of"):
        telling_rate(1, 400)
    with pytest.raises(ValueError, match="no number of samples is enough for"):
        predicted_samples(Task(5, 6, 0.1, 1))
    with pytest.raises(ValueError, match="no number of samples is enough for"):
        predicted_samples(Task(4, 12, 0.2, 2), fresh=True)  # test sequences fluctuate too much
    assert predicted_rate(Task(5, 6, 0.1, 1), 1e12) == pytest.approx(1 / 5, abs=1e-6)  # the trigger alone is right


def test_predictions_invert_each_other_and_the_bracket_encloses_them():
    task = Task(4, 200, 0.2, 2)
    for fresh in (False, True):
        middle = predicted_samples(task, 0.9, fresh)
        assert predicted_rate(task, middle, fresh) == pytest.approx(0.9, rel=1e-9)
        low, high = (bracket_end(task, side, 2000, fresh) for side in (-1, 1))
        assert low < predicted_samples(task, fresh=fresh) < high
    assert predicted_samples(task) < predicted_samples(task, fresh=True)


def test_spread_of_test_inputs():
    """Relative variance of C_c - C_k over sampled sequences, within five standard errors."""
    task = Task(5, 40, 0.3, 4)
    batch = sample(task, 200_000, seed=11)
    tokens, correct = batch.tokens.numpy()[:, :-1], batch.correct.numpy()
    own = tokens[correct == 0]
    difference = (own == 0).sum(axis=1) - (own == 1).sum(axis=1)
    parts = [part.var() / part.mean() ** 2 for part in np.array_split(difference, 20)]
    error = np.std(parts, ddof=1) / math.sqrt(20)
    assert abs(difference.var() / difference.mean() ** 2 - input_spread(task)) < 5 * error < 0.2 * input_spread(task)


def test_enumerated_and_sampled_steps_succeed_equally_often(monkeypatch):
    task = Task(3, 6, Fraction(1, 5), 1)
    monkeypatch.setattr(step_experiments, "told", lambda rates, *rest: np.array(list(rates)))  # all of them
    rates = [draw(task, 400, 1, 1500, 3) for draw in (rates_of_enumerated_steps, rates_at_expected_inputs)]
    error = math.hypot(*(found.std(ddof=1) / math.sqrt(found.size) for found in rates))
    assert abs(rates[0].mean() - rates[1].mean()) < 5 * error
    assert 0.1 < rates[0].mean() < 0.99


def test_steps_are_simulated_until_their_rate_is_told(monkeypatch):
    """The same steps as of all that there are at most, in the same order, up to the one that tells."""
    task, drawn = Task(3, 6, Fraction(1, 5), 1), []
    original = step_experiments.told

    def spied(rates, *rest):
        found = original(rates, *rest)
        drawn.append((found, np.array([*found, *rates])))
        return found

    monkeypatch.setattr(step_experiments, "told", spied)
    rates = [draw(task, 400, -1, 450, 3) for draw in (rates_of_enumerated_steps, rates_at_expected_inputs)]
    rates.append(rates_on_fresh_sequences(task, "attention_value", 40, -1, 450, 3))
    for values, (found, every) in zip(rates, drawn, strict=True):
        assert np.array_equal(values, found) and len(found) < 100 and len(every) == 450
        assert comparator.rate("rate", RATE, -1, values, most=450).passed
        assert not comparator.rate("rate", RATE, -1, values[:-1], most=450).passed
