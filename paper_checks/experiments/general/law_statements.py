"""What G6 says of transformers trained on laws: E1, E2, E4 on random ones, and whether G5's attraction delays recall.

Each function tells `claim` its statements, as in `trainings.statements`; in those about pairs `numbers` makes of pairs
of trainings with the same seed one number per seed.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import recall as experiments
from paper_checks.experiments.trainings.levels import noise_error, noise_over_correct, updates_to_recall
from paper_checks.experiments.trainings.recall import Observed, log_updates
from paper_checks.experiments.trainings.replicates import replicates
from paper_checks.experiments.trainings.statements import Claimed, Over
from simulate.runtime.arrays import Floats

from .law_settings import LawSetting
from .trained_laws import ALPHA

Pairs = Sequence[tuple[Observed, Observed]]
OverPairs = Callable[[Callable[[Pairs], Any]], Callable[[int], Any]]


def over_pairs(claim: Assertions, first: LawSetting, second: LawSetting) -> OverPairs:
    """As `replicates.over_seeds`, of the trainings of two settings with the same seed."""

    def of(numbers: Callable[[Pairs], Any]) -> Callable[[int], Any]:
        return lambda count: numbers(
            list(zip(*(replicates(claim.base_seed, one, count) for one in (first, second)), strict=True))
        )

    return of


def noise_first(claim: Claimed, over: Over) -> None:
    """E1: P(ν) is soon at α and ahead of P(c), and recall comes later."""
    rule = claim.rule.thresholds
    since, begin, end = rule["settled_from"], rule["compared_from"], rule["compared_by"]
    error = over(lambda found: noise_error(found, ALPHA, since))
    claim.replicated(f"|mean of P(ν) from update {since:g} on, less α|", "level", -1, error)
    ahead = over(lambda found: noise_over_correct(found, begin, end))
    claim.replicated(f"mean log of P(ν) over P(c), updates {begin:g} to {end:g}", "noise_ahead", +1, ahead)
    recall, noise = rule["recall_reached"], rule["noise_reached"]
    wait = over(lambda found: recall_after_noise(found, recall, noise))
    claim.replicated(f"log of the step of recall {recall:g} over the step of P(ν) {noise:g}", "log_later", +1, wait)


def recall_after_noise(found: Sequence[Observed], recall: float, noise: float) -> Floats:
    """As `trainings.recall.recall_after_noise`, from the first update on: P(ν) of the first weights, which may be above
    the level where ν is spread, does not count."""
    return experiments.recall_after_noise([_Later(run.history[1:]) for run in found], recall, noise)


class _Later(NamedTuple):
    """What was observed of a training without its start."""

    history: list[dict[str, float]]


def without_last_layer(claim: Claimed, over: Over) -> None:
    """E2: without F2 most of the noise is gone, P(c) is up, recall as before and c leads."""
    left = over(lambda found: _without(found, "noise") / _last(found, "noise"))
    claim.replicated("P(ν) without F2 over P(ν)", "noise_left", -1, left)
    gain = over(lambda found: _without(found, "correct") - _last(found, "correct"))
    claim.replicated("P(c) without F2 less P(c)", "correct_gain", +1, gain)
    change = over(lambda found: abs(_without(found, "recall") - _last(found, "recall")))
    claim.replicated("|recall without F2 less recall|", "recall_change", -1, change)
    claim.replicated("c ahead of all tokens without F2", "leads_without", +1, over(_last_of("leads without F2")))


def second_attention(claim: Claimed, over: Over) -> None:
    """E4: attention is on (q,c); on (q,ν) it is little, in the median sequence far less than equal attention."""
    for name, seen, threshold, expected in (
        ("attention on (q,c)", "on (q,c)", "on_correct", +1),
        ("attention on (q,ν), where one stands", "on (q,ν)", "on_noise", -1),
        ("median attention on (q,ν) over equal attention, where one stands", "of equal", "of_equal", -1),
    ):
        claim.replicated(name, threshold, expected, over(_last_of(seen)))


def no_attraction(claim: Claimed, over: Over, over_laws: Over) -> None:
    """Where K[E(τ)] > 0, p is soon far from uniform, attention on (q,τ) is early not much higher than where it is < 0,
    and little at recall."""
    by, noise = claim.rule.thresholds["attention_by"], claim.rule.thresholds["noise_reached"]
    reached = over(lambda found: [experiments.first_step(run, "noise", noise) for run in found])
    claim.replicated(f"updates until P(τ) is {noise:g}, K[E(τ)] > 0", "noise_by", -1, reached)
    name = f"mean log of attention on (q,τ), updates 1 to {by:g}, K[E(τ)] > 0 over < 0"
    claim.replicated(name, "attention_laws", -1, over_laws(lambda pairs: _more_attention(pairs, by)))
    name = "attention on (q,τ), where one stands, when recall has come, K[E(τ)] > 0"
    claim.replicated(name, "attention_late", -1, over(_last_of("on (q,ν)")))


def no_delay(claim: Claimed, over: Over, which: str, threshold: str) -> None:
    """Recall comes not much later in the first training of each pair than in the second."""
    recall = claim.rule.thresholds["recall_reached"]
    claim.replicated(f"log of updates to recall, {which}", threshold, -1, over(lambda pairs: later(pairs, recall)))


def no_more_delay(claim: Claimed, over_learned: Callable[[bool], Over]) -> None:
    """What W_K² learns early makes recall not much later where K[E(τ)] > 0 than where it is < 0."""
    recall = claim.rule.thresholds["recall_reached"]

    def more(count: int) -> Floats:
        positive, negative = (over_learned(heavy)(lambda pairs: later(pairs, recall))(count) for heavy in (False, True))
        difference: Floats = positive - negative
        return difference

    name = "log of updates to recall, learned over held, K[E(τ)] > 0 less < 0"
    claim.replicated(name, "delay_more", -1, more)


def later(pairs: Pairs, recall: float) -> Floats:
    """The logarithm of the updates to recall of the first over those of the second; not finite if one never comes."""
    first, second = log_updates([updates_to_recall(list(found), recall) for found in zip(*pairs, strict=True)])
    with np.errstate(invalid="ignore"):
        difference: Floats = first - second
        return difference


def _last(found: Sequence[Observed], name: str) -> Floats:
    return experiments.last(found, name)


def _without(found: Sequence[Observed], name: str) -> Floats:
    return _last(found, f"{name} without F2")


def _last_of(name: str) -> Callable[[Sequence[Observed]], Floats]:
    return lambda found: _last(found, name)


def _more_attention(pairs: Pairs, by: float) -> Floats:
    """The mean over the updates 1 to `by` of the logarithm of the first's attention on (q,τ), over equal attention,
    less that of the second."""
    return np.array([_early(first, by) - _early(second, by) for first, second in pairs])


def _early(run: Observed, by: float) -> float:
    return float(np.mean([np.log(seen["over equal"]) for seen in run.history if 1 <= seen["step"] <= by]))
