"""E7, E8, E9: the noise level, the number of triggers, the kind and width of the feed-forward layers, at desk scale."""

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import levels
from paper_checks.experiments.trainings.recall import over_seeds
from paper_checks.experiments.trainings.settings import DESK_WIDTH, LEVELS
from simulate import Hidden
from simulate.transformer.model import Activation


@pytest.mark.claims("E7")
@pytest.mark.parametrize("alpha", LEVELS)
def test_noise_levels(claim: Assertions, alpha: float) -> None:
    """P(τ) is at α from update 30 on, from both sides and at every level; from 0.3 on it is ahead of P(c) then, at 0.1,
    near 1/(N+1), behind it. Up to 0.7 recall comes when t(α) = C/(1-α)² says."""
    levels.noise_level(claim, over_seeds(claim, levels.at_level(alpha)), alpha)


@pytest.mark.claims("E7")
def test_time_to_recall(claim: Assertions) -> None:
    """The exponent of t(α) in 1/(1-α), from each seed's own times at 0.1, 0.3, 0.5 and 0.7, is near 2, not 1 or 3."""
    levels.time_to_recall(claim, lambda alpha: over_seeds(claim, levels.at_level(alpha)))


@pytest.mark.claims("E8")
@pytest.mark.parametrize("triggers", [1, 2, 5])
def test_triggers(claim: Assertions, triggers: int) -> None:
    """Noise first; after 400 updates recall, F2's noise, and attention on the answer of the trigger at hand."""
    levels.several_triggers(claim, over_seeds(claim, levels.with_triggers(triggers)), triggers)


@pytest.mark.claims("E9")
@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("width", [1, 4])
def test_feed_forward_layers(claim: Assertions, activation: Activation, width: int) -> None:
    """Noise first and recall for all; dropping F2 turns the noise off for ReLU, and for linear layers does not."""
    over = over_seeds(claim, levels.with_layers(Hidden(width * DESK_WIDTH, activation)))
    levels.feed_forward_layers(claim, over, activation, f"{activation}, width {width}d")
