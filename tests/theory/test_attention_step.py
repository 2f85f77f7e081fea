"""The attention step: the bound behind its size at its worst case, equation (7) against a network, what is refused."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import sympy
import torch

from simulate import attention_model
from theory import Task, gradient_mean, key_query_classes
from theory.evaluation import N, alpha, long_sequence_limit, symbolic_numbers, to_expression
from theory.key_query import attention_step
from theory.key_query.attention_step import ROWS, concentrating_step, follower_logits
from theory.key_query.phase_diagram import occurring_pairs
from theory.key_query.step import KeyQuery

CONCENTRATED = [
    (Task(8, 64, 0.4, 3), 0.01, 0.4),
    (Task(16, 256, 0.2, 5), 0.1, None),
    (Task(5, 40, Fraction(1, 2), 2), Fraction(1, 10**6), Fraction(1, 2)),
]


def missing_mass(task, step, absorption):
    """Attention off a single follower of the lowest score, when the T - 1 other positions have the highest score."""
    K = key_query_classes(task, absorption) | {"": 0.0}
    following, others = ([K[a] + K[b] for a, b in pairs] for pairs in occurring_pairs(task))
    scores = step * torch.tensor([min(following), *[max(others)] * (task.T - 1)], dtype=torch.float64)
    return scores.softmax(dim=0)[1:].sum().item()


@pytest.mark.parametrize(("task", "missing", "absorption"), CONCENTRATED, ids=str)
def test_the_step_is_just_large_enough(task, missing, absorption):
    """At the worst case of the bound, missing / (1 + missing) is left elsewhere; 5 % less of a step is not enough."""
    step = concentrating_step(task, missing, absorption)
    left = missing_mass(task, step, absorption)
    # the scores are rounded, to 2^-52 of their sizes; missing is off by as much as they are
    slack = 8 * step * max(map(abs, key_query_classes(task, absorption).values())) * 2.0**-52 + task.T * 2.0**-52
    assert abs(left * (1 + missing) / missing - 1) <= slack
    assert left < missing < missing_mass(task, 0.95 * step, absorption)


def test_steps_at_the_ends_of_the_range():
    task = Task(8, 64, 0.4, 3)
    unit = concentrating_step(task, 1e-300, 0.4) / math.log(63e300)
    for missing in (5e-324, Fraction(1, 10**5000)):
        expected = unit * (
            math.log(63) + math.log(Fraction(missing).denominator) - math.log(Fraction(missing).numerator)
        )
        assert concentrating_step(task, missing, 0.4) == pytest.approx(expected, rel=1e-12)
    for missing in (0, 1, -0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match=r"missing must be a real number in \(0, 1\), got "):
            concentrating_step(task, missing, 0.4)
    for missing in ("0.1", None, True, 0.1j):
        with pytest.raises(TypeError, match=r"missing must be a real number in \(0, 1\), got "):
            concentrating_step(task, missing, 0.4)


def test_a_step_beyond_the_floats_is_refused():
    task = Task(10**104, 10**208, Fraction(1, 2))
    with pytest.raises(ValueError, match="no float is large enough for the step: the ranking gap of Task"):
        concentrating_step(task, 0.01, Fraction(1, 2))


def test_exact_logits_need_a_rational_noise_share():
    task = Task(5, 7, Fraction(1, 4))
    with pytest.raises(TypeError, match=r"exact=True needs a rational noise_share .*got 0\.3"):
        follower_logits(task, 0.3, exact=True)
    with pytest.raises(TypeError, match="exact=True needs a rational alpha"):
        follower_logits(Task(5, 7, 0.25), exact=True)
    exact = follower_logits(task, Fraction(3, 10), exact=True)
    assert all(isinstance(value, Fraction) for value in exact.values())
    assert follower_logits(task, Fraction(3, 10)) == {row: float(value) for row, value in exact.items()}


def network_logits(task, share):
    """ξ per row of ROWS of a network with W_V = G_V on a sequence with one (q, c) and one (q, τ), shares 1-f and f."""
    q, tau = task.q, task.tau
    c, k, *_ = [token for token in range(task.N) if token != q]
    scores = np.zeros(2 * task.M)
    scores[task.M + q] = 200  # e^-200 is left for the other positions
    scores[tau] = math.log(share / (1 - share))
    model = attention_model(task, gradient_mean(task, "attention_value"), scores)
    tokens = torch.tensor([[k, q, c, k, q, tau, c, q]])
    logits = model(tokens).detach()[0]
    return {"c": logits[c].item(), "k": logits[k].item(), "q": logits[q].item(), "tau": logits[tau].item()}


def largest_error(task, share):
    """Of all differences between two rows, relative to the largest stated logit."""
    found, stated = network_logits(task, float(share)), follower_logits(task, share)
    gaps = [(found[a] - found[b]) - (stated[a] - stated[b]) for a in ROWS for b in ROWS]
    return max(map(abs, gaps)) / max(map(abs, stated.values()))


NETWORKS = [
    (Task(N, T, alpha, N // 2), share)
    for N, T in ((3, 3), (3, 7), (5, 4), (11, 40))
    for alpha in (0.15, 0.6, Fraction(1))
    for share in (0.05, Fraction(1, 3), 0.9)
]
ROUNDING = 1e-13  # a few hundred roundings of 2^-53 in the entries of G_V, the softmax and the sums


@pytest.mark.parametrize(("task", "share"), NETWORKS, ids=str)
def test_logits_are_those_of_a_network(task, share):
    """Equation (7) entry by entry, up to a term common to all rows, at finite N and T."""
    assert largest_error(task, share) <= ROUNDING


def test_the_lead_of_the_trigger(monkeypatch):
    """Equation (8) for every N, α and f: (7) is affine in f, so f = 0 and f = 1 settle it; and its sign at f = α, 0."""
    delta = 1 / (1 + alpha * N) - 1 / (N + 1)

    def stated(f):
        return (1 + alpha * f) * delta - (1 - f) * (delta / N + (1 - alpha) / (N + 1))

    n, length, level, power = symbolic_numbers()
    monkeypatch.setattr(attention_step, "KeyQuery", partial(KeyQuery, power=power))
    for share in (0, 1):
        logits = attention_step._logits(n, length, level, Fraction(share))
        lead = long_sequence_limit(to_expression(logits["q"] - logits["c"]))
        assert sympy.simplify(N / (1 - alpha) * lead - stated(share)) == 0
    common = (1 - alpha) / ((N + 1) * (1 + alpha * N))  # positive
    at_alpha = (N - 2) * (1 - alpha + 2 * alpha**2) + 4 * alpha**2  # positive for N >= 2, as 1 - α + 2α² is
    assert sympy.simplify(stated(alpha) - common * at_alpha) == 0
    assert sympy.simplify(stated(0) - common * (N * (1 - alpha) - 2)) == 0  # positive below 1 - 2/N


def changed_term(source, feature):
    """KeyQuery with 5 % more of T μ at one feature: overall ("mean"), or given that c is q or is not."""

    class Changed(KeyQuery):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            means = dict(self.mean)  # from the unchanged counts
            terms = means if source == "mean" else self.given[source].counts
            terms[feature] = terms[feature] * 21 / 20
            self.mean = means

    return Changed


TERMS = {
    "mean": [("P", "q"), ("E", "k"), ("E", "tau")],
    False: [("P", "q"), ("E", "c"), ("E", "j"), ("E", "tau")],
    True: [("P", "q"), ("E", "j"), ("E", "tau")],
}


@pytest.mark.parametrize(("source", "feature"), [(source, term) for source, terms in TERMS.items() for term in terms])
def test_an_error_in_any_term_is_noticed(monkeypatch, source, feature):
    monkeypatch.setattr(attention_step, "KeyQuery", changed_term(source, feature))
    assert largest_error(Task(5, 9, 0.4, 2), 0.3) > 1e6 * ROUNDING


@pytest.mark.parametrize("row", ROWS)
def test_an_error_in_any_row_is_noticed(monkeypatch, row):
    original = follower_logits

    def changed(*arguments):
        logits = original(*arguments)
        return logits | {row: 1.05 * logits[row]}

    monkeypatch.setitem(globals(), "follower_logits", changed)
    assert largest_error(Task(5, 9, 0.4, 2), 0.3) > 1e6 * ROUNDING
