"""The table at the end of a run: one line per claim, at most 100 columns."""

from collections import Counter
from collections.abc import Iterator

from .comparator import Design
from .results import Result, Results

_HEADER = f"{'id':<5} {'verdict':<9} {'exact':>12} {'estimate ± standard error':>27} {'z':>6} {'detects':>8} {'seconds':>8}  checked"


def _number(value: float | None, width: int) -> str:
    return f"{'' if value is None else format(value, '.5g'):>{width}}"


def _row(result: Result) -> str:
    evidence = result.headline
    start = f"{result.claim.id:<5} {result.verdict:<9} "
    if result.verdict == "not run" or evidence is None:
        return start + f"({result.reason})" if result.reason else start.rstrip()
    estimate = _number(evidence.estimate, 0)
    if evidence.standard_error is not None:
        estimate += f" ± {evidence.standard_error:.2g}"
    z = "" if evidence.z is None else f"{evidence.z:+.2f}"
    detects = "" if evidence.detectable is None else f"{evidence.detectable:.2%}"
    return (
        f"{start}{_number(evidence.exact, 12)} {estimate:>27} {z:>6} {detects:>8} {result.seconds:>8.2f}"
        f"  {len(result.evidence)}"
    )


def render(results: Results, design: Design) -> Iterator[str]:
    """Lines of the table, the counts, and how to read it."""
    yield _HEADER
    yield "-" * 100
    for result in results.by_id.values():
        yield _row(result)
    yield "-" * 100
    counts = Counter(result.verdict for result in results.by_id.values())
    yield ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    yield (
        f"Shown: the comparison with the largest |z| of each claim. z: error in standard errors, alarm beyond "
        f"{design.critical():.2f}"
    )
    yield (
        f"(family-wise false alarm {design.false_alarm:.0e}, {results.comparisons} of {design.family} comparisons used). "
        f"detects: smallest relative error seen"
    )
    yield f"with probability {1 - design.miss:.3f}. checked: comparisons recorded, all in .evidence/claims.json."
    if results.comparisons > design.family:
        yield f"FAILED: {results.comparisons} comparisons exceed the family of {design.family} that the level was set for."
