"""G6: two-layer transformers trained on general laws, and whether G5's attraction to the noise delays recall."""

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general import law_statements as statements
from paper_checks.experiments.general.law_settings import HELD, on_a_side, random_laws
from paper_checks.experiments.general.law_statements import OverPairs, over_pairs
from paper_checks.experiments.general.trained_laws import frequent_trigger, random_recall
from paper_checks.experiments.trainings.replicates import first_look, over_seeds
from paper_checks.jobs import Job
from paper_checks.witnesses.literal_recall import followers, literal_marks
from simulate import LawRecall
from theory import key_query_gradient


@pytest.mark.claims("G6")
@pytest.mark.jobs.with_args(first_look(random_laws()))
def test_trainings_on_random_laws(claim: Assertions) -> None:
    """E1, E2 and E4 where every seed has a chain, answers and noise of its own: the noise first, gone without F2, and
    attention on (q,c)."""
    over = over_seeds(claim, random_laws())
    statements.noise_first(claim, over)
    statements.without_last_layer(claim, over)
    statements.second_attention(claim, over)


OFTEN = 1000
"""Expected times from which on a count is nearly normal: rarer tokens are not compared."""


def one_draw(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of tokens as float64, and the variance of whether one draw is the token."""
    exact = np.asarray(shares, dtype=np.float64)
    return exact, exact * (1 - exact)


@pytest.mark.claims("G6")
@pytest.mark.parametrize("name", ["noise on three tokens", "one noise token"])
def test_the_sequences_are_those_of_the_law(claim: Assertions, name: str) -> None:
    """Marks by plain loops; the first token, c, what follows the trigger and what follows the most frequent other
    token, each by the law's own distribution."""
    law = random_recall(claim.seed("law")) if name.endswith("three tokens") else frequent_trigger(True)
    recall = LawRecall(law)
    few, many = recall.sample(300, seed=1), recall.sample(2**14, seed=claim.seed(f"sequences, {name}"))
    marks = few.repeated, few.shown
    for mark, exact, value in zip(("repeated", "shown"), literal_marks(few, True), marks, strict=True):
        claim.equal(f"positions that are {mark}, {name}", exact, value.numpy())
    drawn = many.everywhere.clone()
    drawn[:, -2] = False  # z_T is replaced
    at, c = many.correct >= 0, many.answers[:, law.q].numpy()
    times = (drawn & at).sum(dim=1).numpy()  # how often the trigger stands in each sequence
    rows = (1 - float(law.alpha)) * np.eye(law.M)[c] + float(law.alpha) * law.noise.astype(float)
    given_c = times @ rows / times.sum(), times @ (rows * (1 - rows)) / times.sum()
    other = int(np.argmax(np.where(np.arange(law.M) == law.q, 0, law.first)))
    counted = {
        "after the trigger": (*given_c, followers(many, drawn & at, law.M)),
        "first token": (*one_draw(law.first), np.bincount(many.tokens[:, 0].numpy(), minlength=law.M)),
        "c": (*one_draw(law.answers), np.bincount(c, minlength=law.M)),
        "after another token": (*one_draw(law.chain[other]), followers(many, drawn & (many.tokens == other), law.M)),
    }
    for what, (exact, variance, counts) in counted.items():
        total = int(counts.sum())
        often = exact * total >= OFTEN
        spread = np.sqrt(variance / total)[often]
        claim.estimate(f"{what}, {name}", exact[often], counts[often] / total, spread, None, samples=total)


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
    statements.no_delay(claim, learned_over_held(True), "learned over held, K[E(τ)] < 0", "delay_negative")
    statements.no_more_delay(claim, learned_over_held)
    statements.no_delay(claim, positive_over_negative(0), "K[E(τ)] > 0 over < 0", "delay_laws")
    statements.no_delay(claim, positive_over_negative(HELD), "K[E(τ)] > 0 over < 0, held", "delay_laws")
