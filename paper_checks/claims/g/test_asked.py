"""What `theory.ask` says is what the claims say: samples (G7), levels and first looks (G5), by other ways to them."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.witnesses import enumeration as uniform_enumeration
from paper_checks.witnesses.general import enumeration
from theory import Law, Task, ask, key_query_gradient
from theory.general.asked import Asked
from theory.general.asked.steps import TaskSteps, recall_samples
from theory.general.asked.turning import LEVELS
from theory.general.samples import NoiseSteps

RATE = 0.95
"""Probability that `ask` says samples for."""
SHOWN = 5
"""Pairs that a law's first look lists."""


def failures(task: Task, samples: int) -> dict[str, tuple[float, float]]:
    """Lower and upper bound (31) of the chance of a wrong sign, the largest per kind of token before the last trigger,
    from every token of the task as a law."""
    steps = NoiseSteps.of(Law.of_task(task))
    tails = steps.tails(samples, np.ones(steps.means.shape, dtype=np.bool_)).reshape(steps.means.shape)
    kinds, found = {task.q: "q", task.tau: "tau"}, dict[str, tuple[float, float]]()
    for j, tail in zip(steps.preceding, tails, strict=True):
        kind = kinds.get(int(j), "j")
        low, high = found.get(kind, (0.0, 0.0))
        found[kind] = max(low, float(tail.max())), max(high, float(tail.sum()))
    return found


def worst(task: Task, samples: int) -> tuple[float, float]:
    """The bounds of `failures` over all kinds."""
    return tuple(max(bounds) for bounds in zip(*failures(task, samples).values(), strict=True))


def sorted_by_kind(bounds: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """In the order of the classes of `TaskSteps`."""
    return [bounds[kind] for kind in ("q", "j", "tau") if kind in bounds]


@pytest.mark.claims("G7")
@pytest.mark.parametrize("task", [Task(5, 12, 0.3), Task(9, 40, Fraction(1, 2), 4), Task(4, 2, 0.5)])
def test_asked_samples_of_the_noise(claim: Assertions, task: Task) -> None:
    """`ask` finds them by classes of tokens; at both ends of its bracket, all tokens one by one."""
    found, at = ask(task)["noise_samples"], f"N = {task.N}, T = {task.T}"
    few, enough = int(found.low or 0), int(found.high or 0)
    claim.less(f"chance of a wrong sign after as many samples as are enough, {at}", worst(task, enough)[1], 1 - RATE)
    claim.greater(f"after one less, {at}", worst(task, enough - 1)[1], 1 - RATE, side="beyond")
    claim.greater(f"after too few, {at}", worst(task, few)[0], 1 - RATE, side="beyond")
    claim.less(f"after one more, {at}", worst(task, few + 1)[0], 1 - RATE)
    by_class = np.array(TaskSteps.of_task(task).failures(few)).T
    claim.close(f"both bounds by kind of token before the last trigger, {few} samples, {at}",
                np.array(sorted_by_kind(failures(task, few))), by_class, 1e-9, "roundings", scale=1.0)  # fmt: skip


@pytest.mark.claims("G7")
@pytest.mark.parametrize("task", [Task(3, 6, Fraction(3, 10)), Task(4, 6, Fraction(1, 10))])
def test_asked_samples_of_the_answer(claim: Assertions, task: Task) -> None:
    """Both ends of the bracket by (33), from SNR² that are enumerated."""
    found, at = ask(task)["recall_samples"], f"N = {task.N}, T = {task.T}"
    few, enough = int(found.low or 0), int(found.high or 0)
    c, rival = (token for token in range(task.N) if token != task.q) if task.N == 3 else (2, 1)
    ordinary, trigger = (float(uniform_enumeration.in_context_signal_to_noise(task, c, k)) for k in (rival, task.q))
    missed = [(task.N - 2) / (1 + m * ordinary) + 1 / (1 + m * trigger) for m in (enough, enough - 1)]
    claim.less(f"Cantelli's bound after as many samples as are enough, {at}", missed[0], 1 - RATE)
    claim.greater(f"after one less, {at}", missed[1], 1 - RATE, side="beyond")
    share = (1 - task.alpha) / task.N
    seen = [float(1 - (1 - share) ** m) for m in (few, few + 1)]
    claim.less(f"chance that c is a target among too few samples, {at}", seen[0], RATE, side="beyond")
    claim.greater(f"among one more, {at}", seen[1], RATE)


@pytest.mark.claims("G7")
def test_asked_where_no_number_is_enough(claim: Assertions) -> None:
    """Below the level of G2; and where the bound is met with equality, which is enough."""
    claim.equal("N = 8, T = 16, α = 0.1", "none", ask(Task(8, 16, 0.1))["noise_samples"].basis, side="beyond")
    single = recall_samples(np.ones(1), np.array([0.75]), np.ones((1, 1)), np.ones((1, 1)), 0.5)
    claim.equal("one rival, SNR² = 1, rate 1/2: 1/(1+m) = 1/2 at", 1, single.enough if single else None)


def signs_at(claim: Assertions, asked: Asked, name: str, task: Task, entry: int, rises: bool) -> None:
    """Signs of an entry of K at uniform p at both ends of a bracket, by the closed forms of the task, in fractions."""
    ends = (Fraction(asked[name].low or 0), Fraction(asked[name].high or 0))
    low, high = (key_query_gradient(replace(task, alpha=end), exact=True)[entry] for end in ends)
    before, after = (claim.less, claim.greater) if rises else (claim.greater, claim.less)
    before(f"{name}, K at the lower end {float(ends[0]):.5f}", low, 0.0)
    after(f"{name}, K at the upper end {float(ends[1]):.5f}", high, 0.0, side="beyond")
    claim.less(f"{name}, width", float(ends[1] - ends[0]), 1e-5)


@pytest.mark.claims("G5")
def test_asked_levels(claim: Assertions) -> None:
    """The uniform task as a law: one turn of the look at followers and two at the noise, by signs at the ends."""
    task = Task(16, 256, Fraction(3, 10))
    law = Law.of_task(task)
    asked, of_task = ask(law), ask(task)
    turns = [answer.name for answer in asked if answer.name.startswith(("critical_alpha", "noise_alpha"))]
    claim.equal("turns", ["critical_alpha", "noise_alpha", "noise_alpha_2"], turns)
    for name, entry, rises in zip(turns, (law.M + law.q, task.tau, task.tau), (False, True, False), strict=True):
        signs_at(claim, asked, name, task, entry, rises)
    signs_at(claim, of_task, "critical_alpha", task, law.M + law.q, False)
    for level, copies in ((of_task["copying_threshold"].low, 1), (of_task["copying_threshold"].high, -1)):
        value = ask(Task(16, 256, Fraction(level or 0)))["copying"].value or 0.0
        claim.greater(f"copying × {copies} at {level:.5f}", copies * value, 0.0)
    for level, way in ((of_task["critical_alpha"].low, "towards"), (of_task["critical_alpha"].high, "away from")):
        said = ask(Task(16, 256, Fraction(level or 0)))["follows_uniform"].sentence
        claim.equal(f"the sentence at {level:.5f}", f"At uniform p, K[P(q)]: the step points {way} what follows the "
                    "trigger.", said)  # fmt: skip
    grid = [Fraction(level).limit_denominator(100) for level in LEVELS]
    claim.equal("noise levels between which a turn is looked for", [Fraction(k, 33) for k in range(1, 33)], grid)


@pytest.mark.claims("G5")
@pytest.mark.parametrize("output", ["uniform", "absorbed"])
def test_asked_first_looks(claim: Assertions, output: str) -> None:
    """The pairs with the highest scores, and the least lead, among all positions of all sequences, in fractions."""
    task = Task(3, 5, Fraction(3, 10), 1)
    law = Law.of_task(task)
    tokens = enumeration.samples(law).tokens
    before = np.column_stack([np.full(len(tokens), -1), tokens[:, :-1]])
    pairs = sorted({(int(b), int(h)) for b, h in zip(before.ravel(), tokens.ravel(), strict=True)})
    K = enumeration.key_query_gradient(law, None if output == "uniform" else "absorbed")
    scores = {(b, h): K[h] + (K[law.M + b] if b >= 0 else 0) for b, h in pairs}
    lead = min(scores[one] for one in pairs if one[0] == law.q) - max(scores[one] for one in pairs if one[0] != law.q)
    highest = sorted(scores.values(), reverse=True)[:SHOWN]
    words = {(f"({b}, {h})" if b >= 0 else f"({h} first)"): score for (b, h), score in scores.items()}
    of_law, of_task = (ask(one)[f"first_{output}"] for one in (law, task))
    claim.equal(f"scores of the {SHOWN} pairs of a law, {output} p", highest, [words[one] for one in of_law.where])
    for name, found in (("law", of_law), ("task", of_task)):
        claim.close(f"least lead of what follows the trigger, {name}, {output} p", float(lead), found.value, 1e-9,
                    "roundings")  # fmt: skip
    kinds = {law.q: "q", task.tau: "τ"}
    kind = {token: kinds.get(token, "an ordinary token") for token in range(law.M)}
    by_kind = {(f"({kind[b]}, {kind[h]})" if b >= 0 else f"{kind[h]} at the first position"): score
               for (b, h), score in scores.items()}  # fmt: skip
    claim.equal(f"kinds of positions of a task, {output} p", sorted(by_kind.values(), reverse=True),
                [by_kind[one] for one in of_task.where])  # fmt: skip
