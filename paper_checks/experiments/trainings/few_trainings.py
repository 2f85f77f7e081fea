"""Statements about trainings of which there are too few for a verdict: what was observed, and no more.

By the rule of seeds (`evidence.training_design`) one to four trainings decide nothing. That each lies beyond a
threshold comes about by chance with a probability above `miss`; that one does not, with one of a tenth or more although
nine tenths of all seeds do. So an observation neither stands nor fails: its evidence says on which side each training
lies, as evidence for the claim or for what is beyond it. It is never called verified: its check calls
`Assertions.recorded`, with `summary`.
"""

import math
from typing import Any

import numpy as np

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import BEYOND, Evidence
from paper_checks.evidence.ledger import Rule
from paper_checks.evidence.training_design import beyond, on_the_wrong_side

NUMBERS = {1: "ONE training", 2: "two trainings", 3: "three trainings", 4: "four trainings"}
"""What a sentence calls so few trainings."""


class FewTrainings:
    """Hears the statements of a check in place of its assertions, and records each as an observation."""

    def __init__(self, claim: Assertions) -> None:
        self.claim, self.heard = claim, list[Evidence]()

    @property
    def rule(self) -> Rule:
        """The claim's rule in the ledger."""
        return self.claim.rule

    def replicated(self, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
        """As `Assertions.replicated`; the values are those of all trainings that there are."""
        found = observed(name, self.rule.thresholds[threshold], expected, values, **details)
        self.heard.append(found)
        self.claim.record(found)

    @property
    def summary(self) -> str:
        """How many statements were observed in how few trainings, and which were not."""
        missed = [one for one in self.heard if not one.details["observed"]]
        words = f"{NUMBERS[self.heard[0].numbers]}, which by the rule of seeds decide"
        words += f"{'s' if self.heard[0].numbers == 1 else ''} nothing: "
        words += f"{len(self.heard) - len(missed)} of {len(self.heard)} statements observed"
        return words + "".join(f"; not {one.name}: {one.details['shown']}" for one in missed)


def observed(name: str, threshold: float, expected: int, values: Any, **details: Any) -> Evidence:
    """On which side of the threshold, above (+1) or below (-1), the numbers of all trainings lie that there are.

    Fails if one is not a number. `details` may have a side: that is of where the statement is observed.

    Raises:
        ValueError: no training, or so many that they decide: those are for `comparator.replicated`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape not in {(count,) for count in NUMBERS}:
        raise ValueError(f"{name}: values must be of 1 to {max(NUMBERS)} trainings, got shape {numbers.shape}")
    right, is_known = beyond(numbers, threshold, expected) == numbers.size, not np.isnan(numbers).any()
    shown = ", ".join(f"{number:.4g}" for number in numbers)
    shown += f", {'' if right else 'not '}{'above' if expected > 0 else 'below'} {threshold:.4g}"
    message = f"{'observed' if right else 'NOT observed'} in {NUMBERS[numbers.size]}: {shown}"
    middle = float(np.median(on_the_wrong_side(numbers, expected)))
    stated = details.pop("side", "holds")
    known = {"values": [float(one) if math.isfinite(one) else None for one in numbers], "shown": shown}
    return Evidence(
        name, "observed", stated if right else "beyond", is_known, message, threshold,
        middle if math.isfinite(middle) else None, numbers=numbers.size, details=known | {"observed": right} | details,
        relation=BEYOND[expected],
    )  # fmt: skip
