"""What G6 says of transformers trained on laws: E1, E2 and E4 on random ones, and whether G5's attraction delays recall.

Each function tells `claim` its statements, as in `trainings.statements`; in those about pairs `numbers` makes of pairs
of trainings with the same seed one number per seed.
"""

from collections.abc import Callable, Sequence
from typing import Any

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

HELD = 30
"""Updates for which W_K² is held: by then the noise is at α."""
LOOKED = (10, 20)
"""Updates after which attention on (q,τ) is compared: between two laws, and between W_K² learning and held."""


def over_pairs(
    claim: Assertions, first: LawSetting, second: LawSetting
) -> Callable[[Callable[[Pairs], Any]], Callable[[int], Any]]:
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
    later = over(lambda found: experiments.recall_after_noise(found, recall, noise))
    claim.replicated(f"log of the step of recall {recall:g} over the step of P(ν) {noise:g}", "log_later", +1, later)


def without_last_layer(claim: Claimed, over: Over) -> None:
    """E2: without F2 most of the noise is gone, P(c) is up, recall as before and c leads."""
    for name, numbers, threshold, expected in (
        ("P(ν) without F2 over P(ν)", lambda found: _without(found, "noise") / _last(found, "noise"), "noise_left", -1),
        (
            "P(c) without F2 less P(c)",
            lambda found: _without(found, "correct") - _last(found, "correct"),
            "correct_gain",
            +1,
        ),
        (
            "|recall without F2 less recall|",
            lambda found: abs(_without(found, "recall") - _last(found, "recall")),
            "recall_change",
            -1,
        ),
        ("c ahead of all tokens without F2", lambda found: _without(found, "leads"), "leads_without", +1),
    ):
        claim.replicated(name, threshold, expected, over(numbers))


def second_attention(claim: Claimed, over: Over) -> None:
    """E4: attention is on (q,c); on (q,ν) it is little, in the median sequence far less than equal attention."""
    for name, seen, threshold, expected in (
        ("attention on (q,c)", "on (q,c)", "on_correct", +1),
        ("attention on (q,ν), where one stands", "on (q,ν)", "on_noise", -1),
        ("median attention on (q,ν) over equal attention, where one stands", "of equal", "of_equal", -1),
    ):
        claim.replicated(name, threshold, expected, over(_of_last(seen)))


def attraction(claim: Claimed, between_laws: Over, learning_or_held: Over) -> None:
    """Attention on (q,τ) is not much higher on the law with K[E(τ)] > 0, nor by what W_K² has learned there."""
    early, later = LOOKED
    name = f"log of attention on (q,τ) after {early} updates, K[E(τ)] > 0 over K[E(τ)] < 0"
    claim.replicated(name, "attention_laws", -1, between_laws(lambda pairs: _log_attention(pairs, early)))
    name = f"log of attention on (q,τ) after {later} updates, learned over held, K[E(τ)] > 0"
    claim.replicated(name, "attention_held", -1, learning_or_held(lambda pairs: _log_attention(pairs, later)))


def delay(claim: Claimed, over: Over, which: str, threshold: str) -> None:
    """Recall comes not much later in the first training of each pair than in the second."""
    recall = claim.rule.thresholds["recall_reached"]

    def later(pairs: Pairs) -> Floats:
        times = [updates_to_recall(list(found), recall) for found in zip(*pairs, strict=True)]
        first, second = log_updates(times)
        with np.errstate(invalid="ignore"):  # neither ever
            difference: Floats = first - second
            return difference

    claim.replicated(f"log of updates to recall, {which}", threshold, -1, over(later))


def _last(found: Sequence[Observed], name: str) -> Floats:
    return experiments.last(found, name)


def _without(found: Sequence[Observed], name: str) -> Floats:
    return experiments.last(found, f"{name} without F2")


def _of_last(name: str) -> Callable[[Sequence[Observed]], Floats]:
    return lambda found: experiments.last(found, name)


def _log_attention(pairs: Pairs, update: int) -> Floats:
    """The logarithm of the first's attention on (q,τ), over equal attention, over the second's."""
    first, second = (np.log(experiments.at_step(found, "over equal", update)) for found in zip(*pairs, strict=True))
    difference: Floats = first - second
    return difference
