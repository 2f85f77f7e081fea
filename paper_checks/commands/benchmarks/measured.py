"""What pytest-benchmark measured, from its JSON, with what our benchmarks note in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from paper_checks.evidence.validation import MalformedError, Number, validated, words

from .words import plain_name

LEAST_SIZES = 4
"""Sizes from which an exponent is fitted."""


@dataclass(frozen=True)
class Target:
    """Of a benchmark: its time should be at most, or at least, so many times that of another of its group."""

    kind: Literal["at most", "at least"]
    times: Number
    of: str
    remark: str


@dataclass(frozen=True)
class Amount:
    """What one call does: so many of a unit."""

    number: Number
    unit: str


@dataclass(frozen=True)
class Notes:
    """`extra_info`, as tests/benchmarks/notes.py writes it."""

    target: Target | None = None
    amount: Amount | None = None


@dataclass(frozen=True)
class Stats:
    """Seconds of a call: median and interquartile range of so many rounds."""

    median: Number
    iqr: Number
    rounds: int


@dataclass(frozen=True)
class Benchmark:
    """One of a group: `name` is that of its test."""

    group: str
    name: str
    params: dict[str, Any] | None
    extra_info: Notes
    stats: Stats

    @property
    def title(self) -> str:
        """The name as people read it."""
        return plain_name(self.name)

    @property
    def size(self) -> tuple[str, float] | None:
        """The one parameter that is a number, and its value."""
        (name, value), *others = (self.params or {"": None}).items()
        return None if others or isinstance(value, bool) or not isinstance(value, int | float) else (name, value)


@dataclass(frozen=True)
class Machine:
    """Where it was measured; the load is the number of processes that wanted a processor, before and after."""

    system: str
    machine: str
    python_version: str
    cpu: dict[str, Any]
    versions: dict[str, str] = field(default_factory=dict)
    load: tuple[Number, ...] = ()


@dataclass(frozen=True)
class Commit:
    """The checkout."""

    id: str
    dirty: bool


@dataclass(frozen=True)
class Measured:
    """One run of pytest-benchmark; `datetime` is when it ended, ISO 8601."""

    datetime: str
    machine_info: Machine
    commit_info: Commit
    benchmarks: list[Benchmark]

    @property
    def groups(self) -> dict[str, list[Benchmark]]:
        """The benchmarks by group, as they were run."""
        found: dict[str, list[Benchmark]] = {}
        for one in self.benchmarks:
            found.setdefault(one.group, []).append(one)
        return found


class Ratio(NamedTuple):
    """A benchmark's median over that of another of its group, beside its target."""

    benchmark: Benchmark
    other: Benchmark
    target: Target

    @property
    def value(self) -> float:
        return self.benchmark.stats.median / self.other.stats.median

    @property
    def is_met(self) -> bool:
        return self.value <= self.target.times if self.target.kind == "at most" else self.value >= self.target.times


def read_measured(path: Path) -> Measured:
    """The run in a JSON file of pytest-benchmark.

    Raises:
        ValueError: no such file, another one, or one without benchmarks; two benchmarks of a group with one name.
    """
    try:
        found = validated(Measured, path.read_bytes(), extra="ignore")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except MalformedError as error:
        raise ValueError(f"{path.name} must be JSON of pytest-benchmark: {words(error.place)} {error}") from error
    if not found.benchmarks:
        raise ValueError(f"{path.name} must hold benchmarks, it holds none")
    for group, members in found.groups.items():
        names = [one.name for one in members]
        if len(set(names)) < len(names):
            raise ValueError(f"{path.name}: benchmarks of group {group!r} must have different names, got {names}")
    return found


def ratios(groups: Iterable[Sequence[Benchmark]]) -> list[Ratio]:
    """Every benchmark with a target, beside what it is held against.

    Raises:
        ValueError: a target names no other benchmark of its group.
    """
    found = []
    for members in groups:
        named = {one.name.removeprefix("test_"): one for one in members}
        for one in members:
            target = one.extra_info.target
            if target is None:
                continue
            if target.of not in named or named[target.of] is one:
                raise ValueError(f"{one.name} must be held against another of {', '.join(named)}, got {target.of}")
            found.append(Ratio(one, named[target.of], target))
    return found


def is_ladder(members: Sequence[Benchmark]) -> bool:
    """Whether the benchmarks of a group differ in one size."""
    sizes = [one.size for one in members]
    return len(members) >= LEAST_SIZES and None not in sizes and len({size[0] for size in sizes if size}) == 1
