"""G6: two-layer transformers trained on general laws, and whether G5's attraction to the noise delays recall."""

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general import law_statements as statements
from paper_checks.experiments.general.law_observer import law_tested
from paper_checks.experiments.general.law_settings import HELD, on_a_side, random_laws
from paper_checks.experiments.general.law_statements import OverPairs, over_pairs
from paper_checks.experiments.general.trained_laws import frequent_trigger
from paper_checks.experiments.trainings.replicates import first_look, measured, over_seeds
from paper_checks.jobs import Job
from theory import key_query_gradient


@pytest.mark.claims("G6")
@pytest.mark.jobs.with_args(first_look(random_laws(), measured(law_tested)))
def test_trainings_on_random_laws(claim: Assertions) -> None:
    """E1, E2 and E4 where every seed has a chain, answers and noise of its own: the noise first, gone without F2, and
    attention on (q,c)."""
    over = over_seeds(claim, random_laws())
    statements.noise_first(claim, over)
    statements.without_last_layer(claim, over)
    statements.second_attention(claim, over)


def on_both_sides(claim: Assertions) -> list[Job]:
    """What is asked first of the laws on both sides of G5's criterion."""
    settings = [on_a_side(heavy, updates) for heavy in (False, True) for updates in (0, HELD)]
    return [job for setting in settings for job in first_look(setting)(claim)]


@pytest.mark.claims("G6")
def test_the_laws_are_on_both_sides_of_the_criterion(claim: Assertions) -> None:
    """At uniform p K[E(τ)] is positive on the one and negative on the other; at absorbed p it is negative on both."""
    for heavy, which in ((False, "trigger most frequent"), (True, "another token more frequent")):
        law = frequent_trigger(heavy)
        tau = law.M - 1
        uniform, absorbed = key_query_gradient(law)[tau], key_query_gradient(law, output=law.output)[tau]
        compare = claim.less if heavy else claim.greater
        compare(f"K[E(τ)] at uniform p, {which}", uniform, 0.0)
        claim.less(f"K[E(τ)] at absorbed p, {which}", absorbed, 0.0)


@pytest.mark.claims("G6")
@pytest.mark.jobs.with_args(on_both_sides)
def test_the_attraction_delays_nothing(claim: Assertions) -> None:
    """Where K[E(τ)] > 0 attention on (q,τ) is not much higher than where it is < 0, and recall not much later than
    where W_K² learns nothing until the noise is absorbed; what differs between the laws differs then too."""
    sides = {(heavy, updates): on_a_side(heavy, updates) for heavy in (False, True) for updates in (0, HELD)}

    def learned_over_held(heavy: bool) -> OverPairs:
        return over_pairs(claim, sides[heavy, 0], sides[heavy, HELD])

    def positive_over_negative(updates: int) -> OverPairs:
        return over_pairs(claim, sides[False, updates], sides[True, updates])

    statements.no_attraction(claim, over_seeds(claim, sides[False, 0]), positive_over_negative(0))
    statements.no_delay(claim, learned_over_held(False), "learned over held, K[E(τ)] > 0", "delay")
    statements.no_delay(claim, learned_over_held(True), "learned over held, K[E(τ)] < 0", "delay")
    statements.no_more_delay(claim, learned_over_held)
    statements.no_delay(claim, positive_over_negative(0), "K[E(τ)] > 0 over < 0", "delay_laws")
    statements.no_delay(claim, positive_over_negative(HELD), "K[E(τ)] > 0 over < 0, held", "delay_laws")
