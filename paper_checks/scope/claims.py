"""Which claims have a map over noise level and size, what their cells show, and the maps themselves.

A cell shows the sign that the claim's formal statement or scope asks for, nothing else; a statement of order (Θ) alone,
an identity, or one without a noise level has no map. `MAPPED` has one entry per claim.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from theory.scalars import as_count, as_probability
from theory.task import RealNumber

from . import mixtures as general
from . import quantities as of
from . import thresholds as exact
from .grid import MEMORIES, MIXTURES, SEQUENCES, Extent, Fixed, levels_between
from .maps import Mapped, ScopeMap, Statement, fill

if TYPE_CHECKING:
    from paper_checks.experiments.general.laws import Answers

COPYING = "copying entries positive", "copying entries not positive"
EARLY = Fraction(1, 200), Fraction(1, 5)
"""The noise levels between which those of G2 lie."""


def _first(answers: "Answers", said: str) -> Statement:
    """G2 with these answers."""
    return Statement(
        f"the noise comes first on every sequence after one feed-forward step, {said}",
        "noise first on every sequence", "not on some sequence", "least margin over all sequences",
        partial(general.margin, answers), partial(general.noise_first, answers), partial(general.proved_first, answers),
        {"T = 2, lead of the likeliest answer": partial(general.lead, answers)}, route="by bisection",
    )  # fmt: skip


def _looks(look: general.Look, said: str, holds: str, fails: str, measure: str) -> Statement:
    """G5 for one feature."""
    return Statement(
        f"the first key-query step looks at {said}, at uniform output probabilities", holds, fails, measure,
        partial(general.attraction, look), stated=partial(general.proved_attraction, look),
        crossings=partial(general.changes, look), predictions={"the criterion": partial(general.predicted, look)},
    )  # fmt: skip


MAPPED: dict[str, Mapped] = {
    "T1.3": Mapped(SEQUENCES, {"margin": Statement(
        "one feed-forward step ranks the noise first on every sequence",
        "noise first on every sequence", "not on some sequence",
        "least margin over all sequences", of.least_margin, exact.noise_first,
        estimates={"1/(N+1)": lambda N, T: 1 / (N + 1), "√2/N": lambda N, T: 2**0.5 / N})}),
    "T1.4": Mapped(SEQUENCES, {"bound": Statement(
        "the attention margin stays within its bound",
        "within the bound", "beyond the bound",
        "1 - (bound from the exact entries)/(stated bound)", of.room_in_bound, stated=of.attained_within_bound)}),
    "T1.5": Mapped(SEQUENCES, {"factor": Statement(
        "the least feed-forward margin exceeds every attention margin",
        "factor above 1", "factor at most 1",
        "least feed-forward margin over a bound on the attention margin, less 1", of.factor_above_one,
        exact.noise_first_needed,
        undecided="between the bounds")}),
    "T1.6": Mapped(SEQUENCES, {
        "copying": Statement(
            "the copying entry of G_V is positive", *COPYING,
            "G_V[k,E(k)]", partial(of.entry, "k", "E(k)"), exact.copying,
            estimates={"(3-√5)/2": lambda N, T: (3 - 5**0.5) / 2}),
        "contrast": Statement(
            "copying exceeds the other rows", "contrast positive", "no contrast",
            "G_V[k,E(k)] - G_V[k,E(j)]", of.copying_contrast,
            stated=of.where_in_context)}),
    "T2.5": Mapped(SEQUENCES, {"samples": Statement(
        f"{of.SAMPLES} samples give the feed-forward noise margin its sign, probability {float(of.CONFIDENCE)}",
        f"{of.SAMPLES} samples guaranteed enough", "not guaranteed",
        f"guaranteed probability less {float(of.CONFIDENCE)}", of.guarantee, exact.noise_first_needed,
        of.enough_at_one_half)}),
    "T3.2": Mapped(SEQUENCES, {
        "attends": Statement(
            "K[P(q)] > 0 with the noise absorbed (π = α)", "attends followers of q", "looks away", "K[P(q)]",
            partial(of.contrast, "attends", 1, True), exact.absorbed,
            estimates={"1/N³ - 1/T": lambda N, T: N**-3 - 1 / T}),
        "ranking": Statement(
            "all that follow the trigger rank first (π = α)", "followers rank first", "some follower outranked",
            "least gap of K between followers and the rest",
            of.ranking, exact.ranking, of.proved_ranking, {"1/(4N²) - 1/T": lambda N, T: 1 / (4 * N**2) - 1 / T})},
        least=4),
    "T3.3": Mapped(SEQUENCES, {"attends": Statement(
        "K[P(q)] > 0 at uniform output probabilities", "attends followers of q", "looks away", "K[P(q)]",
        partial(of.contrast, "attends", 1, False), exact.critical,
        estimates={"1/(1+N^(1/3))": lambda N, T: 1 / (1 + N ** (1 / 3)), "N^(-1/3) - 1/N": lambda N, T: N ** (-1 / 3)
                   - 1 / N})}, least=3),
    "T3.4": Mapped(SEQUENCES, {
        "uniform": Statement(
            "attention avoids the noise at uniform probabilities", "(q,c) before (q,τ)", "(q,τ) before (q,c)",
            "K[E(k)] - K[E(τ)]",
            partial(of.contrast, "avoids", 1, False), exact.avoidance,
            estimates={"1/√N - 1/(2N)": lambda N, T: N**-0.5 - 1 / (2 * N)}),
        "absorbed": Statement(
            "the order is reversed once the noise is absorbed (π = α)", "(q,τ) before (q,c)", "(q,c) before (q,τ)",
            "K[E(τ)] - K[E(k)]",
            partial(of.contrast, "avoids", -1, True), exact.reversal,
            estimates={"1/N² - 2/T": lambda N, T: N**-2 - 2 / T, "1 - 1/N": lambda N, T: 1 - 1 / N})}, least=3),
    "T3.5": Mapped(SEQUENCES, {"window": Statement(
        "some absorption π attends and avoids the noise", "a window of absorptions", "no such absorption",
        "width of the window of π, -1 where there is none",
        of.window_width, stated=of.window_by_signs, undecided="narrower than rounding")}, least=3),
    "T3.6": Mapped(SEQUENCES, {
        "noise": Statement(
            "after a large step the correct token outranks the noise", "c outranks τ", "τ outranks c",
            "logit of c less that of τ",
            partial(of.logit, "c", "tau"), exact.noise_rank,
            estimates={"√(3/2)/N": lambda N, T: 1.5**0.5 / N}),
        "ordinary": Statement(
            "after a large step c outranks other ordinary tokens", "c outranks k ≠ q", "c does not outrank k ≠ q",
            "logit of c less that of k",
            partial(of.logit, "c", "k"), stated=of.where_in_context),
        "trigger": Statement(
            "after a large step the trigger outranks c", "q outranks c", "q does not outrank c",
            "logit of q less that of c",
            partial(of.logit, "q", "c"), stated=of.inside)}, least=3),
    "T4.2": Mapped(MEMORIES, {"law": Statement(
        "the singular values follow their laws to 0.5 %", "within 0.5 %", "off by more",
        "0.5 % less the larger relative distance from the laws", of.accuracy,
        exact.accuracy_box, estimates={
            "α(1-α) t = n log t": partial(of.spread, sign=-1), "the same, for large α": partial(of.spread, sign=1)})},
        setting="1e6"),
    "T4.4": Mapped(MEMORIES, {"top": Statement(
        "the noise direction is the top singular space", "noise direction on top", "correct space on top",
        "√(n+1) s - D", of.noise_on_top, exact.top_space, estimates={"1/√(n+1), t → 0": lambda n, t: (n + 1) ** -0.5},
        undecided="all equal")}, setting="inf"),
    "T4.5": Mapped(MEMORIES, {"recall": Statement(
        "without the noise direction every input is recalled", "every input recalled", "not recalled",
        "margin of the correct output", of.recalled,
        stated=of.inside)}, setting="1e6"),
    "G2": Mapped(MIXTURES, {
        "stationary": _first("stationary", "answers as frequent as in the text"),
        "uniform": _first("uniform", "answers uniform")},
        setting="256", extent=Extent((0, 1), EARLY, 11, 40), small=Extent((0, 1), EARLY, 7, 40)),
    "G5": Mapped(MIXTURES, {
        "noise": _looks("noise", "the noise", "looks at the noise", "looks away from the noise", "K[E(τ)]"),
        "follower": _looks("follower", "what follows the trigger", "attends followers of q", "looks away", "K[P(q)]")},
        setting="256"),
    "B2": Mapped(SEQUENCES, {"signal": Statement(
        "without the residual copying entries are positive", *COPYING, "S[k,E(k)]", of.in_context_signal,
        stated=of.where_in_context)}),
}  # fmt: skip
"""By claim, in the ledger's order. K is mapped from T = 3 on, rankings from T = 4: before, they vanish or tie."""


def described(claim: str) -> str:
    """What the maps of a claim show, one line."""
    return "; ".join(statement.short for statement in _entry_of(claim).statements.values())


def scope_map(
    claim: str,
    sizes: tuple[RealNumber, RealNumber] | None = None,
    levels: tuple[RealNumber, RealNumber] | None = None,
    setting: str | None = None,
    part: str | None = None,
    rows: int | None = None,
    columns: int | None = None,
    advance: Callable[[int], object] = lambda cells: None,
) -> ScopeMap:
    """The map of a claim over sizes, or mixtures, and noise levels.

    Args:
        claim: one of MAPPED.
        sizes: least and largest row, ends included: N, n for T4, the share λ of Shakespeare for G.
        levels: least and largest α, rational for columns that are exact.
        setting: T, an integer or "N", "2N", "N^2", "N^3", for G an integer; for T4 the time t, a number as it is
            written, or "inf" for t → ∞ (T4.4 alone). None: what the claim's scope suggests.
        part: which statement of the claim, by name; None: the first.
        rows, columns: of the grid, at most; sizes are distinct integers, evenly spaced in their logarithm, shares λ
            evenly spaced in their square root.
        advance: called with the number of cells done, row by row.

    What is None among sizes, levels, rows and columns is that of `extent_of(claim)`.

    Raises:
        ValueError: an unknown claim or part, or a range or setting out of its bounds.   TypeError: of the wrong kind.
    """
    wanted = _extent(claim, sizes, levels, rows, columns)
    check(claim, sizes, levels, setting, part, rows)
    entry = _entry_of(claim)
    chosen = _rows_of(claim, wanted)
    low, high = (Fraction(level) for level in wanted.levels)
    shown = levels_between(low, high, as_count("columns", wanted.columns, 1))
    fixed = _settings(claim, chosen, setting)
    return fill(entry, claim, part or next(iter(entry.statements)), chosen, shown, fixed, advance)


def default_map(claim: str, part: str | None = None) -> ScopeMap:
    """A small map, `Family.small`; a second or so, of G some seconds."""
    entry = _entry_of(claim)
    sizes, levels, rows, columns = entry.small or entry.family.small
    return scope_map(claim, sizes, levels, part=part, rows=rows, columns=columns)


def extent_of(claim: str) -> Extent:
    """How far `scope_map` goes by itself."""
    entry = _entry_of(claim)
    return entry.extent or entry.family.extent


def check(
    claim: str,
    sizes: tuple[RealNumber, RealNumber] | None,
    levels: tuple[RealNumber, RealNumber] | None,
    setting: str | None,
    part: str | None,
    rows: int | None,
) -> None:
    """The errors of `scope_map`, without its work."""
    entry, wanted = _entry_of(claim), _extent(claim, sizes, levels, rows, None)
    if part is not None and part not in entry.statements:
        raise ValueError(f"part must be one of {', '.join(entry.statements)} for {claim}, got {part!r}")
    family, (low, high), (first, last) = entry.family, wanted.span, wanted.levels
    for end in (low, high):
        family.as_row(end)
    if low > high:
        ends = f"{family.written(low)}:{family.written(high)}"
        raise ValueError(f"{family.option} must be LOW:HIGH with LOW <= HIGH, got {ends}")
    said = f"{float(first):g}:{float(last):g}"
    if first > last:
        raise ValueError(f"alpha must be LOW:HIGH with LOW <= HIGH, got {said}")
    if not (first > 0 and last < 1 if family.interior else first >= 0 and last <= 1):
        raise ValueError(f"alpha must be {'strictly between 0 and 1' if family.interior else 'in 0..1'}, got {said}")
    for level in wanted.levels:
        as_probability("alpha", level)
    _settings(claim, _rows_of(claim, wanted), setting)


def _entry_of(claim: str) -> Mapped:
    if claim not in MAPPED:
        raise ValueError(f"claim must be one that has a map, {', '.join(MAPPED)}, got {claim!r}")
    return MAPPED[claim]


def _extent(
    claim: str,
    sizes: tuple[RealNumber, RealNumber] | None,
    levels: tuple[RealNumber, RealNumber] | None,
    rows: int | None,
    columns: int | None,
) -> Extent:
    """What is wanted, or that of the claim's family."""
    own = extent_of(claim)
    return Extent(
        own.span if sizes is None else sizes,
        own.levels if levels is None else levels,
        own.rows if rows is None else rows,
        own.columns if columns is None else columns,
    )


def _rows_of(claim: str, wanted: Extent) -> tuple[RealNumber, ...]:
    return MAPPED[claim].family.rows_between(*wanted.span, as_count("rows", wanted.rows, 1))


def _settings(claim: str, rows: tuple[RealNumber, ...], setting: str | None) -> Fixed:
    entry = MAPPED[claim]
    return entry.family.fix(setting or entry.setting, entry.setting, entry.least, rows)
