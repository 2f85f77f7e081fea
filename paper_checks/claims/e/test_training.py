"""E1, E2, E4, E5: the two-layer transformer on noisy in-context recall, at desk scale.

Each check states a number per seed and its side of a threshold; rule and thresholds are in the ledger.
"""

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.measured import attention_looks
from paper_checks.experiments.trainings.replicates import first_look, layers_dropped, measured, over_seeds
from paper_checks.experiments.trainings.settings import desk


@pytest.mark.claims("E1")
@pytest.mark.jobs.with_args(first_look(desk()))
def test_noise_is_learned_first(claim: Assertions) -> None:
    """P(τ) passes α within 10 updates, falls below it again, and from update 30 on is at α up to the noise of SGD;
    recall is rare at 100, high at the end, and comes later by the factor of the rule."""
    statements.noise_first(claim, over_seeds(claim, desk()))


@pytest.mark.claims("E2")
@pytest.mark.jobs.with_args(first_look(desk(), layers_dropped))
def test_dropping_the_last_layer(claim: Assertions) -> None:
    """Without F2 less than half of the noise is left, P(c) is up, recall as before; without F1 the noise stays, and
    P(c) is down."""
    statements.without_last_layer(claim, over_seeds(claim, desk()))


@pytest.mark.claims("E4")
@pytest.mark.jobs.with_args(first_look(desk(), measured(attention_looks)))
def test_second_attention(claim: Assertions) -> None:
    """From the last trigger the second layer looks at c after a trigger; where a τ after a trigger stands in the
    sequence too, it looks there little on average, and in most sequences far less than equal attention would."""
    statements.second_attention(claim, over_seeds(claim, desk()))


@pytest.mark.claims("E5")
@pytest.mark.jobs.with_args(first_look(desk(), measured(attention_looks)))
def test_first_attention(claim: Assertions) -> None:
    """a(t,t-1) from near 1/t to above half on average, the largest at most positions; not to 1, and not at all."""
    statements.first_attention(claim, over_seeds(claim, desk()))
