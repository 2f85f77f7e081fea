"""G4: the sign of copying, token by token, on every law."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general.agreement import ANSWERS
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.experiments.general.levels import changes_at_levels, memoryless_law, ordinary
from paper_checks.witnesses.general import enumeration
from paper_checks.witnesses.general.small_laws import small_laws
from theory import Law, Task, gradient_mean
from theory.general import Change, copying
from theory.one_step.margins import copying_threshold

LAWS = 36
STATED = {
    "S-u": {0.1: 1.00, 0.3: 1.00, 0.5: 0.98, 0.7: 0.81},
    "S-s": {0.1: 1.00, 0.3: 1.00, 0.5: 0.98, 0.7: 0.51},
}
"""Shares of positive copying entries among the 63 tokens other than trigger and noise, to two decimals."""


@pytest.mark.claims("G4")
def test_copying_by_enumeration(claim: Assertions) -> None:
    """The entries of random small laws, as fractions; their changes of sign are where their signs change."""
    for number, (kind, law) in enumerate(small_laws(LAWS, experiment_seed(claim.base_seed, "copying of small laws"))):
        stated = np.diagonal(enumeration.gradient_moments(law, "attention_value")[0])
        entries, name = copying.copying_entries(law, exact=True), f"law {number} ({kind}), M = {law.M}, T = {law.T}"
        claim.equal(f"copying entries, {name}", stated, entries)
        positive = [
            sum(change.direction for change in changes or [] if _is_past(change, law.alpha)) + _at_zero(law)[token]
            for token, changes in enumerate(copying.copying_levels(law))
        ]
        if 0 < law.alpha < 1:
            claim.equal(
                f"signs by counting changes, {name}", [bool(entry > 0) for entry in entries], [*map(bool, positive)]
            )


def _is_past(change: Change, level: Fraction | float) -> bool:
    """Whether the sign after a change is that at a level; at the root itself the entry is not positive."""
    return bool((change.high if change.direction > 0 else change.low) < level)


def _at_zero(law: Law) -> list[int]:
    """Whether each copying entry is positive just above α = 0."""
    return [int(entry > 0) for entry in copying.copying_entries(replace(law, alpha=Fraction(1, 10**9)), exact=True)]


@pytest.mark.claims("G4")
def test_uniform_task_has_one_level(claim: Assertions) -> None:
    """T1.6's level, as brackets that meet."""
    for n, length in ((2, 7), (5, 17)):
        changes = copying.copying_levels(Law.of_task(Task(n, length, Fraction(1, 3))))[n - 1] or []
        claim.equal(f"one change, downwards, N = {n}", [-1], [change.direction for change in changes])
        low, high = copying_threshold(n, length, bits=60)
        claim.less(f"brackets meet, N = {n}", max(low, changes[0].low), min(high, changes[0].high), strict=False)


@pytest.mark.claims("G4")
@pytest.mark.parametrize("name", ANSWERS)
def test_shares_on_shakespeare(claim: Assertions, name: str) -> None:
    """The shares known independently; the entries are the gradient's."""
    for level, stated in STATED[name].items():
        law = shakespeare_law(level, ANSWERS[name])
        entries, tokens = copying.copying_entries(law), ordinary(law)
        share = float((entries[tokens] > 0).mean())
        claim.close(f"share of positive copying entries, {name}, α = {level}", stated, share, 0.005,
                    "stated to 2 decimals", scale=1.0)  # fmt: skip
    gradient = np.diagonal(gradient_mean(law, "attention_value"))
    claim.close(f"entries against the gradient's, {name}", gradient, entries, 1e-11, "roundings of 256 positions",
                scale=float(np.abs(gradient).max()))  # fmt: skip


@pytest.mark.claims("G4")
@pytest.mark.jobs.with_args(lambda: [changes_at_levels.of()])
@pytest.mark.parametrize("name", ANSWERS)
def test_level_of_every_token(claim: Assertions, name: str) -> None:
    """Every token's entry but the noise's changes from + to - at one certified level; both sides; by frequency."""
    law = shakespeare_law(0.5, ANSWERS[name])
    found = [changes or [] for changes in changes_at_levels()[name][1]]
    tokens, tau = ordinary(law), int(np.argmax(law.noise))
    directions = [[change.direction for change in changes] for changes in found]
    claim.equal(
        f"one change, downwards, for every token but the noise, {name}",
        [[-1]] * 64,
        directions[:tau] + directions[tau + 1 :],
    )
    claim.equal(f"the noise's own entry never changes sign, {name}", 0, len(directions[tau]))
    levels = np.array([changes[0].low if changes else np.nan for changes in found])
    widths = np.array([changes[0].high - changes[0].low for changes in found if changes])
    claim.less(f"levels are told to, {name}", widths.max(), 1e-5)
    for which, token in (("lowest", tokens[np.argmin(levels[tokens])]), ("highest", tokens[np.argmax(levels[tokens])])):
        (change,) = found[token]
        below, above = (copying.copying_entries(shakespeare_law(level, ANSWERS[name]))[token] for level in change[:2])
        claim.greater(f"entry below the {which} level, {name}", below, 0)
        claim.less(f"entry above the {which} level, {name}", above, 0, side="beyond")
        claim.greater(f"{which} level α*(k), {name}", levels[token], 0)
    thirds = np.array_split(tokens[np.argsort(law.first[tokens])], 3)
    rare, middle, frequent = (float(np.median(levels[third])) for third in thirds)
    claim.greater(f"median α*(k) of the rarest third of characters, {name}", rare, 0)
    claim.greater(f"median α*(k) of the most frequent third, {name}", frequent, 0)
    if name == "S-u":
        claim.less(
            "equally likely answers: rare ones are copied up to higher levels", [frequent, middle], [middle, rare]
        )
    else:
        claim.less("answers as likely as they are frequent: frequent ones are", [rare, middle], [middle, frequent])


@pytest.mark.claims("G4")
@pytest.mark.jobs.with_args(lambda: [changes_at_levels.of()])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_sets_the_levels(claim: Assertions, name: str) -> None:
    """Lifts have the limits that visits between two triggers give; what they miss falls like 1/T."""
    law = shakespeare_law(0.5, ANSWERS[name], T=1024)
    tokens, limits = ordinary(law), copying.limiting_lifts(law)
    missed = [np.abs(copying.lifts(replace(law, T=length)) / limits - 1)[tokens] for length in (1024, 2048, 4096)]
    because = "half of what half the length misses, and 2 % of it for what falls faster"
    for half, full, length in zip(missed, missed[1:], (2048, 4096), strict=False):
        large = half > 1e-6
        claim.close(f"T (lift/limit - 1) at T = {length}, {name}", half[large], 2 * full[large], 0.02, because)
    levels = np.array([changes[0].low if changes else np.nan for changes in changes_at_levels()[name][1]])
    errors = np.abs(copying.approximate_copying_levels(law) - levels)[tokens]
    spread = float(np.ptp(levels[tokens]))
    claim.less(f"median error of the approximation of α*(k), {name}", float(np.median(errors)), spread / 8)
    claim.less(f"largest error of the approximation of α*(k), {name}", float(errors.max()), spread / 2)


@pytest.mark.claims("G4")
def test_levels_without_memory(claim: Assertions) -> None:
    """On chains without memory the trigger's share over the answer's gives α*(k) to an order of 1/M."""
    for size in (20, 40, 80, 160):
        law = memoryless_law(size, 400, size - 2, 1, Fraction(1, 5))
        ratio = law.chain[0, 0] / law.chain[0, 1]
        (level,) = copying.approximate_copying_levels(law, np.full(size, ratio))[1:2]
        shifted = [
            copying.copying_entries(replace(law, alpha=float(level) + move))[1] for move in (-1 / size, 1 / size)
        ]
        claim.greater(f"entry at 1/M below the approximate level, M = {size}", shifted[0], 0)
        claim.less(f"entry at 1/M above it, M = {size}", shifted[1], 0, side="beyond")
