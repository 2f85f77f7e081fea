"""Statements about trainings of which there are too few for a verdict: what was observed, and no more.

By the rule of seeds (`evidence.training_design`) one to four trainings decide nothing: as many come out alike by chance
with a probability above `miss`. What they showed is an observation. It is never called verified, since its check calls
`Assertions.recorded`. But it can contradict, and then fails: what is said of all trainings is wrong if it is of one.
"""

from typing import Any

import numpy as np

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Evidence, Side
from paper_checks.evidence.training_design import beyond, on_the_wrong_side

NUMBERS = {1: "ONE training", 2: "two trainings", 3: "three trainings", 4: "four trainings"}
"""What a sentence calls so few trainings."""


class FewTrainings:
    """Hears the statements of a check in place of its assertions, and records each as an observation."""

    def __init__(self, claim: Assertions) -> None:
        self.claim = claim

    def replicated(
        self, name: str, threshold: str, expected: int, values: Any, side: Side = "holds", **details: Any
    ) -> None:
        """As `Assertions.replicated`; the values are those of all trainings that there are."""
        limit = self.claim.rule.thresholds[threshold]
        self.claim.record(observed(name, limit, expected, values, side, **details))


def observed(name: str, threshold: float, expected: int, values: Any, side: Side = "holds", **details: Any) -> Evidence:
    """That the numbers of all trainings that there are lie above (+1) or below (-1) the threshold.

    Raises:
        ValueError: no training, or so many that they decide: those are for `comparator.replicated`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape not in {(count,) for count in NUMBERS}:
        raise ValueError(f"{name}: values must be of 1 to {max(NUMBERS)} trainings, got shape {numbers.shape}")
    right = beyond(numbers, threshold, expected)
    where = f"{'above' if expected > 0 else 'below'} {threshold:.4g}"
    few = NUMBERS[numbers.size]
    message = f"observed in {few}, which decide{'s' * (numbers.size == 1)} nothing about others: {right} {where}; "
    message += ", ".join(f"{number:.4g}" for number in numbers)
    middle = float(np.median(on_the_wrong_side(numbers, expected)))
    known = {"values": [float(number) if np.isfinite(number) else None for number in numbers]}
    return Evidence(
        name, "observed", side, right == numbers.size, message, threshold, middle if np.isfinite(middle) else None,
        numbers=numbers.size, details=known | details,
    )  # fmt: skip
