"""G1: the first gradients, their variances and the first key-query step of every law."""

from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.design import DESIGN
from paper_checks.experiments.general import agreement
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.experiments.named import in_words
from paper_checks.experiments.simulations import ENTRY_ERROR
from paper_checks.jobs import Job
from paper_checks.witnesses.general import programme
from paper_checks.witnesses.general.small_laws import small_laws
from simulate import Chain, sample, sample_stream
from theory import LAYERS, Law, Task, gradient_mean, gradient_variance, key_query_gradient
from theory.general import count_moments, decomposition
from theory.task import Layer

LAWS = 60
"""Random small laws, five of each kind."""
UNIFORM = [Task(N, T, alpha, 1) for N, T in ((2, 2), (3, 5), (4, 9)) for alpha in (0, Fraction(2, 5), 1)]
MEAN_ERROR = 0.05
"""Of simulated means, as mutants have it."""
LENGTHS = {"S-u": 192, "S-s": 48}
"""Past mixing, so that most answers' counts are those of equation (2), and before it, by equation (1)."""


def _seed(base_seed: int) -> int:
    return experiment_seed(base_seed, "small laws")


@pytest.mark.claims("G1")
@pytest.mark.jobs.with_args(lambda base_seed: [agreement.enumerated.of(LAWS, _seed(base_seed))])
def test_every_law_by_enumeration(claim: Assertions) -> None:
    """Equality, as fractions, with all samples of random laws of every kind; the exact parts of K add up."""
    seed = _seed(claim.base_seed)
    found = agreement.enumerated(LAWS, seed)
    for number, ((kind, law), values) in enumerate(zip(small_laws(LAWS, seed), found, strict=True)):
        exact = agreement.values_of(law, exact=True)
        for title, value in values.items():
            claim.equal(f"{title}, law {number} ({kind}), M = {law.M}, T = {law.T}", value, exact[title])
        parts = decomposition(law, exact=True)
        claim.equal(f"κ C + R, law {number}", exact["K, uniform p"], parts.gradient)


@pytest.mark.claims("G1")
@pytest.mark.parametrize("task", UNIFORM, ids=str)
def test_uniform_tasks_are_the_closed_forms(claim: Assertions, task: Task) -> None:
    """The law of a task gives T1.1, T1.2, T2.1, T2.2 and T3.1's values, as fractions."""
    law, what = Law.of_task(task), in_words(task)
    for layer in LAYERS:
        for moment, values in (("mean", gradient_mean), ("variance", gradient_variance)):
            claim.equal(f"{moment}, {layer}, {what}", values(task, layer, exact=True), values(law, layer, exact=True))
    for title, p in agreement.OUTPUTS.items():
        exact = key_query_gradient(task, p and task.alpha, exact=True)
        claim.equal(f"K, {title}, {what}", exact, key_query_gradient(law, p, exact=True))


@pytest.mark.claims("G1")
def test_the_law_of_a_task_draws_its_sequences(claim: Assertions) -> None:
    """From one seed a task and the law that it is draw the same sequences, in chunks too, the last a short one."""
    task, seed = Task(4, 9, 0.4, 1), claim.seed("a task's law")
    whole = sample(task, 5000, seed=seed)
    chunks = list(sample_stream(Law.of_task(task), 5000, seed=seed, chunk=1999))
    claim.equal("sizes of chunks", [1999, 1999, 1002], [len(chunk.tokens) for chunk in chunks])
    for name in ("tokens", "correct", "target"):
        drawn = np.concatenate([getattr(chunk, name).numpy() for chunk in chunks])
        claim.equal(f"{name} of the law", getattr(whole, name).numpy(), drawn)


@pytest.mark.claims("G1")
def test_a_text_is_the_law_of_its_pairs(claim: Assertions) -> None:
    """The chain of a text against a count of its pairs; the noise token last."""
    text = "to be, or not to be, that is the question: whether 'tis nobler in the mind to suffer " * 3
    chain, letters = Chain.from_text(text, noise="q"), sorted(set(text))
    letters.append(letters.pop(letters.index("q")))
    pairs = [[Fraction(sum(pair == (a, b) for pair in pairwise(text))) for b in letters] for a in letters]
    rows = np.array([[float(count / sum(row)) for count in row] for row in pairs])
    starts = np.array([float(sum(row) / (len(text) - 1)) for row in pairs])
    because, bound = "quotients of whole numbers, and by the sum of M of them", len(letters) * 2.0**-52
    claim.equal("characters, the noise last", letters, list(chain.names or ()))
    claim.close("rows of the chain", rows, chain.transition, bound, because)
    claim.close("law of the first token", starts, np.asarray(chain.initial), bound, because)


@pytest.mark.claims("G1")
@pytest.mark.jobs.with_args(lambda: [agreement.programmed.of(name, 0.5, T) for name, T in LENGTHS.items()])
def test_shakespeare_by_programme(claim: Assertions) -> None:
    """Both reference laws against the programme over positions."""
    for name, T in LENGTHS.items():
        agreement.check_programme(claim, name, 0.5, T)


def slow_laws() -> dict[str, Law]:
    """Chains that stay, turn in a circle, or never leave a class, but for one step in ten thousand or none, at lengths
    for which blocks of positions are cheaper, and doubling."""
    generator = np.random.default_rng(22)
    dense, (first, answers) = generator.dirichlet(np.ones(5), size=5), generator.dirichlet(np.ones(5), size=2)
    circle, classes = np.roll(np.eye(5), 1, axis=1), np.zeros((5, 5))
    classes[:3, :3], classes[3:, 3:] = generator.dirichlet(np.ones(3), size=3), generator.dirichlet(np.ones(2), size=2)
    chains = {"stays": (1 - 1e-4) * np.eye(5) + 1e-4 * dense, "period 5": (1 - 1e-4) * circle + 1e-4 / 5,
              "two classes": classes}  # fmt: skip
    return {
        f"{name}, T = {T}": Law(chain, T=T, trigger=3, alpha=0.3, first=first, answers=answers, noise=2)
        for name, chain in chains.items()
        for T in (40, 400)
    }


@pytest.mark.claims("G1")
def test_chains_that_mix_slowly_or_never(claim: Assertions) -> None:
    """Moments of counts against the programme over positions, to the bounds on both ones' roundings."""
    for name, law in slow_laws().items():
        found, sums = count_moments(law), programme.counts(law)
        allowed, because = found.rounding + programme.rounding(law), "bounds on the roundings of both"
        spread = sums.product - sums.mean[:, :, None] * sums.mean[:, None, :]
        for what, expected, value in (
            ("mean/T", sums.mean / law.T, found.mean / law.T),
            ("last", sums.last, found.last),
            ("covariance/T²", spread / law.T**2, found.covariance / law.T**2),
        ):
            claim.close(f"{what}, {name}", expected, value, allowed, because, scale=1.0)


def noise_columns(law: Law) -> np.ndarray:
    """E(q), and P of the most frequent character."""
    return np.array([law.q, law.M + np.argmax(law.first)])


@cache
def samples_by_design() -> int:
    """Sequences of S-u that make MEAN_ERROR of the feed-forward noise row at these columns detectable."""
    law = shakespeare_law(0.5)
    tau, columns = int(np.argmax(law.noise)), noise_columns(law)
    moments = (f(law, "feed_forward")[tau, columns] for f in (gradient_mean, gradient_variance))
    return max(DESIGN.samples(mean, variance, MEAN_ERROR) for mean, variance in zip(*moments, strict=True))


def _draw(base_seed: int) -> list[Job]:
    return [agreement.simulated.of("S-u", 0.5, samples_by_design(), experiment_seed(base_seed, "S-u"))]


@pytest.mark.claims("G1")
@pytest.mark.jobs.with_args(_draw)
@pytest.mark.parametrize("layer", LAYERS)
def test_shakespeare_simulated(claim: Assertions, layer: Layer) -> None:
    """The noise row of S-u, means to MEAN_ERROR and variances to ENTRY_ERROR; copying entries."""
    law = shakespeare_law(0.5)
    found = agreement.simulated("S-u", 0.5, samples_by_design(), claim.seed("S-u"))[layer]
    details = {"samples": found.samples, "seed": found.seed, "device": found.device, "seconds": round(found.seconds, 2)}
    tau, columns = int(np.argmax(law.noise)), noise_columns(law)
    mean, variance = gradient_mean(law, layer), gradient_variance(law, layer)
    means = mean[tau, columns], found.mean[tau, columns], found.standard_error[tau, columns]
    planned = np.sqrt(variance[tau, columns] / found.samples)
    claim.estimate(f"noise row, {layer}", *means, MEAN_ERROR, planned_error=planned, **details)
    spreads = variance[tau, columns], found.variance[tau, columns], found.variance_standard_error[tau, columns]
    claim.estimate(f"variances of the noise row, {layer}", *spreads, ENTRY_ERROR, **details)
    copying = np.argsort(law.first)[-8:]
    entries = (copying, copying + (law.M if layer == "feed_forward" else 0))
    claim.estimate(
        f"copying entries, {layer}", mean[entries], found.mean[entries], found.standard_error[entries], None, **details
    )
