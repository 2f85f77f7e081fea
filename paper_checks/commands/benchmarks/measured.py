"""What pytest-benchmark measured, from its JSON, with what our benchmarks note in it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from paper_checks.evidence.validation import MalformedError, Number, validated, words
from simulate.runtime.plain_json import parsed

from .words import plain_name


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
    """Seconds of a call, the median of so many rounds."""

    median: Number
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


def read_measured(path: Path) -> Measured:
    """The run in a JSON file of pytest-benchmark.

    Raises:
        ValueError: no such file, another one, or one without benchmarks; two benchmarks of a group with one name.
    """
    try:
        content = path.read_bytes()
        found = validated(Measured, content, extra="ignore")
        parsed(content)  # no key twice, of which pydantic takes the last
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except MalformedError as error:
        raise ValueError(f"{path.name} must be JSON of pytest-benchmark: {words(error.place)} {error}") from error
    except ValueError as error:
        raise ValueError(f"{path.name} must be JSON of pytest-benchmark: {error}") from error
    if not found.benchmarks:
        raise ValueError(f"{path.name} must hold benchmarks, it holds none")
    names = [(one.group, one.name) for one in found.benchmarks]
    for group, name in names:
        if names.count((group, name)) > 1:
            raise ValueError(f"{path.name}: benchmarks of group {group!r} must have different names, got {name} twice")
    return found
