"""T3.6: what real softmax attention does after a large key-query step, on fresh sequences."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments.key_query import held_probabilities
from paper_checks.experiments.named import in_words
from simulate import OneLayer, attention_model, held_loss, mass_after_trigger, ranks_first, sample
from theory import Task, gradient_mean, key_query_gradient
from theory.key_query.attention_step import concentrating_step, follower_logits, noise_rank_threshold
from theory.key_query.phase_diagram import contrast_value, critical_noise_level, ranking_gap

TASKS = (Task(8, 64, 0.4, 3), Task(16, 256, 0.4, 5), Task(16, 256, 0.7, 5), Task(32, 512, 0.2, 7), Task(5, 40, 0.5, 2))
FRESH = 2000
MISSING = 0.01


@dataclass(frozen=True)
class Outcome:
    """Attention and logits of one model on fresh sequences with a position that follows the trigger."""

    tokens: torch.Tensor
    correct: torch.Tensor
    attention: torch.Tensor
    logits: torch.Tensor
    task: Task

    @property
    def mass(self) -> np.ndarray:
        """Attention on positions that follow the trigger."""
        mass: np.ndarray = mass_after_trigger(self.attention, self.tokens, self.task.q).numpy()
        mass[mass > 1] = 1  # a sum of softmax values may exceed 1 by rounding
        return mass

    def mass_on(self, token: Any) -> np.ndarray:
        """Attention on the pair (q, token), shape (batch,)."""
        return (self.attention * self._pairs(token)).sum(dim=1).numpy()

    def holds_pair(self, token: Any) -> np.ndarray:
        """Whether the pair (q, token) occurs."""
        return self._pairs(token).any(dim=1).numpy()

    def _pairs(self, token: Any) -> torch.Tensor:
        follows = torch.zeros_like(self.tokens, dtype=torch.bool)
        follows[:, 1:] = self.tokens[:, :-1] == self.task.q
        pairs: torch.Tensor = follows & (self.tokens == token)
        return pairs

    @property
    def answerable(self) -> np.ndarray:
        """Sequences that show (q, c) with c ≠ q."""
        shown: np.ndarray = self.holds_pair(self.correct[:, None]) & (self.correct != self.task.q).numpy()
        return shown

    def first_among(self, candidates: list[int]) -> np.ndarray:
        """Whether c's logit is the largest, on answerable sequences, as 0 or 1."""
        first: np.ndarray = ranks_first(self.logits, self.correct, candidates).numpy()[self.answerable].astype(float)
        return first


def observe(claim: Assertions, task: Task, model: OneLayer, name: str) -> Outcome:
    """The model on FRESH sequences, those without an earlier trigger left out."""
    batch = sample(task, FRESH, seed=claim.seed(name))
    kept = (batch.tokens[:, :-1] == task.q).any(dim=1)
    tokens, correct = batch.tokens[kept], batch.correct[kept]
    with torch.no_grad():
        return Outcome(tokens, correct, model.attention(tokens), model(tokens), task)


def step_model(task: Task, absorption: Any, step: float) -> OneLayer:
    """The model after the population steps: W_V = G_V, column E(q) of W_KQ a step of the given size along K."""
    return attention_model(task, gradient_mean(task, "attention_value"), step * key_query_gradient(task, absorption))


def ordinary_but_trigger(task: Task) -> list[int]:
    """The N - 1 ordinary tokens other than q."""
    return [token for token in range(task.N) if token != task.q]


@pytest.mark.claims("T3.6")
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_attention_after_the_step(claim: Assertions, task: Task) -> None:
    """At absorbed p, 99 % of the attention goes to followers of the trigger, on every sequence that has one.

    c ranks first among the ordinary tokens other than q, but q itself ranks above c, and so does τ.
    """
    step = concentrating_step(task, MISSING, task.alpha)
    after = observe(claim, task, step_model(task, task.alpha, step), f"after the step, {task}")
    claim.less(f"attention elsewhere, every sequence, {in_words(task)}", 1 - after.mass, MISSING)
    before = observe(claim, task, step_model(task, task.alpha, 0.0), f"before the step, {task}")
    claim.rate(f"attention on followers before the step, {in_words(task)}", 0.5, -1, before.mass, side="beyond")
    claim.rate(f"attention on followers after it, {in_words(task)}", 0.95, +1, after.mass)
    rate = after.first_among(ordinary_but_trigger(task))
    claim.rate(f"c first among ordinary tokens other than q, {in_words(task)}", 0.95, +1, rate)
    with_trigger, with_noise = (after.first_among([token]) for token in (task.q, task.tau))
    claim.rate(f"c above q, {in_words(task)}", 0.05, -1, with_trigger, side="beyond")
    claim.rate(f"c above τ, {in_words(task)}", 0.05, -1, with_noise, side="beyond")


@pytest.mark.claims("T3.6")
@pytest.mark.parametrize("task", TASKS[:2], ids=str)
def test_a_step_that_is_too_large(claim: Assertions, task: Task) -> None:
    """K[E(τ)] > K[E(k)] at absorbed p: beside (q, τ), a step η leaves (q, c) at most T exp(-η (K[E(τ)] - K[E(k)]))."""
    reversal = -contrast_value(task, "avoids", task.alpha)
    claim.greater(f"reversal, {in_words(task)}", reversal, 0)
    step = float(np.log(task.T / MISSING) / reversal)
    after = observe(claim, task, step_model(task, task.alpha, step), f"too large a step, {task}")
    both = after.answerable & after.holds_pair(task.tau)
    on_correct = after.mass_on(after.correct[:, None])[both]
    claim.less(f"attention on (q, c) where (q, τ) occurs, {in_words(task)}", on_correct, MISSING, side="beyond")


@pytest.mark.claims("T3.6")
def test_the_step_at_uniform_probabilities(claim: Assertions) -> None:
    """Below α_c the step at uniform p concentrates attention too; beyond it, it takes attention away."""
    for level, expected in ((0.2, 1), (0.6, -1)):
        task = Task(16, 256, level, 5)
        side, critical = ("holds" if expected > 0 else "beyond"), float(critical_noise_level(16, 256)[1])
        claim.greater(f"distance of α = {level} from α_c, with its sign", expected * (critical - level), 0, side=side)
        step = float(np.log(task.T / MISSING)) / abs(ranking_gap(task))
        after = observe(claim, task, step_model(task, None, step), f"uniform step, {task}")
        threshold = 0.95 if expected > 0 else 1 / (4 * task.N)
        claim.rate(f"attention on followers, uniform p, {in_words(task)}", threshold, expected, after.mass, side=side)


@pytest.mark.claims("T3.6")
@pytest.mark.parametrize(("n", "length"), [(8, 64), (16, 256)])
def test_when_noise_outranks_the_correct_token(claim: Assertions, n: int, length: int) -> None:
    """τ outranks c above an exact noise level near √(3/2)/N, seen on fresh sequences at 1/3 and 3 times it."""
    low, high = noise_rank_threshold(n, length)
    below, above = (follower_logits(Task(n, length, level)) for level in (low, high))
    claim.less(
        f"ξ_τ <= ξ_c just below α = {float(low):.6f}, N = {n}, T = {length}", below["tau"], below["c"], strict=False
    )
    claim.less(f"ξ_c < ξ_τ just above, N = {n}, T = {length}", above["c"], above["tau"], side="beyond")
    for factor, expected, side in ((1 / 3, +1, "holds"), (3, -1, "beyond")):
        task = Task(n, length, factor * float(high), 2)
        step = concentrating_step(task, MISSING, task.alpha)
        after = observe(claim, task, step_model(task, task.alpha, step), f"noise rank, {task}")
        threshold, name = (0.9, 0.1)[expected < 0], f"c above τ at {factor:.2f} × the threshold, N = {n}, T = {length}"
        claim.rate(name, threshold, expected, after.first_among([task.tau]), side=side)


@pytest.mark.claims("T3.6")
def test_ranks_in_the_limit(claim: Assertions) -> None:
    """N × the level at which τ outranks c → √(3/2). q outranks c always at f = α; at f = 0 below 1 - 2/N."""
    sizes = [2**power for power in range(3, 11)]
    gaps = [abs(n * float(noise_rank_threshold(n, n * n, bits=50)[1]) - 1.5**0.5) for n in sizes]
    claim.exponent("exponent in N of N × threshold - √(3/2)", -1.0, fit_exponent(sizes, gaps))
    for n in (2, 3, 8, 50):
        for level in (0.01, 0.3, 0.6, 0.9, 0.99):
            logits = follower_logits(Task(n, 10**8, level))
            claim.less(f"ξ_c < ξ_q, N = {n}, T = 10⁸, α = {level}", logits["c"], logits["q"], side="beyond")
            claim.less(f"ξ_k < ξ_c, N = {n}, T = 10⁸, α = {level}", logits["k"], logits["c"])
    for n in (5, 8, 50):
        edge = 1 - Fraction(2, n)
        for sign, side in ((-1, "beyond"), (1, "holds")):
            logits = follower_logits(Task(n, 10**12, edge + sign * Fraction(1, 100 * n)), 0)
            name = f"f = 0, N = {n}, T = 10¹²: sign of ξ_c - ξ_q {'above' if sign > 0 else 'below'} 1 - 2/N"
            claim.greater(name, sign * (logits["c"] - logits["q"]), 0, side=side)
    stated, task = Fraction(1, 4), Task(7, 10**6, Fraction(2, 5))
    logits = follower_logits(task, stated)
    repeat = 1 / (1 + task.alpha * 7) - Fraction(1, 8)
    formula = (1 + task.alpha * stated) * repeat - (1 - stated) * (repeat / 7 + (1 - task.alpha) / 8)
    found, reason = (
        (logits["q"] - logits["c"]) * 7 / float(1 - task.alpha),
        "terms of relative size at most 20/T left out",
    )
    claim.close("(ξ_q - ξ_c) N/(1-α) at f = 1/4, N = 7, α = 2/5", float(formula), found, 20 / task.T, reason)


@pytest.mark.claims("T3.6")
def test_a_step_from_real_gradients(claim: Assertions) -> None:
    """The autograd step of 50 000 sequences on all of W_KQ, at held absorbed p, does what the population step does."""
    task = TASKS[0]
    model = attention_model(task, gradient_mean(task, "attention_value"), np.zeros(2 * task.M))
    batch = sample(task, 50_000, seed=claim.seed("real step"))
    loss = held_loss(model, batch.tokens, batch.target, held_probabilities(task, task.alpha))
    (gradient,) = torch.autograd.grad(loss, [model.W_KQ])
    model.W_KQ.data.sub_(concentrating_step(task, MISSING, task.alpha) * gradient)
    after = observe(claim, task, model, "after the real step")
    claim.rate("attention on followers after a step of 50 000 samples", 0.9, +1, after.mass)
    claim.rate("c first among ordinary tokens other than q", 0.9, +1, after.first_among(ordinary_but_trigger(task)))
    claim.rate("c above q", 0.1, -1, after.first_among([task.q]), side="beyond")
