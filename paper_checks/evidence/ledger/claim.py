"""What a ledger claims: sentences, where they hold, and for trainings a rule in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from paper_checks.evidence.training_design import TRAINING, Boundaries
from paper_checks.evidence.validation import Number, Words


@dataclass(frozen=True)
class Rule:
    """What a claim about training says in numbers: thresholds by name, decided before the run.

    How many seeds are trained, and how many of them may be on the wrong side, is the design's (`training_design`), for
    at least `seeds` seeds. The shares of seeds that it tells apart are the design's too, unless the rule has thresholds
    `<name>_absent` and `<name>_stated`; of a fixed number of trainings `<name>_absent` alone.
    """

    thresholds: Mapping[str, Number]
    seeds: Annotated[int, Ge(TRAINING.looks[0])] = TRAINING.looks[0]

    def boundaries(self, threshold: str) -> Boundaries:
        """When to look at the seeds of a statement, and how many may be on the wrong side then."""
        absent, stated = (self.thresholds.get(f"{threshold}_{share}") for share in ("absent", "stated"))
        if absent is None or stated is None:
            return TRAINING.boundaries(least=self.seeds)
        return TRAINING.boundaries(absent, stated, self.seeds)

    def of_all(self, threshold: str, count: int) -> Boundaries:
        """The same of a statement about all `count` trainings that there are."""
        return TRAINING.of_all(count, self.thresholds.get(f"{threshold}_absent", 0.5))


@dataclass(frozen=True)
class Stated:
    """What is claimed: a sentence, the same as LaTeX, and where it is said to hold."""

    id: str
    group: str
    source: str
    statement: str
    formal: str
    scope: str


@dataclass(frozen=True)
class Claim(Stated):
    """One entry of the ledger. `not_run` is the reason why no check exists yet; a claim with a check has none.
    `catches` names mutants of the trainings that turn its checks red, as a test shows."""

    group: Words
    source: Words
    statement: Words
    formal: Words
    scope: Words
    not_run: Words | None = None
    catches: tuple[Words, ...] = ()
    rule: Rule | None = None
