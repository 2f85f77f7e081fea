"""Marginals of simulated sequences against theory, position by position, far from what enumeration can reach."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulate import sample
from theory import Task
from theory.one_step.trigger_chain import TriggerChain

EXAMPLES, SEQUENCES = 25, 40_000
NAMES = ("q", "j", "tau", "c")


@given(
    N=st.integers(3, 12),
    T=st.integers(2, 40),
    alpha=st.sampled_from([0.0, 0.1, 0.37, 0.5, 0.9, 1.0]),
    q=st.integers(0, 11),
    data=st.data(),
)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_marginals_agree_with_theory(N, T, alpha, q, data):
    """P(z_t = token | c = q or c ≠ q) at one position; exact binomial tails, false alarm 1e-6 in all."""
    task = Task(N, T, alpha, q % N)
    t = data.draw(st.integers(1, T - 1), label="t")
    batch = sample(task, SEQUENCES, seed=data.draw(st.integers(0, 2**32), label="seed"))
    tokens, correct = batch.tokens.numpy()[:, t - 1], batch.correct.numpy()
    level = 1e-6 / (EXAMPLES * 7)
    for is_trigger in (False, True):
        chain = TriggerChain(N, t + 1, alpha, is_trigger)  # its last free position is t
        rows = (correct == task.q) == is_trigger
        hits = {"q": tokens == task.q, "tau": tokens == task.tau, "c": tokens == correct}
        hits["j"] = ~(hits["q"] | hits["tau"] | hits["c"])
        for name in NAMES[: 3 if is_trigger else 4]:
            probability = chain.probability_at_end("rest" if name == "j" else name)
            assert -1e-12 <= probability <= 1 + 1e-12
            probability = min(max(probability, 0.0), 1.0)  # rounding alone leaves [0, 1]
            count, total = int(hits[name][rows].sum()), int(rows.sum())
            tail = min(stats.binom.cdf(count, total, probability), stats.binom.sf(count - 1, total, probability))
            assert 2 * tail >= level, (task, t, is_trigger, name, count / total, probability)


def test_trigger_probability_is_the_stated_one():
    """P(z_t = q | c ≠ q) = (1 - (-1/N)^t)/(N+1); its ratio is 1-α-1/N given c = q."""
    for t in range(1, 9):
        elsewhere, at_trigger = (TriggerChain(5.0, t + 1, 0.3, flag).probability_at_end("q") for flag in (False, True))
        assert np.isclose(elsewhere, (1 - (-1 / 5) ** t) / 6, rtol=1e-14)
        assert np.isclose(at_trigger, (1 - (1 - 0.3 - 1 / 5) ** t) / (1 + 0.3 * 5), rtol=1e-14)
