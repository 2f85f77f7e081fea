"""Several runs of the same benchmarks: medians over them, and how far they lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .measured import Benchmark, Measured, Target

LEAST_SIZES = 4
"""Sizes from which an exponent is fitted."""


@dataclass(frozen=True)
class Timed:
    """A benchmark and the medians, in seconds, that the runs found."""

    benchmark: Benchmark
    medians: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return median(self.medians)

    @property
    def apart(self) -> float:
        """The largest median less the least, over `seconds`."""
        return (max(self.medians) - min(self.medians)) / self.seconds


@dataclass(frozen=True)
class Ratio:
    """A benchmark's time over that of another of its group, run by run, beside its target."""

    timed: Timed
    other: Timed
    target: Target

    @property
    def values(self) -> list[float]:
        """Of each run."""
        return [one / other for one, other in zip(self.timed.medians, self.other.medians, strict=True)]

    @property
    def value(self) -> float:
        """The median of the runs."""
        return median(self.values)

    @property
    def is_met(self) -> bool:
        """Whether the median is on the target's side."""
        return self.value <= self.target.times if self.target.kind == "at most" else self.value >= self.target.times


Groups = dict[str, list[Timed]]


def grouped(passes: Sequence[Measured]) -> Groups:
    """The benchmarks of the runs by group, as they were run.

    Raises:
        ValueError: no run, or runs of different benchmarks.
    """
    if not passes:
        raise ValueError("runs of the benchmarks must be one or more, got none")
    members = [{(one.group, one.name): one for one in measured.benchmarks} for measured in passes]
    if any(found.keys() != members[0].keys() for found in members):
        raise ValueError("runs must be of the same benchmarks, they are of different ones")
    groups: Groups = {}
    for key, benchmark in members[0].items():
        timed = Timed(benchmark, tuple(float(found[key].stats.median) for found in members))
        groups.setdefault(benchmark.group, []).append(timed)
    return groups


def ratios(groups: Groups) -> list[Ratio]:
    """Every benchmark with a target, beside what it is held against.

    Raises:
        ValueError: a target names no other benchmark of its group.
    """
    found = []
    for members in groups.values():
        named = {one.benchmark.name.removeprefix("test_"): one for one in members}
        for one in members:
            target = one.benchmark.extra_info.target
            if target is None:
                continue
            if target.of not in named or named[target.of] is one:
                raise ValueError(
                    f"{one.benchmark.name} must be held against another of {', '.join(named)}, got {target.of}"
                )
            found.append(Ratio(one, named[target.of], target))
    return found


def is_ladder(members: Sequence[Timed]) -> bool:
    """Whether the benchmarks of a group differ in one size."""
    sizes = [one.benchmark.size for one in members]
    return len(members) >= LEAST_SIZES and None not in sizes and len({size[0] for size in sizes if size}) == 1
