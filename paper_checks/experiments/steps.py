"""Steps of m samples from zero: how often they put the right sign on a margin, and how many samples that should take.

A check of a number of samples has two sides: with more samples than that steps succeed more often than RATE, with fewer
less often. How far the two lie apart follows from the number of simulated steps at most, as `telling_rate` says; steps
are simulated until their rate is told (`evidence.design.told`), about half of them where it is as predicted.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from paper_checks.evidence.design import DESIGN, divergence, needed_exponent, told
from paper_checks.jobs import job
from paper_checks.witnesses import enumeration
from simulate import OneLayer, counted_gradient, gradient_moments, sample, sample_stream
from simulate.runtime.arrays import Floats
from theory import Task
from theory.one_step import sample_complexity
from theory.one_step.trigger_chain import TriggerChain
from theory.task import Layer

RATE = 0.95
"""Success rate that the claim asks of a step."""

IN_CONTEXT = {3: (2000, 2000), 11: (0, 200)}
"""How many steps of more, and of fewer, samples than predicted, per N; none of more at N = 11, for want of time."""

FRESH = 64  # fresh sequences per step
INPUTS = 2**14  # sequences whose mean is an expected test input
DRAWN = 100  # enumerated steps at a time

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def in_context_task(n: int) -> Task:
    """T = 4 N is about the cheapest context for a test input that does not fluctuate."""
    return Task(n, 4 * n, 0.1, trigger=1)


def telling_rate(expected: int, replicates: int) -> float:
    """The success rate nearest RATE, above (+1) or below (-1), that `comparator.rate` tells from RATE.

    That is, with `replicates` values in [0, 1] of this expectation, whose mean has a standard error of at most
    √(p(1-p)/replicates), Hoeffding's bound reaches the level of one comparison with probability 1 - DESIGN.miss; told
    one by one, they do so with no smaller probability.

    Raises:
        ValueError: no rate is told from RATE by so few.
    """

    def excess(p: float) -> float:
        seen = p - expected * DESIGN.miss_quantile() * math.sqrt(p * (1 - p) / replicates)
        return (replicates * divergence(seen, RATE) if expected * (seen - RATE) > 0 else 0.0) - needed_exponent()

    end = 1.0 if expected > 0 else 0.5
    if excess(end) <= 0:
        raise ValueError(f"replicates must be larger to tell a rate of {end} from {RATE}, got {replicates}")
    return float(brentq(excess, RATE, end))


def input_spread(task: Task) -> float:
    """Relative variance, over fresh sequences, of ξ_c - ξ_k after the population step: Var(C_c - C_k)/E[C_c - C_k]².

    c, k ordinary: two rows of G_V differ in their copying entries alone, so that ξ_c - ξ_k is a multiple of C_c - C_k.
    """
    chain = TriggerChain(float(task.N), task.T, float(task.alpha), False)
    variance = (
        chain.count_covariance("c", "c") + chain.count_covariance("j", "j") - 2 * chain.count_covariance("c", "j")
    )
    return float(variance / (chain.mean_count("c") - chain.mean_count("j")) ** 2)


def predicted_rate(task: Task, samples: float, fresh: bool = False) -> float:
    """Probability that an m-sample attention step ranks a random correct token first among the ordinary tokens.

    At the expected test input E[x̄|c] the contrasts are normal for large m, with the exact SNR² s² of every pair; as the
    logits of two tokens have nearly equal variances, the contrasts of one token have correlation 1/2:

        P = (1/N) Σ_c E_z Π_{k≠c} Φ(√2 x_ck - z),   x_ck = √m s_ck,   z ~ N(0, 1).

    On fresh sequences 1/x² grows by `input_spread` for c ≠ q (the rival q counted like another one).
    """
    signals, spread = sample_complexity.in_context_signal_to_noise(task), input_spread(task) if fresh else 0.0
    size = {}
    for pair, signal in signals.items():
        inverse = 1 / (samples * abs(signal)) + (spread if pair[0] == "c" else 0.0)
        size[pair] = math.copysign(1 / math.sqrt(inverse), signal)
    ahead = {pair: norm.cdf(math.sqrt(2) * x - _NODES) for pair, x in size.items()}
    ordinary = ahead["c", "k"] ** (task.N - 2) * ahead["c", "q"]
    trigger = ahead["q", "k"] ** (task.N - 1)
    return float(_WEIGHTS @ ((task.N - 1) * ordinary + trigger) / _WEIGHTS.sum() / task.N)


def predicted_samples(task: Task, rate: float = RATE, fresh: bool = False) -> float:
    """The number of samples m at which `predicted_rate` is `rate`; of order N³ for T ≫ N ≫ 1/α.

    Raises:
        ValueError: the population step itself does not reach the rate.
    """
    if (most := predicted_rate(task, math.exp(60), fresh)) <= rate:
        raise ValueError(f"no number of samples is enough for {task}: the rate tends to {most:.3g}, not {rate:.3g}")
    return math.exp(brentq(lambda log: predicted_rate(task, math.exp(log), fresh) - rate, 0, 60))


def bracket_end(task: Task, expected: int, replicates: int, fresh: bool = False) -> int:
    """The number of samples nearest m(RATE), above (+1) or below (-1), that this many steps tell from it."""
    samples = predicted_samples(task, telling_rate(expected, replicates), fresh)
    return math.ceil(samples) if expected > 0 else math.floor(samples)


def steps(task: Task, layer: Layer, samples: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Independent m-sample gradients: counted on the batch if it is small, streamed without keeping it if not."""
    if samples * task.T < 2**16:
        for batch in sample_stream(task, samples * replicates, seed=seed, chunk=samples):
            yield counted_gradient(task, layer, batch.tokens, batch.target)
        return
    workers = 1 if samples * task.T < 2**20 else None
    for replicate in range(replicates):
        yield gradient_moments(task, layer, samples, seed=seed + replicate, workers=workers).mean


@job("gradient steps", cost=lambda task, layer, samples, expected, most, seed: most * (1e-4 + samples * task.T * 2e-9))
def rates_on_fresh_sequences(task: Task, layer: Layer, samples: int, expected: int, most: int, seed: int) -> Floats:
    """Share of FRESH sequences with the right sign of the margin, for each of many m-sample steps of a real model.

    The margin is that of the noise token (feed-forward) or of the correct token among the ordinary ones (attention).
    Steps are simulated until they tell the rate from RATE, at most so many.
    """
    model = OneLayer(task)
    weight = model.W_F if layer == "feed_forward" else model.W_V
    fresh = sample_stream(task, FRESH * most, seed=seed, chunk=FRESH)

    def rates() -> Iterator[float]:
        for step, batch in zip(steps(task, layer, samples, most, seed + 1), fresh, strict=True):
            weight.data.copy_(weight.new_tensor(step))
            logits = model(batch.tokens).detach().numpy()
            if layer == "feed_forward":
                yield float((logits[:, task.tau] > logits[:, : task.N].max(axis=1)).mean())
            else:
                yield float(ranked_first(logits[:, : task.N], batch.correct.numpy()).mean())

    return told(rates(), RATE, expected, most)


def ranked_first(logits: Floats, correct: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the correct token's logit exceeds every other one of its row; logits of shape (rows, N)."""
    rows, others = np.arange(len(logits)), logits.copy()
    others[rows, correct] = -np.inf
    return np.asarray(logits[rows, correct] > others.max(axis=1))


def expected_inputs(task: Task, seed: int) -> Floats:
    """E[x̄ | c] for c = 0..N-1, shape (N, 2M): means over about INPUTS sampled sequences each."""
    batch = sample(task, INPUTS * task.N, seed=seed)
    tokens, correct = batch.tokens.numpy(), batch.correct.numpy()
    inputs = np.empty((task.N, 2 * task.M))
    for c in range(task.N):
        own = tokens[correct == c]
        counts = [np.bincount(part.ravel(), minlength=task.M) for part in (own, own[:, :-1])]
        inputs[c] = np.concatenate(counts) / own.size
    return inputs


@job("gradient steps", cost=lambda task, samples, expected, most, seed: 0.1 + most * samples * task.T * 2e-9)
def rates_at_expected_inputs(task: Task, samples: int, expected: int, most: int, seed: int) -> Floats:
    """Share of correct tokens c ranked first at E[x̄ | c], for each of many m-sample attention steps; until told."""
    inputs, correct = expected_inputs(task, seed), np.arange(task.N)
    found = steps(task, "attention_value", samples, most, seed + 1)
    rates = (float(ranked_first(inputs @ step[: task.N].T, correct).mean()) for step in found)
    return told(rates, RATE, expected, most)


@job("gradient steps", cost=lambda task, samples, expected, most, seed: most * 4e-5)
def rates_of_enumerated_steps(task: Task, samples: int, expected: int, most: int, seed: int) -> Floats:
    """`rates_at_expected_inputs` for small tasks, at a cost that does not grow with m: steps drawn from the exact law.

    How often each of the enumerated values of (y, x̄) occurs among m samples is multinomial.
    """
    target, feature, probability = enumeration.outcomes(task)
    inputs = np.array([enumeration.expected_feature(task, c) for c in range(task.N)])
    hits = np.eye(task.M, dtype=np.int64)[target, : task.N]
    gains = hits[:, None, :] * (feature @ inputs.T)[:, :, None]  # of ξ_k at input c, up to a factor for each input
    table = gains.reshape(len(target), -1).astype(np.float64)
    draws, law = np.random.default_rng(seed), probability / probability.sum()

    def rates() -> Iterator[float]:
        for first in range(0, most, DRAWN):
            times = draws.multinomial(samples, law, size=min(DRAWN, most - first)).astype(np.float64)
            logits = (times @ table).reshape(-1, task.N)
            ahead = ranked_first(logits, np.tile(np.arange(task.N), len(times)))
            yield from ahead.reshape(-1, task.N).mean(axis=1).tolist()

    return told(rates(), RATE, expected, most)
