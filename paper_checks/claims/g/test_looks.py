"""G5: what the first key-query step looks at: frequent tokens, so at the noise on real text and away on the uniform."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.experiments.general.laws import Answers, mixed_law, shakespeare_law
from paper_checks.experiments.general.looks import FAMILIES, Looks, looks_of
from theory import Task, key_query_gradient
from theory.general import Change, attractions, criterion, turns
from theory.general.criterion import gradient_rounding
from theory.key_query import critical_noise_level
from theory.law import Law

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
STATED = {  # known independently, on S-u at LEVELS: K[P(q)], K[E(τ)], K[P(q)] absorbed, with half their last digit
    "K[P(q)], uniform p": ((2.58e-4, 1.04e-3, 3.13e-3, 7.45e-3, 1.55e-2), (5e-7, 5e-6, 5e-6, 5e-6, 5e-5)),
    "K[E(τ)], uniform p": ((1.8e-5, 4.0e-4, 2.1e-3, 6.5e-3, 1.5e-2), (5e-7, 5e-6, 5e-5, 5e-5, 5e-4)),
    "K[P(q)], absorbed": ((1.54e-4, 5.98e-5, 2.33e-5, 9.1e-6, 1.4e-6), (5e-7, 5e-8, 5e-8, 5e-8, 5e-8)),
}
ROUNDING = 2.5e-10
"""Above `gradient_rounding` of all laws here."""
EXPECTED: dict[Answers, int] = {"uniform": 0, "stationary": 1}
WINDOWS: tuple[tuple[float, list[int], Side], ...] = (
    (0.01, [1, 1, -1, -1, 1, 1], "beyond"),
    (0.03, [1, 1], "holds"),
    (1.0, [1, 1], "holds"),
)
"""λ, and the signs of K[P(q)] before and after each of its changes as α grows."""
TAU, FOLLOWER = 2, 65 + 1
"""Entries of K on S."""


def gradients(law: Law) -> dict[str, np.ndarray]:
    """K of a law at uniform p and at the law of y."""
    return {"uniform p": key_query_gradient(law), "absorbed": key_query_gradient(law, "absorbed")}


def attraction(law: Law, name: str) -> float:
    """K at uniform p of the noise or of the follower; a law whose rounding bound is above ROUNDING is refused."""
    if gradient_rounding(law) > ROUNDING:
        raise AssertionError(f"rounding bound {gradient_rounding(law):.1e}")
    value: float = getattr(criterion(law), name).gradient
    return value


def middle(change: Change) -> float:
    """Of its bracket."""
    return (float(change.low) + float(change.high)) / 2


@pytest.mark.claims("G5")
def test_real_text_is_looked_at_for_its_frequent_tokens(claim: Assertions) -> None:
    """The values known independently, and their order, on S-u; beyond: what T3.3 and T3.4 say of the uniform chain."""
    found = [gradients(shakespeare_law(level)) for level in LEVELS]
    for name, (stated, halves) in STATED.items():
        feature, p = name.split(", ")
        entry = FOLLOWER if feature == "K[P(q)]" else TAU
        for level, value, half, both in zip(LEVELS, stated, halves, found, strict=True):
            because = "stated to this digit"
            claim.close(f"{name}, α = {level}", value, both[p][entry], half, because, scale=1.0)
    for level, both in zip(LEVELS, found, strict=True):
        uniform, absorbed = both["uniform p"], both["absorbed"]
        rest = np.delete(uniform[65:], FOLLOWER - 65)
        claim.greater(f"K[P(q)] against the largest other P, uniform p, α = {level}", uniform[FOLLOWER], rest.max())
        ordinary = np.delete(uniform[:65], [1, TAU]).mean()
        claim.greater(f"K[E(τ)] against the ordinary tokens' mean, α = {level}", uniform[TAU], ordinary)
        ahead = int((absorbed[65:] > absorbed[FOLLOWER]).sum())
        side: Side = "holds" if level < 0.7 else "beyond"
        claim.equal(f"P ahead of K[P(q)], absorbed, α = {level}", int(level >= 0.7), ahead, side=side)
    claim.close(
        "K[E(τ)], absorbed, α = 0.5", 2.3e-5, found[2]["absorbed"][TAU], 5e-7, "stated to this digit", scale=1.0
    )
    claim.close("ordinary tokens' mean at α = 0.5", -8e-5, np.delete(found[2]["uniform p"][:65], [1, TAU]).mean(), 5e-6,
                "stated to this digit", scale=1.0)  # fmt: skip


@pytest.mark.claims("G5")
def test_the_bound_on_what_frequency_leaves_out(claim: Assertions) -> None:
    """|K[a] - κ C[a]| <= B[a] for every feature a, on S and on the uniform chain; where it decides, it is right."""
    for level in (0.1, 0.3, 0.9):
        for name, law in (("S-u", shakespeare_law(level)), ("S-s", shakespeare_law(level, "stationary")),
                          ("uniform", mixed_law(0.0, level))):  # fmt: skip
            every = attractions(law, np.eye(2 * law.M))
            K = key_query_gradient(law)
            parts = np.array([one.gradient for one in every])
            claim.close(f"κ C + R, {name}, α = {level}", K, parts, ROUNDING, "bound on the rounding of K", scale=1.0)
            rest = np.abs(K - [one.frequency for one in every])
            claim.less(f"|R| against its bound, {name}, α = {level}", rest, np.array([one.bound for one in every]))
            wrong = sum(one.is_decided and one.frequency * value <= 0 for one, value in zip(every, K, strict=True))
            claim.equal(f"decided signs that are wrong, {name}, α = {level}", 0, wrong)
            looks = criterion(law)
            decided = looks.noise.is_decided and looks.follower.is_decided
            surely = level == 0.9 or (level == 0.3 and name != "S-s")
            side: Side = "holds" if surely else "beyond"
            claim.equal(f"noise and follower decided, {name}, α = {level}", surely, decided, side=side)


@pytest.mark.claims("G5")
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_criterion_on_random_laws(claim: Assertions, family: Looks) -> None:
    """Random chains, answers and noise: right wherever the bound decides, and in most laws elsewhere, or not."""
    seed = claim.seed(f"random laws, {family.name}")
    found = looks_of(family, seed)
    for name in ("noise", "follower"):
        every = [getattr(one, name) for one in found]
        decided = [one for one in every if one.is_decided]
        wrong = sum(one.frequency * one.gradient <= 0 for one in decided)
        claim.equal(f"{name}: decided signs that are wrong, {family.name}", 0, wrong)
        exceeding = sum(abs(one.gradient - one.frequency) > one.bound for one in every)
        claim.equal(f"{name}: bounds exceeded, {family.name}", 0, exceeding)
        right = [float(one.predicted * one.gradient > 0) for one in every]
        threshold, expected = family.right[name]
        side: Side = "holds" if expected > 0 else "beyond"
        claim.rate(f"{name}: leading order has the sign, {family.name}", threshold, expected, right, side=side)
        if name in family.decided:
            share = [float(one.is_decided) for one in every]
            claim.rate(f"{name}: decided by the bound, {family.name}", family.decided[name], 1, share)
    if family.alone is not None:
        alone = [float(one.follower.leading * one.follower.gradient > 0) for one in found]
        claim.rate(f"follower: the same without copying, {family.name}", family.alone, -1, alone, side="beyond")


@pytest.mark.claims("G5")
@pytest.mark.parametrize("level", [0.3, 0.5, 0.7])
def test_mixtures_turn_where_the_criterion_says(claim: Assertions, level: float) -> None:
    """P_λ: noise and follower change sign once, from away to at; the criterion's λ* is off by what it leaves out."""
    found = turns(lambda share: mixed_law(share, level), 0, 1)
    for name, one in (("noise", found.noise), ("follower", found.follower)):
        claim.equal(f"changes of sign, {name}, α = {level}", 1, len(one.exact))
        low, high = float(one.exact[0].low), float(one.exact[0].high)
        below, above = (attraction(mixed_law(share, level), name) for share in (low, high))
        claim.less(f"{name} just below λ*, α = {level}", below, -ROUNDING, side="beyond")
        claim.greater(f"{name} just above λ*, α = {level}", above, ROUNDING)
        claim.equal(f"predicted changes of sign, {name}, α = {level}", 1, len(one.predicted))
        predicted = middle(one.predicted[0])
        error = (1 - level) / (65 * level**2) + 4 / 256
        because = "order of what is left out: of answers (1-α)/(α² M), of counts over sequences 4/T"
        claim.close(f"predicted λ* of the {name}, α = {level}", (low + high) / 2, predicted, error, because)


@pytest.mark.claims("G5")
def test_where_the_answers_decide(claim: Assertions) -> None:
    """α = 0.1, where α² M < 1: the noise is looked at along all of P_λ if the answers are uniform, and only below a λ*

    if they are stationary. The leading order has neither. What follows the trigger is looked at all along.
    """
    for answers, expected in EXPECTED.items():
        found, what = turns(partial(mixed_law, alpha=0.1, answers=answers), 0.02, 1), f"{answers} answers, α = 0.1"
        claim.equal(f"changes of sign, follower, {what}", 0, len(found.follower.exact))
        claim.equal(f"changes of sign, noise, {what}", expected, len(found.noise.exact), side="beyond")
        first, last = (mixed_law(share, 0.1, answers=answers) for share in (0.02, 1.0))
        claim.greater(f"follower at λ = 1, {what}", attraction(last, "follower"), ROUNDING)
        claim.greater(f"noise at λ = 0.02, {what}", attraction(first, "noise"), ROUNDING)
        claim.less(f"its leading order there, {what}", criterion(first).noise.predicted, 0, side="beyond")
        for change in found.noise.exact:
            below, above = (mixed_law(float(end), 0.1, answers=answers) for end in (change.low, change.high))
            claim.greater(f"noise just below its λ*, {what}", attraction(below, "noise"), ROUNDING)
            claim.less(f"noise just above it, {what}", attraction(above, "noise"), -ROUNDING, side="beyond")
            claim.less(f"λ* of the noise, {what}", middle(change), 1, side="beyond")


@pytest.mark.claims("G5")
def test_a_few_percent_of_text_end_looking_away(claim: Assertions) -> None:
    """λ = 0 is T3's task. For α from 0.1 to 0.99, λ = 0.01 has a window of α in which the step looks away from what

    follows the trigger, and λ = 0.03 and tiny Shakespeare itself have none.
    """
    for end, level in zip(("below", "above"), map(float, critical_noise_level(64, 256)), strict=True):
        value, task = attraction(mixed_law(0.0, level), "follower"), Task(64, 256, level)
        exact, because = key_query_gradient(task)[task.M + task.q], "bound on the rounding of K"
        claim.close(f"K[P(q)] at λ = 0 just {end} T3.3's α_c", exact, value, ROUNDING, because, scale=1.0)
    for share, stated, side in WINDOWS:
        law = mixed_law(share, 0.5)
        found = turns(partial(_at_level, law), 0.1, 0.99).follower.exact
        claim.equal(f"changes of sign of K[P(q)] with α, λ = {share}", len(stated) // 2 - 1, len(found), side=side)
        ends = [0.1, *(float(end) for one in found for end in (one.low, one.high)), 0.99]
        signs = [int(np.sign(attraction(_at_level(law, level), "follower"))) for level in ends]
        claim.equal(f"its signs between them, from α = 0.1 on, λ = {share}", stated, signs, side=side)


def _at_level(law: Law, level: float) -> Law:
    return replace(law, alpha=level)
