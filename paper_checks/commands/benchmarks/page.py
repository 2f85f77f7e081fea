"""The page about benchmarks, in Markdown: every number in it is measured."""

from collections.abc import Iterable, Sequence

from numpy import log
from scipy.stats import linregress

from paper_checks.evidence.run import Run

from .measured import Measured
from .passes import Groups, Ratio, Timed, grouped, is_ladder, ratios
from .profile import profile
from .words import digits, seconds, short_number

HEAD = """\
# Benchmarks

Written by `paper-checks benchmarks --out docs/benchmarks.md`; no number is typed by hand. `pytest --benchmark-only`
prints the groups, but for those of the section "Scaling", with ratios to the fastest.

{machine}

A time is the median of several calls, in processor seconds of the process, on one thread, unless a group says
otherwise. All was measured {passes}, and a number here is the median of these passes; a ratio is of two times of one
pass. What other processes take of a processor does not count, but they share its caches and the memory with what is
measured: with a load average above zero before the run the machine is noisy, and the passes say how much. No test
asserts a time.
"""
SCALING = """\
Each row varies one size and leaves all else alone. The exponent b of time ∝ size^b is the slope of a least-squares line
through the logarithms, ± its standard error from the residuals: it says how time grows over these sizes, not beyond.
"""
UNITS = {1: "once", 2: "twice"}


def page(passes: Sequence[Measured], run: Run | None) -> str:
    """The whole page.

    Args:
        passes: runs of the same benchmarks, one or more.
        run: a run of the claims, for what they took; None if there is none.

    Raises:
        ValueError: no run, runs of different benchmarks, or a target that names no other benchmark of its group.
    """
    every = grouped(passes)
    ladders = {name: members for name, members in every.items() if is_ladder(members)}
    groups = {name: members for name, members in every.items() if name not in ladders}
    times = UNITS.get(len(passes), f"{len(passes)} times")
    parts = [
        HEAD.format(machine=_machine(passes), passes=times),
        "## Ratios\n",
        _table(("what", "against", "ratio", "passes", "target", "", "remark"), map(_ratio_row, ratios(groups))),
        "## Times\n",
        _table(("group", "benchmark", "median", "× fastest", "passes apart", "per second"), _time_rows(groups)),
        "## Scaling\n",
        SCALING,
        _table(("what", "sizes", "times", "exponent"), [_ladder_row(*one) for one in ladders.items()]),
        "## Claims\n",
        profile(run),
    ]
    return "\n".join(parts)


def _machine(passes: Sequence[Measured]) -> str:
    """Machine, date, versions and commit, a line each."""
    machine, commit = passes[0].machine_info, passes[0].commit_info
    processor = machine.cpu.get("brand_raw") or machine.machine
    load = [one for measured in passes for one in measured.machine_info.load]
    lines = {
        "machine": f"{processor}, {machine.cpu.get('count', 'an unknown number of')} processors, {machine.system}",
        "load average": f"{load[0]:.2g} before, {load[-1]:.2g} after" if load else "unknown",
        "date": passes[-1].datetime[:16].replace("T", " ") + " UTC",
        "versions": ", ".join([f"Python {machine.python_version}", *map(" ".join, machine.versions.items())]),
        "commit": commit.id + (" with changes" if commit.dirty else ""),
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items())


def _ratio_row(ratio: Ratio) -> tuple[str, ...]:
    met = "met" if ratio.is_met else "**not met**"
    target = f"{ratio.target.kind} {ratio.target.times:g}"
    what, other = ratio.timed.benchmark, ratio.other.benchmark
    each = ", ".join(map(digits, ratio.values))
    return f"{what.group}: {what.title}", other.title, digits(ratio.value), each, target, met, ratio.target.remark


def _time_rows(groups: Groups) -> Iterable[tuple[str, ...]]:
    for group, members in groups.items():
        fastest = min(one.seconds for one in members)
        for number, one in enumerate(members):
            amount = one.benchmark.extra_info.amount
            rate = "" if amount is None else f"{short_number(amount.number / one.seconds)} {amount.unit}"
            times, apart = digits(one.seconds / fastest), f"{one.apart:.0%}"
            yield "" if number else group, one.benchmark.title, seconds(one.seconds), times, apart, rate


def _ladder_row(group: str, members: Sequence[Timed]) -> tuple[str, ...]:
    sizes, times = [one.benchmark.size[1] for one in members if one.benchmark.size], [one.seconds for one in members]
    exponent, error = fitted_exponent(sizes, times)
    shown = ", ".join(f"{size:g}" if size < 1e6 else f"{size:.0e}" for size in sizes)
    return group, shown, ", ".join(map(seconds, times)), f"{exponent:.2f} ± {error:.2f}".replace("-", "−")


def fitted_exponent(sizes: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    """b of times ∝ sizes^b by least squares on logarithms, and its standard error."""
    line = linregress(log(sizes), log(times))
    return float(line.slope), float(line.stderr)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or a sentence where it has no rows."""
    lines = [head, ["---"] * len(head), *rows]
    if len(lines) == 2:
        return "None was measured.\n"
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
