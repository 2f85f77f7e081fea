"""What a ledger claims: sentences, where they hold, and for trainings a rule in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Proof:
    """A test, `file.py::function` from the project's root, and by what it proves: "sympy", "fractions", "balls"; with
    the numbers that the equations proved have in the docstrings of the claim's `theory`."""

    test: Words
    by: Words
    equations: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stated:
    """What is claimed, and what people read of it; all of it is in the record of a run.

    Attributes:
        source: paper and topic.   statement: a sentence.   formal: the same as LaTeX, decidable.   scope: where it is
            said to hold.
        title: at most six words.   paper: what the paper says, in our words.   found: the boundary or constant that
            came out, numbers of the run as placeholders (`evidence.filled`).
        shown: name of the comparison that stands for the claim where there is room for one.
        limits: what its checks do not show.   depends_on: claims on which it rests.
        theory: dotted names of what states it.   proof: what proves it.
    """

    id: str
    group: str
    source: str
    statement: str
    formal: str
    scope: str
    title: str = field(default="", kw_only=True)
    paper: str = field(default="", kw_only=True)
    found: str = field(default="", kw_only=True)
    shown: str = field(default="", kw_only=True)
    limits: str = field(default="", kw_only=True)
    depends_on: tuple[str, ...] = field(default=(), kw_only=True)
    theory: tuple[str, ...] = field(default=(), kw_only=True)
    proof: tuple[Proof, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Claim(Stated):
    """One entry of the ledger; what `Stated` has by default is optional. `not_run` is the reason why no check exists
    yet; a claim with a check has none. `catches` names mutants of the trainings that turn its checks red, as a test
    shows."""

    group: Words
    source: Words
    statement: Words
    formal: Words
    scope: Words
    not_run: Words | None = None
    catches: tuple[Words, ...] = ()
    rule: Rule | None = None
