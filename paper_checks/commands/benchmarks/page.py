"""The page about benchmarks, in Markdown: every number in it is measured."""

from collections.abc import Iterable, Mapping, Sequence

from scipy.stats import linregress

from paper_checks.evidence.run import Run

from .measured import Benchmark, Measured, Ratio, is_ladder, ratios
from .profile import profile
from .words import digits, seconds, short_number

COMMAND = "paper-checks benchmarks --out docs/benchmarks.md"
HEAD = f"""\
# Benchmarks

Written by `{COMMAND}`; no number is typed by hand. `pytest --benchmark-only` prints the groups alone.

{{machine}}

Times are medians over the rounds of one run, in processor seconds of the process, on one thread, unless a group says
otherwise. A ratio is of two medians of that run. What other processes take of a processor is left out, but they share
its caches and the memory with what is measured: a machine with a load average above zero before the run is a noisy one.
The spread is the interquartile range over the median. No test asserts a time.
"""
SCALING = """\
Each row varies one size and leaves all else alone. The exponent b of time ∝ size^b is the slope of a least-squares line
through the logarithms, ± its standard error from the residuals: it says how time grows over these sizes, not beyond.
"""


def page(measured: Measured, run: Run | None) -> str:
    """The whole page.

    Args:
        measured: a run of the benchmarks.
        run: a run of the claims, for what they took; None if there is none.

    Raises:
        ValueError: a target that names no other benchmark of its group.
    """
    ladders = {name: members for name, members in measured.groups.items() if is_ladder(members)}
    groups = {name: members for name, members in measured.groups.items() if name not in ladders}
    parts = [
        HEAD.format(machine=_machine(measured)),
        "## Ratios\n",
        _table(("what", "against", "ratio", "target", "", "remark"), map(_ratio_row, ratios(groups.values()))),
        "## Times\n",
        _table(("group", "benchmark", "median", "× fastest", "spread", "rounds", "per second"), _time_rows(groups)),
        "## Scaling\n",
        SCALING,
        _table(("what", "sizes", "times", "exponent"), [_ladder_row(*one) for one in ladders.items()]),
        "## Claims\n",
        profile(run),
    ]
    return "\n".join(parts)


def _machine(measured: Measured) -> str:
    """Machine, date, versions and commit, a line each."""
    machine, commit = measured.machine_info, measured.commit_info
    processor = machine.cpu.get("brand_raw") or machine.machine
    load = " before and ".join(f"{one:.2g}" for one in machine.load)
    lines = {
        "machine": f"{processor}, {machine.cpu.get('count', 'an unknown number of')} processors, {machine.system}",
        "load average": f"{load} after" if load else "unknown",
        "date": measured.datetime[:16].replace("T", " ") + " UTC",
        "versions": ", ".join([f"Python {machine.python_version}", *map(" ".join, machine.versions.items())]),
        "commit": commit.id + (" with changes" if commit.dirty else ""),
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items())


def _ratio_row(ratio: Ratio) -> tuple[str, ...]:
    met = "met" if ratio.is_met else "**not met**"
    target = f"{ratio.target.kind} {ratio.target.times:g}"
    what = f"{ratio.benchmark.group}: {ratio.benchmark.title}"
    return what, ratio.other.title, digits(ratio.value), target, met, ratio.target.remark


def _time_rows(groups: Mapping[str, Sequence[Benchmark]]) -> Iterable[tuple[str, ...]]:
    for group, members in groups.items():
        fastest = min(one.stats.median for one in members)
        for number, one in enumerate(members):
            stats, amount = one.stats, one.extra_info.amount
            rate = "" if amount is None else f"{short_number(amount.number / stats.median)} {amount.unit}"
            spread = f"{stats.iqr / stats.median:.0%}"
            times = digits(stats.median / fastest)
            yield "" if number else group, one.title, seconds(stats.median), times, spread, str(stats.rounds), rate


def _ladder_row(group: str, members: Sequence[Benchmark]) -> tuple[str, ...]:
    sizes, times = [one.size[1] for one in members if one.size], [one.stats.median for one in members]
    exponent, error = fitted_exponent(sizes, times)
    shown = ", ".join(f"{size:g}" if size < 1e6 else f"{size:.0e}" for size in sizes)
    return group, shown, ", ".join(map(seconds, times)), f"{exponent:.2f} ± {error:.2f}".replace("-", "−")


def fitted_exponent(sizes: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """b of times ∝ sizes^b by least squares on logarithms, and its standard error."""
    from numpy import log

    line = linregress(log(sizes), log(times))
    return float(line.slope), float(line.stderr)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or a word where it has no rows."""
    lines = [head, ["---"] * len(head), *rows]
    if len(lines) == 2:
        return "None was measured.\n"
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
