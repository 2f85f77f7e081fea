"""Witnesses of the cells of scope maps: sequences written out, targets enumerated, flows integrated."""

import math
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
from scipy.integrate import solve_ivp

from paper_checks.experiments.general.laws import mixed_law
from paper_checks.witnesses import enumeration
from paper_checks.witnesses.general import programme
from theory import Task


@cache
def task(N, T, alpha):
    return Task(N, T, alpha)


@cache
def attention_gradient(N, T, alpha):
    """G_V, trigger 0."""
    return enumeration.gradient_moments(task(N, T, alpha), "attention_value")[0]


@cache
def key_query(N, T, alpha, absorption):
    return enumeration.key_query_gradient(task(N, T, alpha), absorption)


def feed_forward_margin(N, T, alpha):
    return min(enumeration.feed_forward_margins(task(N, T, alpha)).values())


def attention_margin(N, T, alpha):
    return max(abs(margin) for margin in enumeration.attention_margins(task(N, T, alpha)))


def within_bound(N, T, alpha):
    return attention_margin(N, T, alpha) <= 2 * max(2 * alpha, 1 - alpha) * (Fraction(1, N) + Fraction(1, T))


def enough_samples(samples, confidence):
    """P(n_τ > 2 max n_k) by all sequences of targets."""

    def enough(N, T, alpha):
        total = Fraction(0)
        for targets in product(range(N + 1), repeat=samples):
            counts = np.bincount(targets, minlength=N + 1)
            if counts[N] > 2 * counts[:N].max():
                total += math.prod(alpha if y == N else (1 - alpha) / N for y in targets)
        return total >= confidence

    return enough


def contrast(N, T, alpha, absorption, name):
    K = key_query(N, T, alpha, absorption)
    return K[N + 1] if name == "attends" else K[1] - K[N]


def followers_first(N, T, alpha):
    """Scores of all positions of all sequences that occur."""
    K, found = key_query(N, T, alpha, alpha), task(N, T, alpha)
    tokens = enumeration.sequences(N, T, 0).tokens[enumeration.weights(found)[0] > 0]
    scores = enumeration.positions(found)[enumeration.weights(found)[0] > 0].astype(object) @ K
    follows = np.zeros(tokens.shape, dtype=bool)
    follows[:, 1:] = tokens[:, :-1] == 0
    return scores[follows].min() > scores[~follows].max()


def has_window(N, T, alpha):
    """Both contrasts are affine in π: exact ends from their values at 0 and 1."""
    low, high = Fraction(0), Fraction(1)
    for name in ("attends", "avoids"):
        left, right = (contrast(N, T, alpha, Fraction(end), name) for end in (0, 1))
        if left == right:
            low, high = (low, high) if left > 0 else (high, low)
        elif right > left:
            low = max(low, left / (left - right))
        else:
            high = min(high, left / (left - right))
    return low < high


def logits(N, T, alpha):
    """ξ at attention 1 - α on (q, c) and α on (q, τ), c = 1, q = 0."""
    G, M = attention_gradient(N, T, alpha), N + 1
    return G[:, M] + (1 - alpha) * G[:, 1] + alpha * G[:, N]


def in_context_signal(N, T, alpha):
    """(1-α)/N (E[x̄_E(1) | c = 1] - E[x̄_E(1)]) from the sequences; trigger 0."""
    found = enumeration.sequences(N, T, 0)
    weight, _ = enumeration.weights(task(N, T, alpha))
    counts = (found.tokens == 1).sum(axis=1)
    given = [Fraction(int((weight * counts)[found.correct == c].sum()), int(weight[found.correct == c].sum()))
             for c in range(N)]  # fmt: skip
    return given[1] - sum(given) / N


@cache
def memory(n, alpha, t):
    """W(t), shape (n+1, n), from the flow of a, b, s."""

    def rate(time, values):
        a, b, s = values
        weights = np.exp(np.array([a, b, s]) - max(values))
        p = weights / (weights[0] + (n - 1) * weights[1] + weights[2])
        return [(1 - float(alpha) - p[0]) / n, -p[1] / n, (float(alpha) - p[2]) / n]

    solved = solve_ivp(rate, (0, float(t)), [0, 0, 0], method="LSODA", rtol=1e-10, atol=1e-12)
    a, b, s = solved.y[:, -1]
    W = np.full((n + 1, n), b)
    np.fill_diagonal(W, a)
    W[n] = s
    return W


def noise_on_top(n, alpha, t):
    """By the right singular vector of the largest singular value."""
    _, _, right = np.linalg.svd(memory(n, alpha, t))
    return abs(right[0].sum()) > n**0.5 / 2


def recalls(n, alpha, t):
    W = memory(n, alpha, t)
    kept = W - W.mean(axis=1, keepdims=True)
    return (kept.argmax(axis=0) == np.arange(n)).all()


def follows_law(n, alpha, t):
    D = math.log((n + 1) * (1 - float(alpha)) * float(t) / (2 * n))
    noise = abs((n - 1) * D + n * math.log(float(alpha / (1 - alpha)))) / math.sqrt(n + 1)
    W = memory(n, alpha, t)
    found = np.linalg.norm(W @ np.full(n, n**-0.5)), np.linalg.norm(W[:, 0] - W[:, 1]) / 2**0.5
    return max(abs(found[0] / noise - 1), abs(found[1] / D - 1)) <= 0.005


def law_margin(answers, share, T, alpha):
    """The least over the tokens that can come last before q, from the gradient's definition."""
    law = mixed_law(float(share), float(alpha), T, answers)
    G, _ = programme.gradient_moments(law, "feed_forward")
    occurs = law.answers @ programme.counts(law).last > 0
    logits = G[:, law.q, None] + G[:, law.M :][:, occurs]
    noise = int(law.noise.argmax())
    return (logits[noise] - np.delete(logits, noise, axis=0).max(axis=0)).min()


def attraction(look, share, T, alpha):
    law = mixed_law(float(share), float(alpha), T)
    K = programme.key_query_gradient(law)
    return K[law.noise.argmax()] if look == "noise" else K[law.M + law.q]


SEQUENCES = {
    ("T1.3", "margin"): lambda *cell: feed_forward_margin(*cell) > 0,
    ("T1.4", "bound"): within_bound,
    ("T1.5", "factor"): lambda *cell: feed_forward_margin(*cell) > attention_margin(*cell),
    ("T1.6", "copying"): lambda *cell: attention_gradient(*cell)[1, 1] > 0,
    ("T1.6", "contrast"): lambda *cell: attention_gradient(*cell)[1, 1] > attention_gradient(*cell)[0, 1],
    ("T2.5", "samples"): enough_samples(3, Fraction(3, 10)),
    ("T3.2", "attends"): lambda N, T, alpha: contrast(N, T, alpha, alpha, "attends") > 0,
    ("T3.2", "ranking"): followers_first,
    ("T3.3", "attends"): lambda *cell: contrast(*cell, None, "attends") > 0,
    ("T3.4", "uniform"): lambda *cell: contrast(*cell, None, "avoids") > 0,
    ("T3.4", "absorbed"): lambda N, T, alpha: contrast(N, T, alpha, alpha, "avoids") < 0,
    ("T3.5", "window"): has_window,
    ("T3.6", "noise"): lambda *cell: logits(*cell)[1] > logits(*cell)[-1],
    ("T3.6", "ordinary"): lambda *cell: logits(*cell)[1] > logits(*cell)[2],
    ("T3.6", "trigger"): lambda *cell: logits(*cell)[0] > logits(*cell)[1],
    ("B2", "signal"): lambda *cell: in_context_signal(*cell) > 0,
}
"""Whether a statement holds at (N, T, α), with three samples and probability 0.3 for T2.5."""
MEMORIES = {
    ("T4.2", "law"): follows_law,
    ("T4.4", "top"): noise_on_top,
    ("T4.5", "recall"): recalls,
}
"""The same at (n, α, t)."""
MIXTURES = {
    ("G2", "uniform"): lambda *cell: law_margin("uniform", *cell) > 0,
    ("G2", "stationary"): lambda *cell: law_margin("stationary", *cell) > 0,
    ("G5", "noise"): lambda *cell: attraction("noise", *cell) > 0,
    ("G5", "follower"): lambda *cell: attraction("follower", *cell) > 0,
}
"""By claim and part, of (λ, T, α)."""
