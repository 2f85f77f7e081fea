"""Steps of m samples from zero on tiny Shakespeare: how often they put the right sign on a margin.

Sequences are drawn and counted one by one; of theory only the expected test input of attention is taken.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from paper_checks.evidence.design import told
from paper_checks.experiments.steps import RATE
from paper_checks.jobs import job
from simulate import sample_stream
from simulate.runtime.arrays import Floats
from theory.general.between_triggers import token_laws
from theory.law import Law

from .agreement import ANSWERS
from .laws import shakespeare_law


@job("gradient steps", cost=lambda name, alpha, preceding, samples, expected, most, seed: 0.1 + most * samples * 2e-6)
def rates_of_noise_steps(
    name: str, alpha: float, preceding: int, samples: int, expected: int, most: int, seed: int
) -> Floats:
    """Whether the noise leads on sequences that end (preceding, q), for each of many m-sample feed-forward steps."""
    law = shakespeare_law(alpha, ANSWERS[name])
    tau, ones = int(np.argmax(law.noise)), np.eye(law.M, dtype=np.int64)

    def right() -> Iterator[float]:
        for batch in sample_stream(law, samples * most, seed=seed, chunk=samples):
            weight = 1 + (batch.tokens[:, -2].numpy() == preceding)
            logits = weight @ ones[batch.target.numpy()]
            yield float(logits[tau] > np.delete(logits, tau).max())

    return told(right(), RATE, expected, most)


@job("gradient steps", cost=lambda name, alpha, pair, samples, expected, most, seed: 0.1 + most * samples * 4e-8)
def rates_of_answer_steps(
    name: str, alpha: float, pair: tuple[int, int], samples: int, expected: int, most: int, seed: int
) -> Floats:
    """Whether answer c leads its rival k at E[x̄ | c], for each of many m-sample attention steps; (c, k) = `pair`.

    Only samples whose target is c or k count, which the two are for these as answers, each with probability (1-α) ρ:
    how many there are of either is drawn, and as many sequences.
    """
    law = shakespeare_law(alpha, ANSWERS[name])
    draws = np.random.default_rng(seed)
    times = draws.multinomial(samples, [*((1 - alpha) * law.answers[list(pair)]), 0], size=most)[:, :2]
    streams = [_Alignments(law, pair[0], answer, seed + 1 + place) for place, answer in enumerate(pair)]

    def right() -> Iterator[float]:
        for own, other in times:
            leads = streams[0].sum_of(own) - streams[1].sum_of(other)
            yield float(leads > 0)

    return told(right(), RATE, expected, most)


class _Alignments:
    """x̄·v, v = E[x̄ | correct], of sequences drawn given an answer, added up as many at a time as are asked for."""

    def __init__(self, law: Law, correct: int, answer: int, seed: int) -> None:
        mean = token_laws(law).visits[correct]
        self.weights, self.length = 2 * mean + np.eye(law.M)[law.q], law.T
        self.last = mean[law.q] + 1
        given = replace(law, answers=np.eye(law.M)[answer])
        self.stream = sample_stream(given, 2**22, seed=seed, chunk=_CHUNK)
        self.left = np.empty(0)

    def sum_of(self, count: int) -> float:
        """Of the next `count` sequences."""
        total = 0.0
        while count > 0:
            if not self.left.size:
                tokens = next(self.stream).tokens.numpy()[:, :-1]
                self.left = (self.weights[tokens].sum(axis=1) + self.last) / self.length**2
            taken = self.left[:count]
            total += float(taken.sum())
            self.left, count = self.left[len(taken) :], count - len(taken)
        return total


_CHUNK = 2**12
