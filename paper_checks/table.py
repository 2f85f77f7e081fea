"""The table at the end of a run: one line per claim, at most 100 columns."""

from collections import Counter
from collections.abc import Iterator

from .comparator import Design
from .results import Result, Results

_WIDTHS = f"{'id':<9} {'verdict':<9} {'exact':>12} {'estimate ± standard error':>27} {'z':>6} {'detects':>8}"
_HEADER = f"{_WIDTHS} {'seconds':>8}  checked"


def _number(value: float | None, width: int) -> str:
    return f"{'' if value is None else format(value, '.5g'):>{width}}"


def _row(result: Result) -> str:
    evidence = result.headline
    start = f"{result.claim.id:<9} {result.verdict:<9} "
    if evidence is None:
        return start + "(no evidence was recorded)"
    estimate = _number(evidence.estimate, 0)
    if evidence.standard_error is not None:
        estimate += f" ± {evidence.standard_error:.2g}"
    z = "" if evidence.z is None else f"{evidence.z:+.2f}"
    if evidence.kind == "replicated":
        z = f"{evidence.details['holds']}/{evidence.numbers}"
    detects = "" if evidence.detectable is None else f"{evidence.detectable:.2%}"
    return (
        f"{start}{_number(evidence.exact, 12)} {estimate:>27} {z:>6} {detects:>8} {result.seconds:>8.2f}"
        f"  {sum(item.numbers for item in result.evidence)}"
    )


def _not_run(results: Results) -> Iterator[str]:
    """Claims that were not run, one line for neighbours of one group with one reason."""
    names: list[str] = []
    previous: tuple[str, str] | None = None
    for result in [*results.by_id.values(), None]:
        missing = result is not None and result.verdict == "not run"
        key = (result.claim.group, result.reason) if result is not None and missing else None
        if previous is not None and key != previous:
            span = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
            yield f"{span:<21} not run: {previous[1]}"
            names = []
        if result is not None and missing:
            names.append(result.claim.id)
        previous = key


def render(results: Results, design: Design) -> Iterator[str]:
    """Lines of the table, the counts, and how to read it."""
    yield _HEADER
    yield "-" * 100
    for result in results.by_id.values():
        if result.verdict != "not run":
            yield _row(result)
    for result in results.by_id.values():
        if result.verdict == "recorded":
            yield f"{result.claim.id:<21} {result.recorded}"
    yield from _not_run(results)
    yield "-" * 100
    counts = Counter(result.verdict for result in results.by_id.values())
    yield ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    alarm, used = f"{design.critical():.2f}", f"{results.comparisons} of {design.family}"
    yield f"Shown: each claim's comparison with the largest |z|. z: error in standard errors, alarm beyond {alarm}"
    yield f"(false alarm {design.false_alarm:.0e} for the whole run; {used} comparisons used). detects: smallest"
    yield f"relative error seen with probability {1 - design.miss}. checked: numbers, all in .evidence/claims.json"
    yield "Trainings (B4-B6, E, P): a threshold, the median over seeds, and how many seeds are on its side."
    if results.comparisons > design.family:
        yield f"FAILED: {results.comparisons} comparisons exceed the family of {design.family} of this design"
