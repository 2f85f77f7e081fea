"""B4, B5, B6: training builds the induction head; global bigrams come first, and the data law sets the speed."""

import numpy as np
import pytest

from simulate import Trained

from . import recall_experiments as experiments
from .recall_runs import trained
from .recall_settings import MATRICES, MemorySetting, birth, seeds
from .recorder import Recorder


def runs(claim: Recorder, setting: MemorySetting, device: str) -> list[Trained]:
    """Trainings of one setting, as many as the claim's rule has seeds."""
    return trained([setting.job(seed) for seed in seeds(claim.base_seed, "birth", claim.rule.seeds)], device)


@pytest.mark.claims("B4")
def test_bigrams_before_recall(claim: Recorder, scale: str, device: str) -> None:
    """KL to the chain's rows is small at step 50, when recall is rare; recall comes at least three times later."""
    found = runs(claim, birth(scale), device)
    bigrams, recall = (experiments.at_step(found, name, 50) for name in ("bigrams", "recall"))
    claim.replicated("KL on global bigrams at step 50", "bigrams_at_50", -1, bigrams)
    claim.replicated("recall at step 50", "recall_at_50", -1, recall)
    claim.replicated("recall at the end", "recall_at_end", +1, experiments.last(found, "recall"))
    slower = experiments.recall_after_bigrams(found, claim.rule.thresholds)
    claim.replicated("step of recall over step of bigrams", "slower_by", +1, slower)


@pytest.mark.claims("B5")
@pytest.mark.parametrize("loss_on", ["every", "recall"])
def test_memories_rise_in_order(claim: Recorder, scale: str, device: str, loss_on: str) -> None:
    """Each probe rises; W_O² is at 3/4 before the others; which of the two keys is next depends on the loss."""
    found = runs(claim, birth(scale, loss_on=loss_on), device)
    for matrix in MATRICES:
        highest = [max(run.curve(matrix)) for run in found]
        claim.replicated(f"highest recall of {matrix}, loss on {loss_on}", "risen", +1, highest)
    outputs, match, previous = ([experiments.first_step(run, name, 0.75) for run in found] for name in MATRICES)
    waits = experiments.updates_between(outputs, np.minimum(match, previous))
    claim.replicated(f"updates from W_O² to the next at 3/4, loss on {loss_on}", "first", +1, waits)
    if loss_on == "recall":
        match, previous = ([experiments.first_step(run, name, 0.9) for run in found] for name in MATRICES[1:])
        claim.replicated("W_K² no later than W_K¹ at 0.9", "in_order", +1, experiments.no_later(match, previous))
    else:
        later = experiments.updates_between(previous, match)
        name = "updates from W_K¹ to W_K² at 3/4"
        claim.replicated(name, "reversed", +1, later, needed="reversed_needed", side="beyond")


@pytest.mark.claims("B5")
def test_narrow_memories_do_not_rise(claim: Recorder, scale: str, device: str) -> None:
    """At width 24, below the 40 embeddings of tokens and positions, the weakest memory ends below three quarters."""
    found = runs(claim, birth(scale, width=24), device)
    least = np.min([experiments.last(found, matrix) for matrix in MATRICES], axis=0)
    claim.replicated("least memory recall at width 24", "narrow_least", -1, least, side="beyond")


def recalls(claim: Recorder, setting: MemorySetting, device: str, name: str = "recall") -> np.ndarray:
    """Recall at the end, over the seeds."""
    return experiments.last(runs(claim, setting, device), name)


def lost(claim: Recorder, setting: MemorySetting, device: str) -> np.ndarray:
    """Recall on the law trained on, less recall on the other one."""
    difference: np.ndarray = recalls(claim, setting, device) - recalls(claim, setting, device, "ood")
    return difference


def against(claim: Recorder, name: str, better: np.ndarray, worse: np.ndarray) -> None:
    """Recall differs by more than the rule's gap on the stated number of seeds."""
    claim.replicated(name, "gap", +1, better - worse)


@pytest.mark.claims("B6")
def test_trigger_frequency_and_number(claim: Recorder, scale: str, device: str) -> None:
    """In the same number of updates frequent triggers recall more than rare ones, three random ones more than one."""
    rare = (13, 14, 15) if scale == "desk" else (20, 21, 22)  # the rarest characters hardly occur
    frequent, seldom = (recalls(claim, birth(scale, triggers=places), device) for places in ((0, 1, 2), rare))
    against(claim, "frequent triggers against rare ones", frequent, seldom)
    three, one = (recalls(claim, birth(scale, triggers=count), device) for count in (3, 1))
    against(claim, "three random triggers against one", three, one)


@pytest.mark.claims("B6")
def test_fixed_against_random_triggers(claim: Recorder, scale: str, device: str) -> None:
    """Fixed frequent triggers recall more on their own law than random triggers do, and lose on random ones."""
    fixed, random = birth(scale, triggers=(0, 1, 2)), birth(scale)
    against(claim, "own law", recalls(claim, fixed, device), recalls(claim, random, device))
    claim.replicated("lost out of distribution, fixed triggers", "lost", +1, lost(claim, fixed, device), side="beyond")


@pytest.mark.claims("B6")
def test_uniform_against_bigram_outputs(claim: Recorder, scale: str, device: str) -> None:
    """Trained on bigram outputs the model does not recall uniform ones; trained on uniform ones it recalls both."""
    bigrams = lost(claim, birth(scale, outputs="chain"), device)
    claim.replicated("lost out of distribution, bigram outputs", "lost", +1, bigrams, side="beyond")
    uniform = lost(claim, birth(scale), device)
    claim.replicated("lost on bigram outputs, uniform ones", "kept", -1, uniform)
