"""What E1 to E6 say of trained two-layer transformers, once for the checks, the pictures and the paper's own size.

Each function tells `claim` its statements: a name, a threshold of the claim's rule in the ledger, the side of it, and
`over(numbers)`, in which `numbers` makes of trainings one number per seed. Levels and numbers of updates that decide
are in the rule too.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from paper_checks.evidence.ledger import Rule
from paper_checks.evidence.training_design import median_interval
from simulate.runtime.arrays import Floats
from theory.memory.gradient_flow import top_space

from . import recall as experiments
from . import replicates
from .attended_inputs import AttendedMemory
from .changes import Change, Cut, Dropped
from .measured import answers_without_mean, memory_of_inputs
from .replicates import RANKS, Replicate, answer_means, results_of
from .settings import DESK_TASK, DESK_WIDTH

Numbers = Callable[[Sequence[Any]], Any]
Over = Callable[[Numbers], Any]

HALF = DESK_WIDTH // 2
N, ALPHA = DESK_TASK.N, float(DESK_TASK.alpha)


class Claimed(Protocol):
    """Who hears a statement: the assertions of a check, or a picture."""

    @property
    def rule(self) -> Rule:
        """The claim's rule in the ledger."""

    def replicated(self, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
        """See `comparator.replicated`."""


def noise_first(claim: Claimed, over: Over) -> None:
    """P(τ) overshoots α soon, falls below it again, and is at α once it has settled; recall comes later."""
    rule = claim.rule.thresholds
    peak_by, dip_by, since = rule["peak_by"], rule["dip_by"], rule["settled_from"]
    peak = over(lambda found: experiments.largest_early_noise(found, peak_by))
    claim.replicated(f"largest P(τ) up to step {peak_by:g}", "overshoot", +1, peak)
    dip = over(lambda found: experiments.fall_after_peak(found, peak_by, dip_by))
    claim.replicated(f"lowest P(τ) from there to step {dip_by:g}, over it", "dip", -1, dip)
    below = over(lambda found: experiments.step_below(found, ALPHA, peak_by))
    claim.replicated("step at which P(τ) is below α again", "below_by", -1, below)
    settled(claim, over)
    distance = over(lambda found: np.abs(experiments.settled_noise(found, since) - ALPHA).mean(axis=1))
    claim.replicated(f"mean of |P(τ) - α| from step {since:g} on", "distance", -1, distance)
    early = over(lambda found: experiments.at_step(found, "recall", 100))
    claim.replicated("recall at step 100", "recall_at_100", -1, early)
    end = over(lambda found: experiments.last(found, "recall"))
    claim.replicated("recall at the end", "recall_at_end", +1, end)
    recall, noise = rule["recall_reached"], rule["noise_reached"]
    later = over(lambda found: experiments.recall_after_noise(found, recall, noise))
    claim.replicated(f"log of the step of recall {recall:g} over the step of P(τ) {noise:g}", "log_later", +1, later)


def settled(claim: Claimed, over: Over) -> None:
    """P(τ) is at α on average once it has settled."""
    since = claim.rule.thresholds["settled_from"]
    error = over(lambda found: np.abs(experiments.settled_noise(found, since).mean(axis=1) - ALPHA))
    claim.replicated(f"|mean of P(τ) from step {since:g} on, less α|", "level", -1, error)


def without_last_layer(claim: Claimed, over: Over) -> None:
    """Without F2 less than half of the noise is left, recall is as before and c leads; without F1 the noise stays."""
    whole = over(lambda found: np.abs(answer_means(found)["noise"] - ALPHA))
    claim.replicated("|P(τ) - α| of the full model", "noise_with", -1, whole)
    claim.replicated("P(τ) without F2 over P(τ)", "noise_left", -1, over(noise_over_whole(Dropped("F2"))))
    claim.replicated("P(c) without F2 less P(c)", "correct_gain", +1, over(change_of("correct", Dropped("F2"))))
    claim.replicated("|recall without F2 less recall|", "recall_change", -1, over(size_of("recall", Dropped("F2"))))
    leads = over(lambda found: answer_means(found, Dropped("F2"))["leads"])
    claim.replicated("c ahead of all tokens without F2", "leads_without", +1, leads)
    other = Dropped("F1")
    claim.replicated("P(τ) without F1 over P(τ)", "noise_left_F1", +1, over(noise_over_whole(other)), side="beyond")
    claim.replicated(
        "P(c) without F1 less P(c)", "correct_loss_F1", -1, over(change_of("correct", other)), side="beyond"
    )


def input_matrix(claim: Claimed, over: Over) -> None:
    """w1 of F2: the fewer directions are kept the less noise, at half rank it is back, and no top one carries it."""
    curve: dict[str, list[float]] = {}
    trend = over(trend_of("F2.w1", curve))
    claim.replicated("rank correlation of P(τ) with the rank of w1", "input_trend", +1, trend, curve=curve)
    ratio = over(noise_over_whole(Cut("F2.w1", 1)))
    claim.replicated("P(τ) at rank 1 of w1 over P(τ)", "input_rank_1", -1, ratio)
    half = over(lambda found: np.abs(noise_over_whole(Cut("F2.w1", HALF))(found) - 1))
    claim.replicated("|P(τ) at half rank of w1 over P(τ), less 1|", "input_half", -1, half, side="beyond")
    rest = over(noise_over_whole(without_top("F2.w1")))
    claim.replicated("P(τ) without the top direction of w1 over P(τ)", "input_without_top", +1, rest, side="beyond")


def output_matrix(claim: Claimed, over: Over) -> None:
    """w2 of F2: the fewer directions are kept the more noise; its top direction, that of T4.4, carries nearly all."""
    curve: dict[str, list[float]] = {}
    trend = over(trend_of("F2.w2", curve))
    name = "rank correlation of P(τ) with the rank of w2"
    claim.replicated(name, "output_trend", -1, trend, side="beyond", curve=curve)
    low = over(lambda found: answer_means(found, Cut("F2.w2", 1))["noise"])
    claim.replicated("P(τ) at rank 1 of w2", "output_rank_1", +1, low, side="beyond")
    loss = over(change_of("correct", Cut("F2.w2", 1)))
    claim.replicated("P(c) at rank 1 of w2 less P(c)", "output_loss", -1, loss, side="beyond")
    rest = without_top("F2.w2")
    claim.replicated("P(τ) without the top direction of w2 over P(τ)", "output_left", -1, over(noise_over_whole(rest)))
    gain = over(change_of("correct", rest))
    claim.replicated("P(c) without the top direction of w2 less P(c)", "output_gain", +1, gain)
    predicted = top_space(N, DESK_TASK.alpha)
    aligned = over(lambda found: [run.noise_alignment(predicted) for run in found])
    claim.replicated("top direction of w2 along T4.4's top space, |cosine|", "aligned", +1, aligned)


def second_attention(claim: Claimed, over: Over) -> None:
    """On (q,c) most of the attention; where a (q,τ) stands too, less there, and mostly less than equal attention."""
    for name, seen, threshold, expected in (
        ("attention on (q,c)", "on (q,c)", "on_correct", +1),
        ("attention on (q,τ), where one stands", "on (q,τ)", "on_noise", -1),
        ("attention on (q,c) less (q,τ), where both stand", "apart", "apart", +1),
        ("median attention on (q,τ) over equal attention, where one stands", "on (q,τ) of equal", "of_equal", -1),
    ):
        claim.replicated(name, threshold, expected, over(_picked(replicates.looked, seen)))


def first_attention(claim: Claimed, over: Over) -> None:
    """a(t,t-1) from near 1/t to above half, the largest at most positions; not to 1, and at one position hardly."""
    start = over(lambda found: experiments.at_step(found, "previous", 0))
    claim.replicated("mean a(t,t-1) at the start", "at_start", -1, start)
    for name, seen, threshold, expected, side in (
        ("mean a(t,t-1) at the end", "mean", "at_end", +1, "holds"),
        ("share of positions that attend most to t-1", "largest", "largest", +1, "holds"),
        ("mean a(t,t-1) at the end, from above", "mean", "perfect", -1, "beyond"),
        ("smallest mean a(t,t-1) of a position", "least", "least", -1, "beyond"),
    ):
        values = over(_picked(replicates.first_looks, seen))
        claim.replicated(name, threshold, expected, values, side=side)


def rank_of_values(claim: Claimed, over: Over) -> None:
    """Without feed-forward layers: recall and the noise are learned; W_O² W_V² of rank N answers as the whole, of rank
    1 it recalls little."""
    recall = over(lambda found: answer_means(found)["recall"])
    claim.replicated("recall", "recall_at_end", +1, recall)
    settled(claim, over)
    curve: dict[str, list[float]] = {}

    def ratio(found: Sequence[Replicate]) -> Floats:
        curve.update(curve_of("W_OV2", found))
        return np.abs(noise_over_whole(Cut("W_OV2", N))(found) - 1)

    claim.replicated("|P(τ) at rank N over P(τ), less 1|", "noise_rank_N", -1, over(ratio), curve=curve)
    claim.replicated("|recall at rank N less recall|", "recall_rank_N", -1, over(size_of("recall", Cut("W_OV2", N))))
    low = over(lambda found: answer_means(found, Cut("W_OV2", 1))["recall"])
    claim.replicated("recall at rank 1", "recall_rank_1", -1, low)
    claim.replicated("P(c) at rank 1 less P(c)", "loss_rank_1", -1, over(change_of("correct", Cut("W_OV2", 1))))


def place_of_the_noise(claim: Claimed, over: Over) -> None:
    """In the logits of the mean attended inputs the noise is the top direction, as T4.4 says. In the weight the mean
    input, which carries it, is no singular direction and is made longer by less than the top one."""
    for name, seen, threshold, expected, side in (
        ("place of the noise among the directions of the logits", "place", "logits_place", -1, "holds"),
        ("singular value of the noise over the correct outputs', logits", "lead", "logits_lead", +1, "holds"),
        ("gain of the mean input over the largest singular value", "gain", "weight_gain", -1, "beyond"),
        ("largest squared cosine of the mean input with a singular direction", "cosine", "cosine", -1, "beyond"),
    ):
        values = over(_picked(_attended, seen))
        claim.replicated(name, threshold, expected, values, side=side)


def one_direction(claim: Claimed, over: Over) -> None:
    """W_O² W_V² made zero on the mean attended input: most of the noise is gone, recall is as before, P(c) is up."""
    named = "without the mean input's direction"
    ratio = over(lambda found: without_mean(found)["noise"] / answer_means(found)["noise"])
    claim.replicated(f"P(τ) {named} over P(τ)", "one_direction", -1, ratio)
    change = over(lambda found: np.abs(without_mean(found)["recall"] - answer_means(found)["recall"]))
    claim.replicated(f"|recall {named} less recall|", "recall_direction", -1, change)
    gain = over(lambda found: without_mean(found)["correct"] - answer_means(found)["correct"])
    claim.replicated(f"P(c) {named} less P(c)", "correct_gain", +1, gain)


def _picked(look: Callable[[Sequence[Replicate]], dict[str, Any]], seen: str) -> Numbers:
    return lambda found: look(found)[seen]


def _attended(found: Sequence[Replicate]) -> dict[str, Any]:
    memories = results_of(memory_of_inputs, found)
    return {name: [getattr(memory, name) for memory in memories] for name in AttendedMemory._fields}


def without_mean(found: Sequence[Replicate]) -> dict[str, Floats]:
    """What is answered without the mean of inputs on other sequences than those tested."""
    return replicates.over_runs(results_of(answers_without_mean, found))


def noise_over_whole(change: Change) -> Callable[[Sequence[Replicate]], Floats]:
    """P(τ) after a change over P(τ) before it."""
    return lambda found: answer_means(found, change)["noise"] / answer_means(found)["noise"]


def change_of(quantity: str, change: Change) -> Callable[[Sequence[Replicate]], Floats]:
    """A quantity after a change less that before it."""
    return lambda found: answer_means(found, change)[quantity] - answer_means(found)[quantity]


def size_of(quantity: str, change: Change) -> Callable[[Sequence[Replicate]], Floats]:
    """The absolute value of `change_of`."""
    return lambda found: np.abs(change_of(quantity, change)(found))


def without_top(matrix: str) -> Change:
    """The change that removes the top singular direction."""
    return Cut(matrix, DESK_WIDTH - 1, "bottom")


def trend_of(matrix: str, curve: dict[str, list[float]]) -> Callable[[Sequence[Replicate]], Floats]:
    """Kendall's τ between P(τ) and the rank of a matrix, up to half rank, seed by seed; fills the curve."""

    def trend(found: Sequence[Replicate]) -> Floats:
        ranks = [rank for rank in RANKS if rank <= HALF]
        rows = replicates.by_rank(found, matrix, ranks, "noise")
        curve.update(curve_of(matrix, found))
        return np.array([concordance(row) for row in rows])

    return trend


def concordance(row: Floats) -> float:
    """Kendall's τ of numbers with their order: the share of pairs that rise less the share that fall."""
    return float(np.mean([np.sign(row[j] - row[i]) for i in range(len(row)) for j in range(i + 1, len(row))]))


def curve_of(matrix: str, found: Sequence[Replicate]) -> dict[str, list[float]]:
    """By rank kept, and by number of top directions removed ("-1", ...): median over the seeds of P(τ) over P(τ) of the
    full model, and the ends of its interval."""
    whole = answer_means(found)["noise"][:, None]
    kept = replicates.by_rank(found, matrix, RANKS, "noise") / whole
    left = [DESK_WIDTH - rank for rank in RANKS]
    removed = replicates.by_rank(found, matrix, left, "noise", "bottom") / whole
    columns = {str(rank): column for rank, column in zip(RANKS, kept.T, strict=True)}
    columns |= {f"-{rank}": column for rank, column in zip(RANKS, removed.T, strict=True)}
    return {name: [float(np.median(column)), *median_interval(column)[:2]] for name, column in columns.items()}
