"""E7, E8, E9: the noise level, the number of triggers, the kind and width of the feed-forward layers, at desk scale."""

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import levels, variants
from paper_checks.experiments.trainings.measured import answers_without_mean
from paper_checks.experiments.trainings.replicates import first_look, layers_dropped, measured, over_seeds
from paper_checks.experiments.trainings.settings import DESK_WIDTH, LEARNED, LEVELS, Setting, desk
from paper_checks.jobs import Job
from simulate import Hidden
from simulate.transformer.model import Activation


def at_a_level(claim: Assertions, alpha: float) -> list[Job]:
    """What E7 asks first at one noise level."""
    return first_look(variants.at_level(alpha))(claim)


def at_all_levels(claim: Assertions) -> list[Job]:
    """What the exponent rests on."""
    return [job for alpha in LEVELS if alpha <= LEARNED for job in at_a_level(claim, alpha)]


@pytest.mark.claims("E7")
@pytest.mark.jobs.with_args(at_a_level)
@pytest.mark.parametrize("alpha", LEVELS)
def test_noise_levels(claim: Assertions, alpha: float) -> None:
    """P(τ) is at α from update 30 on, from both sides and at every level; from 0.3 on it is ahead of P(c) then, at 0.1,
    near 1/(N+1), behind it. Up to 0.7 recall comes when t(α) = C/(1-α)² says."""
    levels.noise_level(claim, over_seeds(claim, variants.at_level(alpha)), alpha)


@pytest.mark.claims("E7")
@pytest.mark.jobs.with_args(at_all_levels)
def test_time_to_recall(claim: Assertions) -> None:
    """The exponent of t(α) in 1/(1-α), from each seed's own times at 0.1, 0.3, 0.5 and 0.7, is near 2, not 1 or 3."""
    levels.time_to_recall(claim, lambda alpha: over_seeds(claim, variants.at_level(alpha)))


def on_triggers(triggers: int) -> Setting:
    """The first trainings of E8; with one trigger E1's, which go on."""
    return desk() if triggers == 1 else variants.with_triggers(triggers)


def of_triggers(claim: Assertions, triggers: int) -> list[Job]:
    """What E8 asks first of one number of triggers."""
    return first_look(on_triggers(triggers))(claim)


@pytest.mark.claims("E8")
@pytest.mark.jobs.with_args(of_triggers)
@pytest.mark.parametrize("triggers", [1, 2, 5])
def test_triggers(claim: Assertions, triggers: int) -> None:
    """Noise first; after 400 updates recall, F2's noise, and attention on the answer of the trigger at hand."""
    over = over_seeds(claim, on_triggers(triggers), later=variants.with_triggers(triggers))
    levels.several_triggers(claim, over, triggers)


def layers(activation: Activation, width: int) -> Setting:
    """The setting of E9 with these feed-forward layers."""
    return variants.with_layers(Hidden(width * DESK_WIDTH, activation))


def of_layers(claim: Assertions, activation: Activation, width: int) -> list[Job]:
    """What E9 asks first of them."""
    besides = [measured(answers_without_mean)] if activation == "linear" else []
    return first_look(layers(activation, width), layers_dropped, *besides)(claim)


@pytest.mark.claims("E9")
@pytest.mark.jobs.with_args(of_layers)
@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("width", [1, 4])
def test_feed_forward_layers(claim: Assertions, activation: Activation, width: int) -> None:
    """Noise first and recall for all; dropping F2 lowers the noise with ReLU, with linear layers much of it stays."""
    over = over_seeds(claim, layers(activation, width))
    levels.feed_forward_layers(claim, over, activation, f"{activation}, width {width}d")
