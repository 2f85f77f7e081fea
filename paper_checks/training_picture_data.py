"""What the pictures of training show, as numbers, and the side of the ledger's thresholds on which they belong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate import RecallBatch, Trained
from simulate.streaming import progress_bar

from . import recall_experiments as experiments
from .ledger import rule_of
from .recall_experiments import largest_early_noise, no_feed_forward, no_later
from .recall_runs import trained
from .recall_settings import DESK_TASK, LEARNED, LEVELS, birth, desk, seeds, updates
from .recall_settings import MATRICES as PROBES

Floats = NDArray[np.float64]

LOSSES = ("every", "recall")
MATRICES = ("F2.w1", "F2.w2", "W_OV2")
RANKS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 36, 48)
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


def steps(runs: Sequence[Trained]) -> Floats:
    """The numbers of updates after which these trainings were looked at."""
    return np.array(runs[0].curve("step"))


def curves(runs: Sequence[Trained], name: str) -> Floats:
    """A quantity at `steps`, one row per seed."""
    return np.array([run.curve(name) for run in runs])


@dataclass(frozen=True, eq=False)
class RecallCurves:
    """Trainings on noisy recall at one noise level with so many triggers, one per seed."""

    alpha: float
    triggers: int
    runs: Sequence[Trained]

    def held(self) -> list[Held]:
        """What the claims about this noise level and number of triggers say of the curves; elsewhere nothing."""
        if (self.alpha, self.triggers) == (0.5, 1):
            return [*self._noise_first(), *self._without_last_layer(), *self._attention()]
        if self.triggers == 1:
            return self._at_level()
        return self._with_triggers() if self.alpha == 0.5 and self.triggers in (2, 5) else []

    def _last(self, name: str) -> Floats:
        return experiments.last(self.runs, name)

    def _noise_first(self) -> list[Held]:
        runs = self.runs
        stays, slower = experiments.settled_noise(runs), experiments.recall_after_noise(runs)
        return [
            Held("E1", "noise_by_10", +1, "largest P(τ) up to step 10", largest_early_noise(list(runs))),
            Held("E1", "noise_from_20_to_100", +1, "mean P(τ) from step 20 to 100", stays),
            Held("E1", "recall_at_50", -1, "recall at step 50", experiments.at_step(runs, "recall", 50)),
            Held("E1", "recall_at_end", +1, "recall at the end", self._last("recall")),
            Held("E1", "slower_by", +1, "step of recall 0.8 over step of P(τ) 0.4", slower),
        ]

    def _without_last_layer(self) -> list[Held]:
        gain = self._last("correct without F2") - self._last("correct")
        return [
            Held("E2", "noise_with", +1, "P(τ) of the full model", self._last("noise")),
            Held("E2", "noise_without", -1, "P(τ) without F2", self._last("noise without F2")),
            Held("E2", "correct_gain", +1, "P(c) without F2 less P(c)", gain),
        ]

    def _attention(self) -> list[Held]:
        on_correct, on_noise, previous = (self._last(name) for name in ("on (q,c)", "on (q,τ)", "previous"))
        return [
            Held("E4", "on_correct", +1, "attention on (q,c)", on_correct),
            Held("E4", "on_noise", -1, "attention on (q,τ)", on_noise),
            Held("E4", "ratio", +1, "attention on (q,c) over (q,τ)", on_correct / on_noise),
            Held("E5", "at_start", -1, "mean a(t,t-1) at the start", curves(self.runs, "previous")[:, 0]),
            Held("E5", "at_end", +1, "mean a(t,t-1) at the end", previous),
            Held("E5", "perfect", -1, "mean a(t,t-1) at the end, from above", previous),
        ]

    def _at_level(self) -> list[Held]:
        if self.alpha not in LEVELS:
            return []
        alpha, early = self.alpha, largest_early_noise(list(self.runs))
        found = [Held("E7", "noise_by_10", +1, f"largest P(τ) up to step 10 over α = {alpha:g}", early / alpha)]
        if alpha < 0.15:  # too near to 1/(N+1) for the noise to be first
            ahead = [experiments.at_step(self.runs, name, 140) for name in ("correct", "noise")]
            found = [Held("E7", "correct_ahead", +1, "P(c) less P(τ) at step 140", ahead[0] - ahead[1])]
        if alpha <= LEARNED:
            less = self._last("noise without F2") / alpha
            found.append(Held("E7", "recall_at_end", +1, "recall at the end", self._last("recall")))
            found.append(Held("E7", "noise_without_F2", -1, f"P(τ) without F2 over α = {alpha:g}", less))
        elif alpha >= 0.8:
            found.append(Held("E7", "not_learned", -1, "recall at the end", self._last("recall")))
        return found

    def _with_triggers(self) -> list[Held]:
        return [
            Held("E8", "noise_by_10", +1, "largest P(τ) up to step 10", largest_early_noise(list(self.runs))),
            Held("E8", "recall_at_end", +1, "recall at the end", self._last("recall")),
            Held("E8", "noise_without_F2", -1, "P(τ) without F2", self._last("noise without F2")),
            Held("E8", "on_correct", +1, "attention on (q,c)", self._last("on (q,c)")),
            Held("E8", "on_noise", -1, "attention on (q,τ)", self._last("on (q,τ)")),
        ]


def recall_curves(alpha: float, triggers: int, base_seed: int, count: int) -> RecallCurves:
    """The trainings of the claims E, of as many updates as E7 has at this noise level."""
    setting = desk(alpha, triggers, updates(alpha))
    return RecallCurves(alpha, triggers, trained([setting.job(seed) for seed in seeds(base_seed, "two-layer", count)]))


@dataclass(frozen=True, eq=False)
class Truncation:
    """P(τ) and P(c), one row per seed and one column per rank, where one matrix keeps only its top singular directions,
    or all but them."""

    matrix: str
    ranks: tuple[int, ...]
    kept: dict[str, Floats]
    removed: dict[str, Floats]

    def held(self) -> list[Held]:
        """What E3 says of the layer's two matrices, and E6 of W_O² W_V²."""
        whole, place = self.removed["noise"][:, 0], self.ranks.index
        noise = {rank: self.kept["noise"][:, place(rank)] for rank in self.ranks}
        less, correct = (self.removed[name][:, place(1)] for name in ("noise", "correct"))
        if self.matrix == "F2.w1":
            return [
                Held("E3", "input_rank_1", -1, "P(τ) at rank 1 of w1 over P(τ)", noise[1] / whole),
                Held("E3", "input_rank_4", -1, "P(τ) at rank 4 of w1 over P(τ)", noise[4] / whole),
                Held("E3", "input_without_top", +1, "P(τ) without the top direction of w1 over P(τ)", less / whole),
            ]
        if self.matrix == "F2.w2":
            return [
                Held("E3", "output_rank_1", +1, "P(τ) at rank 1 of w2 over P(τ)", noise[1] / whole),
                Held("E3", "output_without_top", -1, "P(τ) without the top direction of w2", less),
                Held("E3", "correct_without_top", +1, "P(c) without the top direction of w2", correct),
            ]
        N = DESK_TASK.N
        return [
            Held("E6", "noise_full", +1, "P(τ) without feed-forward layers", whole),
            Held("E6", "noise_low_rank", -1, "P(τ) at rank 2N/3 over P(τ)", noise[2 * N // 3] / whole),
            Held("E6", "noise_rank_N", +1, "P(τ) at rank N over P(τ)", noise[N] / whole),
            Held("E6", "noise_without_top", +1, "P(τ) without the top direction over P(τ)", less / whole),
        ]


def truncations(base_seed: int, count: int) -> list[Truncation]:
    """Both matrices of F2 in the desk setting, and W_O² W_V² in that without feed-forward layers."""
    given = seeds(base_seed, "two-layer", count)
    found = trained([setting.job(seed) for setting in (desk(), no_feed_forward()) for seed in given])
    batch = experiments.fresh(desk().law, base_seed)
    runs = {name: found[count:] if name == "W_OV2" else found[:count] for name in MATRICES}
    total = 2 * len(RANKS) * len(MATRICES)
    with progress_bar(total, total, None, "truncated models", long=1) as advance:
        return [_truncation(name, runs[name], batch, advance) for name in MATRICES]


def _truncation(matrix: str, runs: list[Trained], batch: RecallBatch, advance: Callable[[int], None]) -> Truncation:
    parts: dict[str, dict[str, list[Floats]]] = {keep: {"noise": [], "correct": []} for keep in ("top", "bottom")}
    for rank in RANKS:
        for keep, columns in parts.items():
            size = rank if keep == "top" else RANKS[-1] - rank
            seen = experiments.measured(runs, batch, experiments.cut(matrix, size, keep))
            for name, column in columns.items():
                column.append(seen[name])
            advance(1)
    kept, removed = ({name: np.stack(found, axis=1) for name, found in parts[keep].items()} for keep in parts)
    return Truncation(matrix, RANKS, kept, removed)


@dataclass(frozen=True, eq=False)
class ProbeCurves:
    """Trainings on recall without noise, one per seed and loss: on every token, or at triggers that stood before."""

    runs: dict[str, Sequence[Trained]]
    """By the loss, one of LOSSES."""

    def held(self) -> list[Held]:
        """What B4 and B5 say of the curves."""
        return self._bigrams_first() + [found for loss_on in LOSSES for found in self._in_order(loss_on)]

    def _bigrams_first(self) -> list[Held]:
        runs = self.runs["every"]
        slower = experiments.recall_after_bigrams(runs, thresholds("B4"))
        bigrams, recall = (experiments.at_step(runs, name, 50) for name in ("bigrams", "recall"))
        return [
            Held("B4", "bigrams_at_50", -1, "KL on global bigrams at step 50", bigrams),
            Held("B4", "recall_at_50", -1, "recall at step 50", recall),
            Held("B4", "recall_at_end", +1, "recall at the end", experiments.last(runs, "recall")),
            Held("B4", "slower_by", +1, "step of recall over step of bigrams", slower),
        ]

    def _in_order(self, loss_on: str) -> list[Held]:
        where, runs = f"loss on {loss_on}", self.runs[loss_on]
        found = [
            Held("B5", "risen", +1, f"highest recall of {name}, {where}", [max(run.curve(name)) for run in runs])
            for name in PROBES
        ]
        outputs, match, previous = (_reached(runs, name, 0.75) for name in PROBES)
        waits = experiments.updates_between(outputs, np.minimum(match, previous))
        found.append(Held("B5", "first", +1, f"updates from W_O² to the next at 3/4, {where}", waits))
        if loss_on == "every":  # in which order the other two rise depends on the seed
            return found
        later = no_later(*(_reached(runs, name, 0.9) for name in PROBES[1:]))
        return [*found, Held("B5", "in_order", +1, "W_K² no later than W_K¹ at 0.9 (1, else -1)", later)]


def _reached(runs: Sequence[Trained], name: str, least: float) -> list[float]:
    return [experiments.first_step(run, name, least) for run in runs]


def probe_curves(base_seed: int, count: int) -> ProbeCurves:
    """The trainings of B5 for both losses."""
    given = seeds(base_seed, "birth", count)
    found = trained([birth("desk", loss_on=loss_on).job(seed) for loss_on in LOSSES for seed in given])
    return ProbeCurves({"every": found[:count], "recall": found[count:]})
