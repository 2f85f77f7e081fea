"""What the pictures of training show, as numbers, and the side of the ledger's thresholds on which they belong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from paper_checks.experiments.trainings import birth as births
from paper_checks.experiments.trainings import levels, replicates, statements
from paper_checks.experiments.trainings.recall import Observed
from paper_checks.experiments.trainings.replicates import MATRICES, Replicate
from paper_checks.experiments.trainings.settings import DESK_WIDTH, LEVELS, birth, desk, updates
from paper_checks.experiments.trainings.variants import no_feed_forward
from paper_checks.project import rule_of
from simulate.runtime.arrays import Floats
from simulate.runtime.streaming import progress_bar
from simulate.transformer.plan import LossOn
from simulate.truncation import PARTS

LOSSES: tuple[LossOn, ...] = ("every", "recall")
RANKS = (0, *replicates.RANKS, DESK_WIDTH)
"""Numbers of top singular directions that are kept, or removed."""


class Held(NamedTuple):
    """One number per seed, and its side of a threshold in a claim's rule: above (+1) or below (-1)."""

    claim: str
    threshold: str
    side: int
    name: str
    values: Sequence[float] | Floats


def thresholds(claim: str) -> Mapping[str, float]:
    """Those of the claim's rule in the ledger."""
    return rule_of(claim).thresholds


def contradictions(held: Iterable[Held]) -> list[str]:
    """The numbers that most seeds have on the wrong side; one that is not finite is on the wrong side."""
    found = []
    for claim, threshold, side, name, given in held:
        limit, values = thresholds(claim)[threshold], np.asarray(given, dtype=np.float64)
        wrong = int((~(np.isfinite(values) & (side * (values - limit) > 0))).sum())
        if 2 * wrong > len(values):
            where, listed = "above" if side > 0 else "below", ", ".join(f"{value:.3g}" for value in values)
            found.append(f"{claim}: {name}: {listed}; on {wrong} of {len(values)} seeds not {where} {limit:g}")
    return found


class Heard:
    """Takes the place of the assertions of one claim's checks, and keeps the numbers of these trainings."""

    def __init__(self, claim: str, runs: Sequence[Observed]) -> None:
        self.claim, self.rule, self.held, self._runs = claim, rule_of(claim), list[Held](), list(runs)

    def over(self, numbers: statements.Numbers) -> Floats:
        """One number per training."""
        return np.asarray(numbers(self._runs), dtype=np.float64)

    def replicated(self, name: str, threshold: str, expected: int, values: Floats, **details: Any) -> None:
        """Keep them."""
        self.held.append(Held(self.claim, threshold, expected, name, values))


def statements_of(
    claim: str, runs: Sequence[Observed], *tell: Callable[[statements.Claimed, statements.Over], None]
) -> list[Held]:
    """What these functions, such as those of `trainings.statements`, say of these trainings."""
    listener = Heard(claim, runs)
    for one in tell:
        one(listener, listener.over)
    return listener.held


def steps(runs: Sequence[Observed]) -> Floats:
    """The numbers of updates after which these trainings were looked at."""
    return np.array([seen["step"] for seen in runs[0].history])


def curves(runs: Sequence[Observed], name: str) -> Floats:
    """A quantity at `steps`, one row per seed."""
    return np.array([[seen[name] for seen in run.history] for run in runs])


@dataclass(frozen=True, eq=False)
class RecallCurves:
    """Trainings on noisy recall at one noise level with so many triggers, one per seed."""

    alpha: float
    triggers: int
    runs: Sequence[Replicate]

    def held(self) -> list[Held]:
        """What the claims about this noise level and number of triggers say of the trainings; elsewhere nothing."""
        if (self.alpha, self.triggers) == (0.5, 1):
            return [
                *statements_of("E1", self.runs, statements.noise_first),
                *statements_of("E2", self.runs, statements.without_last_layer),
                *statements_of("E4", self.runs, statements.second_attention),
                *statements_of("E5", self.runs, statements.first_attention),
            ]
        if self.triggers == 1 and self.alpha in LEVELS:
            return statements_of("E7", self.runs, partial(levels.noise_level, alpha=self.alpha))
        if self.alpha == 0.5 and self.triggers in (2, 5):
            return statements_of("E8", self.runs, partial(levels.several_triggers, triggers=self.triggers))
        return []


def recall_curves(alpha: float, triggers: int, base_seed: int, count: int) -> RecallCurves:
    """The trainings of the claims E, of as many updates as E7 has at this noise level."""
    setting = desk(alpha, triggers, updates(alpha))
    return RecallCurves(alpha, triggers, replicates.replicates(base_seed, setting, count))


@dataclass(frozen=True, eq=False)
class Truncation:
    """P(τ) and P(c), one row per seed and one column per rank, where one matrix keeps only its top singular directions,
    or all but them."""

    matrix: str
    ranks: tuple[int, ...]
    kept: dict[str, Floats]
    removed: dict[str, Floats]
    runs: Sequence[Replicate]

    def held(self) -> list[Held]:
        """What E3 says of the layer's two matrices, and E6 of W_O² W_V²."""
        claim, said = SAID[self.matrix]
        return statements_of(claim, self.runs, said)


SAID = {
    "F2.w1": ("E3", statements.input_matrix),
    "F2.w2": ("E3", statements.output_matrix),
    "W_OV2": ("E6", statements.rank_of_values),
}


def truncations(base_seed: int, count: int) -> list[Truncation]:
    """Both matrices of F2 in the desk setting, and W_O² W_V² in that without feed-forward layers."""
    found = {name: replicates.replicates(base_seed, setting, count) for name, setting in
             (("F2", desk()), ("W_OV2", no_feed_forward()))}  # fmt: skip
    total = 4 * len(RANKS) * len(MATRICES)
    with progress_bar(total, total, None, "truncated models", long=1) as advance:
        return [_truncation(name, found[name.partition(".")[0]], advance) for name in MATRICES]


def _truncation(matrix: str, runs: list[Replicate], advance: Callable[[int], None]) -> Truncation:
    parts = {}
    ranks = {"top": RANKS, "bottom": [RANKS[-1] - rank for rank in RANKS]}
    for keep in PARTS:
        parts[keep] = {name: replicates.by_rank(runs, matrix, ranks[keep], name, keep) for name in ("noise", "correct")}
        advance(2 * len(RANKS))
    return Truncation(matrix, RANKS, parts["top"], parts["bottom"], runs)


@dataclass(frozen=True, eq=False)
class ProbeCurves:
    """Trainings on recall without noise, one per seed and loss: on every token, or at triggers that stood before."""

    runs: dict[str, Sequence[Observed]]
    """By the loss, one of LOSSES."""

    def held(self) -> list[Held]:
        """What B4 and B5 say of the trainings."""
        found = statements_of("B4", self.runs["every"], births.bigrams_first)
        for loss_on in LOSSES:
            found += statements_of("B5", self.runs[loss_on], partial(births.memories_in_order, loss_on=loss_on))
        return found


def probe_curves(base_seed: int, count: int) -> ProbeCurves:
    """The trainings of B5 for both losses."""
    return ProbeCurves({loss_on: births.births(base_seed, birth("desk", loss_on=loss_on), count) for loss_on in LOSSES})
