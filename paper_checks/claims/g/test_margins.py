"""G2: the feed-forward step ranks the noise first above an exact level, on every law."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general.agreement import ANSWERS
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.experiments.general.levels import NEVER_BACK, changes_at_levels, memoryless_law
from paper_checks.witnesses.general import enumeration
from paper_checks.witnesses.general.small_laws import small_laws
from theory import Law, Task
from theory.general import between_triggers, margins
from theory.one_step.margins import noise_threshold

LAWS = 36
"""Random small laws, three of each kind."""
STATED = {
    "S-u": {0.1: 0.0955, 0.3: 0.2988, 0.5: 0.5000, 0.7: 0.7002},
    "S-s": {0.1: -0.0992, 0.3: 0.1947, 0.5: 0.4248, 0.7: 0.6549},
}
"""Smallest margins, known independently to four decimals."""


def laws_with_margins(base_seed: int) -> list[tuple[str, Law]]:
    """Random small laws whose noise leaves a token out."""
    drawn = small_laws(LAWS, experiment_seed(base_seed, "margins of small laws"))
    return [(kind, law) for kind, law in drawn if (law.noise == 0).any()]


@pytest.mark.claims("G2")
def test_margins_by_enumeration(claim: Assertions) -> None:
    """The margin after every token that can precede the last trigger, as fractions."""
    for number, (kind, law) in enumerate(laws_with_margins(claim.base_seed)):
        found = {j: value for j, value in enumerate(margins.noise_margins(law, exact=True)) if value is not None}
        stated = enumeration.noise_margins(law)
        name = f"law {number} ({kind}), M = {law.M}, T = {law.T}"
        claim.equal(f"tokens before the trigger, {name}", sorted(stated), sorted(found))
        claim.equal(f"margins, {name}", [stated[j] for j in sorted(stated)], [found[j] for j in sorted(found)])


@pytest.mark.claims("G2")
def test_threshold_of_small_laws(claim: Assertions) -> None:
    """The margin changes sign at most once, within the bounds that ρ and ν set."""
    for number, (kind, law) in enumerate(laws_with_margins(claim.base_seed)):
        changes, (low, high) = margins.margin_sign_changes(law), margins.threshold_bounds(law)
        name = f"law {number} ({kind})"
        claim.less(f"changes of sign on (0, 1), {name}", len(changes or []), 2)
        for change in changes or []:
            claim.equal(f"direction, {name}", 1, change.direction)
            claim.greater(f"above the lower bound, {name}", change.high, low, strict=False)
            claim.less(f"below the upper bound, {name}", change.low, high, strict=False)


@pytest.mark.claims("G2")
def test_bounds_are_met(claim: Assertions) -> None:
    """At T = 2 the level is the lower bound, with one answer that is no noise it is both; one noise token."""
    for number, (kind, law) in enumerate(small_laws(12, experiment_seed(claim.base_seed, "one noise token"))):
        token, name = (law.q + 1) % law.M, f"law {number} ({kind})"
        short = replace(law, T=2, noise=np.eye(law.M, dtype=int)[token])
        lead = max(np.delete(law.answers, token).max() - law.answers[token], Fraction(0))
        bracket = margins.margin_sign_changes(short) or []
        claim.equal(f"changes at T = 2, {name}", int(lead > 0), len(bracket))
        claim.equal(f"lower bound at T = 2, {name}", lead / (1 + lead), margins.threshold_bounds(short)[0])
        claim.equal(f"is the level, {name}", True, all(low <= lead / (1 + lead) <= high for low, high, _ in bracket))
        single = replace(law, noise=short.noise, answers=np.eye(law.M, dtype=int)[law.q])
        claim.equal(f"bounds with one answer, {name}", [Fraction(1, 2)] * 2, list(margins.threshold_bounds(single)))
        ends = [end for change in margins.margin_sign_changes(single) or [] for end in change[:2]]
        claim.less(f"half is the level, {name}", [ends[0], -ends[1]], [Fraction(1, 2), -Fraction(1, 2)], strict=False)


@pytest.mark.claims("G2")
def test_threshold_of_the_uniform_task(claim: Assertions) -> None:
    """The uniform task's level is T1.3's, as brackets that meet."""
    for n, length in ((2, 3), (3, 5), (5, 11)):
        (change,) = margins.margin_sign_changes(Law.of_task(Task(n, length, Fraction(1, 3)))) or []
        low, high = noise_threshold(n, length, bits=60)
        claim.less(f"brackets meet, N = {n}, T = {length}", max(low, change.low), min(high, change.high), strict=False)


@pytest.mark.claims("G2")
def test_margin_need_not_grow(claim: Assertions) -> None:
    """A law whose smallest margin falls with α where it is positive, though it changes sign once."""
    least = [margins.smallest_margin(replace(NEVER_BACK, alpha=Fraction(level, 100)), exact=True) for level in (96, 99)]
    claim.less("smallest margin at α = 0.99 against 0.96", least[1], least[0], side="beyond")
    claim.greater("where it is positive", least[1], Fraction(0), side="beyond")
    claim.equal("changes of sign", 1, len(margins.margin_sign_changes(NEVER_BACK) or []))


@pytest.mark.claims("G2")
@pytest.mark.parametrize("name", ANSWERS)
def test_margins_on_shakespeare(claim: Assertions, name: str) -> None:
    """The values known independently; positive from the exact level on, and not below it."""
    for level, stated in STATED[name].items():
        found = margins.smallest_margin(shakespeare_law(level, ANSWERS[name]))
        because = "stated to 4 decimals"
        claim.close(f"smallest margin, {name}, α = {level}", stated, found, 0.5e-4, because, scale=1.0,
                    side="holds" if stated > 0 else "beyond")  # fmt: skip
    low, high = margins.noise_threshold(shakespeare_law(0.5, ANSWERS[name]))
    below, above = (margins.smallest_margin(shakespeare_law(level, ANSWERS[name])) for level in (low, high))
    claim.less(f"smallest margin just below the level, {name}", below, 0, side="beyond")
    claim.greater(f"smallest margin just above the level, {name}", above, 0)
    claim.less(f"the level α_F is told to, {name}", high - low, 1e-9)
    bounds = margins.threshold_bounds(shakespeare_law(0.5, ANSWERS[name]))
    claim.greater(f"α_F above its lower bound, {name}", high, bounds[0])
    claim.less(f"α_F below its upper bound, {name}", high, bounds[1])


@pytest.mark.claims("G2")
@pytest.mark.jobs.with_args(lambda: [changes_at_levels.of()])
@pytest.mark.parametrize("name", ANSWERS)
def test_one_threshold_on_shakespeare(claim: Assertions, name: str) -> None:
    """Of T + 1 = 257 levels an interpolant without error certifies one change of sign in (0, 1)."""
    found = changes_at_levels()[name][0] or []
    claim.equal(f"changes of sign, {name}", [1], [change.direction for change in found])
    low, high = margins.noise_threshold(shakespeare_law(0.5, ANSWERS[name]))
    claim.less(f"the certified bracket holds α_F, {name}", [found[0].low, high], [low, found[0].high])


@pytest.mark.claims("G2")
@pytest.mark.parametrize("name", ANSWERS)
def test_what_sets_the_threshold(claim: Assertions, name: str) -> None:
    """α_F/(1-α_F) is the answer's share times R less the noise's own, exactly; long contexts have their limit."""
    low, high = margins.noise_threshold(shakespeare_law(0.5, ANSWERS[name]))
    law = shakespeare_law((low + high) / 2, ANSWERS[name])
    last = between_triggers.token_laws(law).last
    ratio = (1 + last) / (1 + law.answers @ last)
    tau = int(np.argmax(law.noise))
    others = np.delete(law.answers[:, None] * ratio, tau, axis=0).max(axis=0) - law.answers[tau] * ratio[tau]
    stated = others.max()
    because = "the bracket of α_F and the roundings of the last tokens' laws"
    claim.close(f"odds of α_F against the largest ρ R, {name}", stated, law.alpha / (1 - law.alpha), 1e-6, because)
    claim.equal(f"it is set by sequences that end in two triggers, {name}", law.q, int(np.argmax(others)))
    limit = float(np.nanmin(margins.limiting_noise_margins(law)))
    near, far = (margins.smallest_margin(replace(law, T=length)) for length in (1024, 2048))
    because = "what T = 1024 misses, less than half of which is left at 2048, and roundings"
    tolerance = abs(far - near) + 4 * between_triggers.rounding(replace(law, T=2048))
    claim.close(f"smallest margin at T = 2048 against T → ∞, {name}", limit, far, tolerance, because, scale=1.0)


@pytest.mark.claims("G2")
def test_spread_noise(claim: Assertions) -> None:
    """ν uniform on K tokens, A answers alike: α_F lies between K/(A + K) and 2K/(A + 1 + 2K), near the first."""
    answers = 8
    for count in (1, 2, 4, 8, 16):
        law = memoryless_law(40, 200, answers, count, Fraction(1, 5))
        low, high = margins.noise_threshold(law)
        below, above = (margins.smallest_margin(replace(law, alpha=level)) for level in (low, high))
        claim.less(f"margin just below α_F, K = {count}", below, 0, side="beyond")
        claim.greater(f"margin just above α_F, K = {count}", above, 0)
        least, most = Fraction(count, answers + count), Fraction(2 * count, answers + 1 + 2 * count)
        claim.greater(f"α_F, K = {count}, against K/(A + K)", high, float(least))
        claim.less(f"α_F, K = {count}, against 2K/(A + 1 + 2K)", high, float(most))
        share = float(between_triggers.long_run_shares(replace(law, alpha=high))[:, law.q].max())
        reason = "R - 1 is no more than the trigger's largest share, by which the last tokens differ"
        claim.close(f"odds of α_F, K = {count}, against K/A", count / answers, high / (1 - high), share, reason)
