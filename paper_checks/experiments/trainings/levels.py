"""What E7 to E9 say of trained two-layer transformers: noise levels, several triggers, kinds of feed-forward layers.

The law of E7. Once the feed-forward layer predicts the noise at its rate α, the gradient that is left for the
in-context mechanism is E[(1{y = k} - p_k) · what the context says of k] with p_k = (1-α)/N: a factor 1-α because the
target is the noise else, and a factor 1-α because what stood after an earlier trigger is. All weights of the mechanism
(values, both key-query matrices) grow at rates that are (1-α)² times a function of these weights alone, so that time
enters as (1-α)² t, and a given recall is reached after

    t(α) = C / (1-α)².                                                                                             (1)

Not in (1): the updates in which the noise is learned, the event that the trigger is its own answer, and the noise of
the gradient. T3.2's N³ K[P(q)] ≈ (1-α)⁴, the growth of W_KQ on values that have grown for one step, is its first order.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from paper_checks.evidence.training_design import median_interval
from simulate.runtime.arrays import Floats

from . import recall as experiments
from .changes import Dropped
from .recall import Observed, log_updates
from .replicates import answer_means
from .settings import DESK_TASK, LEARNED, LEVELS
from .statements import Claimed, Numbers, Over, noise_over_whole, without_mean
from .variants import TRIGGERS_AT

# Numbers of trainings, one per seed


def noise_error(found: Sequence[Observed], alpha: float, since: float, most: float = np.inf) -> Floats:
    """|mean of the P(τ) observed after the updates from `since` to `most`, less α|."""
    rows = [[seen["noise"] for seen in run.history if since <= seen["step"] <= most] for run in found]
    return np.array([abs(np.mean(row) - alpha) for row in rows])


def noise_over_correct(found: Sequence[Observed], since: float, most: float) -> Floats:
    """The mean over the observations after the updates from `since` to `most` of the logarithm of P(τ) over P(c)."""
    rows = [[log_ratio(seen) for seen in run.history if since <= seen["step"] <= most] for run in found]
    return np.array([np.mean(row) for row in rows])


def ratio_at_recall(found: Sequence[Observed], recall: float) -> Floats:
    """The logarithm of P(τ) over P(c) when so much recall is first observed; not a number if it never is."""
    found_at = (next((seen for seen in run.history if seen["recall"] >= recall), None) for run in found)
    return np.array([np.nan if seen is None else log_ratio(seen) for seen in found_at])


def log_ratio(seen: Mapping[str, float]) -> float:
    """Of P(τ) over P(c)."""
    return float(np.log(seen["noise"] / seen["correct"]))


def updates_to_recall(found: Sequence[Observed], recall: float) -> Floats:
    """Updates to so much recall, between two observations by interpolation of log t; infinite if it is not reached."""
    return np.array([_reached(run.history, recall) for run in found])


def _reached(history: Sequence[dict[str, float]], recall: float) -> float:
    place = next((k for k, seen in enumerate(history) if seen["recall"] >= recall), None)
    if place is None:
        return np.inf
    if place == 0:
        return history[0]["step"]
    before, after = history[place - 1], history[place]
    share = (recall - before["recall"]) / (after["recall"] - before["recall"])
    return float(before["step"] ** (1 - share) * after["step"] ** share)


def law_error(found: Sequence[Observed], alpha: float, constant: float, recall: float) -> Floats:
    """|log of the updates to so much recall over those of (1)|; infinite if it is not reached."""
    return np.abs(log_updates(updates_to_recall(found, recall) * (1 - alpha) ** 2 / constant))


def exponents(times: Sequence[Floats], levels: Sequence[float]) -> Floats:
    """The slope of log t over -log(1-α) by least squares, for each seed, from its times at the levels."""
    x = -np.log(1 - np.array(levels))
    x -= x.mean()
    logs = log_updates(times)
    with np.errstate(invalid="ignore"):  # never reached: no slope
        slopes: Floats = x @ logs / (x @ x)
    return slopes


# Statements


def noise_level(claim: Claimed, over: Over, alpha: float) -> None:
    """At one noise level: P(τ) is at α, and from 0.3 on at least twice P(c) when recall is still rare; at 0.1 it is
    not, and c is ahead when recall comes. Up to LEARNED recall comes when (1) says."""
    which, rule = f"α = {alpha:g}", claim.rule.thresholds
    recall, constant, is_least = rule["recall_reached"], rule["updates_without_noise"], alpha == min(LEVELS)
    noise_learned(claim, over, alpha, which)
    noise_ahead(claim, over, which, is_ahead=not is_least)
    if is_least:
        ratio = over(lambda found: ratio_at_recall(found, recall))
        name = f"log of P(τ) over P(c) when recall comes, {which}"
        claim.replicated(name, "correct_ahead", -1, ratio, side="beyond")
    else:
        early = over(lambda found: experiments.at_step(found, "recall", 50))
        claim.replicated(f"recall at update 50, {which}", "recall_at_50", -1, early)
    if alpha <= LEARNED:
        error = over(lambda found: law_error(found, alpha, constant, recall))
        claim.replicated(f"|log of updates to recall over the law's|, {which}", "law", -1, error)


def time_to_recall(claim: Claimed, over_level: Callable[[float], Over]) -> None:
    """The exponent of t(α) is near 2; the evidence has t(α) with the interval of its median."""
    learned, recall = [alpha for alpha in LEVELS if alpha <= LEARNED], claim.rule.thresholds["recall_reached"]
    curve: dict[str, list[float]] = {}

    def exponent(count: int) -> Floats:
        times = [over_level(alpha)(lambda found: updates_to_recall(found, recall))(count) for alpha in learned]
        for alpha, row in zip(learned, times, strict=True):
            curve[f"{alpha:g}"] = [float(np.median(row)), *median_interval(row)[:2]]
        return exponents(times, learned)

    named = "exponent of the time to recall in 1/(1-α)"
    claim.replicated(f"{named}, from below", "exponent_least", +1, exponent, curve=curve)
    claim.replicated(f"{named}, from above", "exponent_most", -1, exponent, curve=curve)


def noise_ahead(claim: Claimed, over: Over, which: str, is_ahead: bool = True) -> None:
    """P(τ) is ahead of P(c), or is not by as much, beyond the boundary of the claim."""
    since, most = (claim.rule.thresholds[name] for name in ("settled_from", "compared_by"))
    ratio, name = over(lambda found: noise_over_correct(found, since, most)), f"updates {since:g} to {most:g}, {which}"
    expected, side = (+1, "holds") if is_ahead else (-1, "beyond")
    claim.replicated(f"mean log of P(τ) over P(c), {name}", "noise_ahead", expected, ratio, side=side)


def noise_learned(
    claim: Claimed, over: Over, alpha: float, which: str, most: float = np.inf, level: str = "level"
) -> None:
    """P(τ) is at α, from above and from below."""
    since = claim.rule.thresholds["settled_from"]
    error = over(lambda found: noise_error(found, alpha, since, most))
    claim.replicated(f"|mean of P(τ) from update {since:g} on, less α|, {which}", level, -1, error)


def noise_before_recall(claim: Claimed, over: Over, which: str, most: float = np.inf, level: str = "level") -> None:
    """At α = 1/2: P(τ) is at α, and ahead of P(c) while recall is rare."""
    noise_learned(claim, over, float(DESK_TASK.alpha), which, most, level)
    noise_ahead(claim, over, which)
    claim.replicated(f"recall at update 100, {which}", "recall_at_100", -1, over(observed("recall", 100)))


def several_triggers(claim: Claimed, over: Over, triggers: int) -> None:
    """The noise first; after TRIGGERS_AT updates recall, the noise without F2, and attention."""
    which = f"K = {triggers}"
    noise_before_recall(claim, over, which, TRIGGERS_AT)
    for name, seen, threshold, expected in (
        ("recall", "recall", "recall_at_400", +1),
        ("P(τ) without F2", "noise without F2", "noise_without_F2", -1),
        ("attention on (q,c)", "on (q,c)", "on_correct", +1),
        ("attention on (q,τ), where one stands,", "on (q,τ)", "on_noise", -1),
    ):
        values = over(observed(seen, TRIGGERS_AT))
        claim.replicated(f"{name} at update {TRIGGERS_AT}, {which}", threshold, expected, values)


def observed(name: str, step: int) -> Numbers:
    """A quantity observed after so many updates."""
    return lambda found: experiments.at_step(found, name, step)


def feed_forward_layers(claim: Claimed, over: Over, activation: str, which: str) -> None:
    """The noise first, and recall. Without F2 the noise is down and c leads with ReLU; with linear layers the noise
    stays, and it is the direction of the mean input of W_O² W_V² that carries it, as in E6."""
    is_relu = activation == "relu"
    noise_before_recall(claim, over, which, level="level" if is_relu else "level_linear")
    claim.replicated(f"recall, {which}", "recall_at_end", +1, over(lambda found: answer_means(found)["recall"]))
    left, name = over(noise_over_whole(Dropped("F2"))), f"P(τ) without F2 over P(τ), {which}"
    if is_relu:
        claim.replicated(name, "relu_left", -1, left)
        leads = over(lambda found: answer_means(found, Dropped("F2"))["leads"])
        claim.replicated(f"c ahead of all tokens without F2, {which}", "relu_leads", +1, leads)
        return
    claim.replicated(name, "linear_left", +1, left, side="beyond")
    rest = over(lambda found: without_mean(found)["noise"] / answer_means(found)["noise"])
    claim.replicated(f"P(τ) without the mean input's direction over P(τ), {which}", "one_direction", -1, rest)
    change = over(lambda found: np.abs(without_mean(found)["recall"] - answer_means(found)["recall"]))
    claim.replicated(
        f"|recall without the mean input's direction less recall|, {which}", "recall_direction", -1, change
    )
