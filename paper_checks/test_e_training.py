"""E1, E2, E4, E5: the two-layer transformer on noisy in-context recall, at desk scale.

Each check states a number per seed and its side of a threshold; rule and thresholds are in the ledger.
"""

import pytest
import torch

from . import recall_experiments as experiments
from .recall_observers import last_shown
from .recall_settings import desk
from .recorder import Recorder


@pytest.mark.claims("E1")
def test_noise_is_learned_first(claim: Recorder) -> None:
    """P(τ) nears α within 10 updates and stays, while recall is rare at 50 and comes at least 20 times later."""
    found = experiments.runs(claim, desk())
    claim.replicated("largest P(τ) up to step 10", "noise_by_10", +1, experiments.largest_early_noise(found))
    stays = experiments.settled_noise(found)
    claim.replicated("mean P(τ) from step 20 to 100", "noise_from_20_to_100", +1, stays)
    claim.replicated("recall at step 50", "recall_at_50", -1, experiments.at_step(found, "recall", 50))
    claim.replicated("recall at the end", "recall_at_end", +1, experiments.last(found, "recall"))
    slower = experiments.recall_after_noise(found)
    claim.replicated("step of recall 0.8 over step of P(τ) 0.4", "slower_by", +1, slower)


@pytest.mark.claims("E2")
def test_dropping_the_last_layer(claim: Recorder) -> None:
    """Without F2 the noise is gone and c leads all tokens; without F1 the noise stays."""
    found = experiments.runs(claim, desk())
    batch = experiments.fresh(desk().law, claim.base_seed)
    whole = experiments.measured(found, batch)
    less = experiments.measured(found, batch, experiments.dropped("F2"))
    claim.replicated("P(τ) of the full model", "noise_with", +1, whole["noise"])
    claim.replicated("P(τ) without F2", "noise_without", -1, less["noise"])
    claim.replicated("P(c) without F2 less P(c)", "correct_gain", +1, less["correct"] - whole["correct"])
    claim.replicated("c ahead of all tokens without F2", "leads_without", +1, less["leads"])
    other = experiments.measured(found, batch, experiments.dropped("F1"))
    claim.replicated("P(τ) without F1", "noise_without_F1", +1, other["noise"], side="beyond")


@pytest.mark.claims("E4")
def test_second_attention(claim: Recorder) -> None:
    """From the last trigger, the second layer looks at c after a trigger, hardly at τ after a trigger."""
    found = experiments.runs(claim, desk())
    on = {name: experiments.last(found, f"on (q,{name})") for name in ("c", "τ")}
    claim.replicated("attention on (q,c)", "on_correct", +1, on["c"])
    claim.replicated("attention on (q,τ)", "on_noise", -1, on["τ"])
    claim.replicated("attention on (q,c) over (q,τ)", "ratio", +1, on["c"] / on["τ"])


@pytest.mark.claims("E5")
def test_first_attention(claim: Recorder) -> None:
    """a_{t,t-1} from near 1/t to the largest at most positions, but not to 1 on average."""
    found = experiments.runs(claim, desk())
    batch = experiments.fresh(desk().law, claim.base_seed)
    claim.replicated("mean a(t,t-1) at the start", "at_start", -1, [run.history[0]["previous"] for run in found])
    claim.replicated("mean a(t,t-1) at the end", "at_end", +1, experiments.last(found, "previous"))
    largest = []
    for run in found:
        with torch.no_grad():
            first, _ = run.model.attention(batch.tokens, last_shown(batch))
        leads = first[:, 1:].argmax(dim=2) == torch.arange(batch.tokens.shape[1] - 1)
        largest.append(float(leads.double().mean()))
    claim.replicated("share of positions that attend most to t-1", "largest", +1, largest)
    at_end = experiments.last(found, "previous")
    claim.replicated("mean a(t,t-1) at the end, from above", "perfect", -1, at_end, side="beyond")
