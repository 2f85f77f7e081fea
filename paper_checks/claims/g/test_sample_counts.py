"""G7: the samples that one step needs on tiny Shakespeare, for the noise margin and for the answer's lead."""

import math
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general.agreement import ANSWERS
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.experiments.general.levels import ordinary
from paper_checks.experiments.general.samples import rates_of_answer_steps, rates_of_noise_steps
from paper_checks.experiments.steps import RATE, telling_rate
from paper_checks.jobs import Job, results
from paper_checks.witnesses import enumeration as uniform_enumeration
from paper_checks.witnesses.general import enumeration
from paper_checks.witnesses.general.small_laws import small_laws
from theory import Law, Task
from theory.general import margins, samples

MOST = 1000
"""Most steps of each simulated number of samples."""
LEVEL = 0.3
"""Noise level of the simulated steps."""


@pytest.mark.claims("G7")
def test_chances_by_enumeration(claim: Assertions) -> None:
    """The joint law of target and last free token, of random small laws; then every outcome of two samples."""
    for number, (kind, law) in enumerate(small_laws(24, experiment_seed(claim.base_seed, "samples of small laws"))):
        if not (law.noise == 0).any():
            continue
        found, steps = enumeration.samples(law), samples.NoiseSteps.of(law)
        shares = found.weight / found.unit
        s, others = int(np.argmax(law.noise)), np.flatnonzero(law.noise == 0)
        for place, j in enumerate(steps.preceding):
            size = 1 + (found.tokens[:, -2] == j)
            for at, k in enumerate(others):
                W = size * ((found.target == s).astype(int) - (found.target == k))
                stated = [float(shares[value == W].sum()) for value in (2, 1, -1, -2)]
                name = f"law {number} ({kind}), j = {j}, k = {k}"
                claim.close(f"law of W, {name}", stated, steps.chances[:, place, at], 1e-12, "roundings", scale=1.0)
                five, values = np.array([*stated, 1 - sum(stated)]), np.array([2, 1, -1, -2, 0])
                chosen = np.zeros(steps.means.shape, dtype=bool)
                chosen[place, at] = True
                tail = float(steps.tails(2, chosen)[0])
                both = float(five @ (np.add.outer(values, values) <= 0) @ five)
                claim.close(f"P(W + W' <= 0), {name}", both, tail, 1e-12, "roundings", scale=1.0)
                claim.less(f"P(W + W' <= 0) against its bound, {name}", tail, steps.bounds(2)[place, at] + 1e-12)


@pytest.mark.claims("G7")
def test_answer_signals_of_the_uniform_task(claim: Assertions) -> None:
    """Signed SNR² of all three pairs of T2.5, by enumeration of the uniform task."""
    for n, length, level in ((3, 4, Fraction(1, 3)), (3, 6, Fraction(5, 7)), (4, 5, Fraction(1, 10))):
        task = Task(n, length, level, 1)
        found = samples.answer_signals(Law.of_task(task))
        for c, k in ((2, 0), (2, 1), (1, 2)):
            stated = float(uniform_enumeration.in_context_signal_to_noise(task, c, k))
            claim.close(f"SNR² of {c} over {k}, N = {n}, T = {length}", stated, found[c, k], 1e-9, "roundings")


@pytest.mark.claims("G7")
@pytest.mark.parametrize("name", ANSWERS)
def test_noise_samples_are_few(claim: Assertions, name: str) -> None:
    """Proved brackets; below α_F of G2 no number is enough."""
    for level in (0.1, 0.3, 0.5, 0.7):
        law, at = shakespeare_law(level, ANSWERS[name]), f"{name}, α = {level}"
        too_few, enough = samples.noise_samples(law)
        if name == "S-s" and level == 0.1:
            claim.equal(f"no number of samples is enough, {at}", "None", str(enough), side="beyond")
            continue
        steps = samples.NoiseSteps.of(law)
        claim.less(f"chance of the wrong sign after {enough} samples", steps.most_failures(enough or 0, 0.05), 0.05)
        claim.greater(f"chance of the wrong sign after {too_few} samples",
                      steps.least_failures(too_few), 0.05, side="beyond")  # fmt: skip
        claim.less(f"samples that are enough for the noise margin, {at}", enough, {0.1: 128, 0.3: 64}.get(level, 16))


@pytest.mark.claims("G7")
@pytest.mark.parametrize("level", [0.1, 0.3, 0.5])
def test_answers_need_many_samples(claim: Assertions, level: float) -> None:
    """S-u: 2 of 64 answers lead all rivals after enough samples; the others never do, being behind the trigger."""
    law = shakespeare_law(level)
    signals, tokens, at = samples.answer_signals(law), ordinary(law), f"S-u, α = {level}"
    answers = np.append(tokens, law.q)
    never = [c for c in answers if samples.answer_samples(law, int(c), signals=signals).enough is None]
    claim.equal(f"answers that no number of samples puts first, {at}", 62, len(never), side="beyond")
    leading = [law.q, *np.flatnonzero(law.chain[:, law.q] == 1)]
    claim.equal(
        f"the others: the trigger, and what always leads to it, {at}", sorted(leading), sorted({*answers} - {*never})
    )
    claim.less(f"signed SNR² of an answer against the trigger, {at}", signals[[c for c in never if c != law.q], law.q],
               0, side="beyond")  # fmt: skip
    enough = samples.noise_samples(law).enough
    few = min(samples.answer_samples(law, int(c), signals=signals).too_few for c in answers)
    claim.greater(f"samples that no answer can do with, {at}, against enough for the noise", few, enough)
    pairs = signals[np.ix_(tokens, tokens)]
    typical = samples.samples_for_one_rival(float(np.median(pairs[pairs > 0])))
    claim.greater(
        f"samples for a typical pair of answers, {at}, over enough for the noise", typical / (enough or 1), 10
    )


@pytest.mark.claims("G7")
def test_frequent_answers_come_first(claim: Assertions) -> None:
    """S-s: where answers are as likely as they are frequent, the trigger alone is ever put first."""
    law = shakespeare_law(LEVEL, "stationary")
    signals, answers = samples.answer_signals(law), np.append(ordinary(law), law.q)
    first = [int(c) for c in answers if samples.answer_samples(law, int(c), signals=signals).enough is not None]
    claim.equal(f"answers that some number of samples puts first, S-s, α = {LEVEL}", [law.q], first, side="beyond")


def noise_steps(base_seed: int) -> list[Job]:
    """Twice as many samples as are proved to be enough, and half of those proved to be too few; S-u."""
    law = shakespeare_law(LEVEL)
    bracket, worst = samples.noise_samples(law), int(np.nanargmin(margins.noise_margins(law)))
    counts = ((+1, 2 * (bracket.enough or 0)), (-1, bracket.too_few // 2))
    return [
        rates_of_noise_steps.of("S-u", LEVEL, worst, count, side, MOST, experiment_seed(base_seed, f"noise {side}"))
        for side, count in counts
    ]


@pytest.mark.claims("G7")
@pytest.mark.jobs.with_args(noise_steps)
def test_noise_margin_simulated(claim: Assertions) -> None:
    """On sequences after the token whose margin is least."""
    for steps in noise_steps(claim.base_seed):
        (rates,), (_, _, _, count, side, most, seed) = results([steps]), steps.arguments
        name = f"{count}-sample steps, noise margin, S-u, α = {LEVEL}, success rate"
        claim.rate(name, RATE, side, rates, most=most, samples=count, seed=seed)


def typical_pair(law: Law) -> tuple[tuple[int, int], float]:
    """Two answers with the median SNR² of the pairs in which the answer leads, and that."""
    tokens = ordinary(law)
    signals = samples.answer_signals(law)[np.ix_(tokens, tokens)]
    places = np.argwhere(signals > 0)
    order = np.argsort(signals[signals > 0])
    c, k = places[order[len(order) // 2]]
    return (int(tokens[c]), int(tokens[k])), float(signals[c, k])


def answer_steps(base_seed: int) -> list[Job]:
    """More and fewer samples than (34) says, by what MOST steps can tell; twice as many are made at most, as (34) is an
    approximation."""
    pair, signal = typical_pair(shakespeare_law(LEVEL))
    found = []
    for side in (+1, -1):
        count = samples.samples_for_one_rival(signal, telling_rate(side, MOST))
        whole, seed = math.ceil(count) if side > 0 else math.floor(count), experiment_seed(base_seed, f"answer {side}")
        found.append(rates_of_answer_steps.of("S-u", LEVEL, pair, whole, side, 2 * MOST, seed))
    return found


@pytest.mark.claims("G7")
@pytest.mark.jobs.with_args(answer_steps)
def test_answers_lead_simulated(claim: Assertions) -> None:
    """1/SNR² turned into samples, on both sides, for a typical pair of answers."""
    pair, signal = typical_pair(shakespeare_law(LEVEL))
    predicted = samples.samples_for_one_rival(signal)
    for steps in answer_steps(claim.base_seed):
        (rates,), (_, _, _, count, side, most, seed) = results([steps]), steps.arguments
        name = f"steps of {count / predicted:.2g} × predicted samples, pair {pair}, success rate"
        claim.rate(name, RATE, side, rates, most=most, samples=count, seed=seed)
    law, (c, k) = shakespeare_law(LEVEL), pair
    too_few, enough = samples.answer_samples(law, c, rivals=[k])
    because = "rounded up to a whole number"
    claim.close("samples proved to be enough for one rival, 19/SNR²", 19 / signal, enough, signal, because)
    claim.less("predicted samples against those", predicted, enough)
    missed = (1 - float(law.output[c])) ** np.array([too_few, too_few + 1])
    claim.greater("chance that c is no target among too few samples", missed[0], 0.05)
    claim.less("and among one more", missed[1], 0.05)
