"""E7, E8, E9: the noise level, the number of triggers, the kind and width of the feed-forward layers, at desk scale."""

import pytest

from simulate import Hidden

from . import recall_experiments as experiments
from .recall_settings import DESK_WIDTH, LEARNED, LEVELS, desk, updates
from .recorder import Recorder


@pytest.mark.claims("E7")
@pytest.mark.parametrize("alpha", LEVELS)
def test_noise_levels(claim: Recorder, alpha: float) -> None:
    """From 0.2 on P(τ) is there within 10 updates, when recall is not even at 50; at 0.1, near 1/(N+1), c overtakes it
    early. Up to 0.7 recall follows, and dropping F2 halves the noise."""
    setting = desk(alpha, steps=updates(alpha))
    found = experiments.runs(claim, setting)
    if alpha < 0.15:
        ahead = experiments.at_step(found, "correct", 140) - experiments.at_step(found, "noise", 140)
        claim.replicated(f"P(c) less P(τ) at step 140, α = {alpha}", "correct_ahead", +1, ahead, side="beyond")
    else:
        early = experiments.largest_early_noise(found) / alpha
        claim.replicated(f"largest P(τ) up to step 10 over α = {alpha}", "noise_by_10", +1, early)
        at_50 = experiments.at_step(found, "recall", 50)
        claim.replicated(f"recall at step 50, α = {alpha}", "recall_at_50", -1, at_50)
    batch = experiments.fresh(setting.law, claim.base_seed)
    recall = experiments.measured(found, batch)["recall"]
    if alpha > LEARNED:
        name = f"recall after {updates(alpha)} updates, α = {alpha}"
        claim.replicated(name, "not_learned", -1, recall, side="beyond")
        return
    claim.replicated(f"recall, α = {alpha}", "recall_at_end", +1, recall)
    less = experiments.measured(found, batch, experiments.dropped("F2"))["noise"]
    claim.replicated(f"P(τ) without F2 over α = {alpha}", "noise_without_F2", -1, less / alpha)


@pytest.mark.claims("E8")
@pytest.mark.parametrize("triggers", [1, 2, 5])
def test_triggers(claim: Recorder, triggers: int) -> None:
    """Noise first, recall, F2's noise, and attention on the answer of the trigger at hand."""
    setting = desk(triggers=triggers)
    found, batch = experiments.runs(claim, setting), experiments.fresh(setting.law, claim.base_seed)
    early = experiments.largest_early_noise(found)
    claim.replicated(f"largest P(τ) up to step 10, K = {triggers}", "noise_by_10", +1, early)
    at_50 = experiments.at_step(found, "recall", 50)
    claim.replicated(f"recall at step 50, K = {triggers}", "recall_at_50", -1, at_50)
    recall = experiments.measured(found, batch)["recall"]
    claim.replicated(f"recall, K = {triggers}", "recall_at_end", +1, recall)
    less = experiments.measured(found, batch, experiments.dropped("F2"))["noise"]
    claim.replicated(f"P(τ) without F2, K = {triggers}", "noise_without_F2", -1, less)
    on_correct, on_noise = (experiments.last(found, f"on (q,{name})") for name in ("c", "τ"))
    claim.replicated(f"attention on (q,c), K = {triggers}", "on_correct", +1, on_correct)
    claim.replicated(f"attention on (q,τ), K = {triggers}", "on_noise", -1, on_noise)


@pytest.mark.claims("E9")
@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("width", [1, 4])
def test_feed_forward_layers(claim: Recorder, activation: str, width: int) -> None:
    """Noise first and recall for all; dropping F2 turns the noise off for ReLU, and for linear layers does not, whose
    noise W_O² W_V² holds, where rank 2N/3 lowers it."""
    setting = experiments.feed_forward(Hidden(width * DESK_WIDTH, activation))
    found, batch = experiments.runs(claim, setting), experiments.fresh(setting.law, claim.base_seed)
    which = f"{activation}, width {width}d"
    claim.replicated(f"largest P(τ) up to step 10, {which}", "noise_by_10", +1, experiments.largest_early_noise(found))
    at_50 = experiments.at_step(found, "recall", 50)
    claim.replicated(f"recall at step 50, {which}", "recall_at_50", -1, at_50)
    whole = experiments.measured(found, batch)
    claim.replicated(f"recall, {which}", "recall_at_end", +1, whole["recall"])
    less = experiments.measured(found, batch, experiments.dropped("F2"))["noise"]
    if activation == "relu":
        claim.replicated(f"P(τ) without F2, {which}", "relu_without_F2", -1, less)
        return
    claim.replicated(f"P(τ) without F2, {which}", "linear_without_F2", +1, less, side="beyond")
    low = experiments.measured(found, batch, experiments.cut("W_OV2", 8))["noise"] / whole["noise"]
    claim.replicated(f"P(τ) at rank 8 of W_O² W_V² over P(τ), {which}", "linear_low_rank", -1, low)
