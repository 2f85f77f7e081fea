"""What was measured of the suite itself, such as mutants caught: a record with the command that measures it again."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import MinLen

from simulate.runtime.files import read_json, write_json

from .validation import MalformedError, Number, Words, validated, words

if TYPE_CHECKING:
    from .run import Run

FOLDER = Path(__file__).parents[1] / "recorded" / "trust"
"""Where the records lie, NAME.json each."""
KNOWN = ("arguments", "readers", "language_readers", "faults", "teeth", "false_alarms")
"""In the order in which a table has them."""


@dataclass(frozen=True)
class TrustRecord:
    """One measurement of the suite.

    Attributes:
        what: what was measured, a sentence.
        command: what is typed to measure it again.
        date: the day on which it ended, such as 2026-11-29 (UTC).
        commit: what was checked out, and whether files differed from it.
        numbers: what was found, by name.
        explained: a sentence on each thing that stands out, such as a mutant that no check can see.
    """

    what: Words
    command: Words
    date: Words
    commit: Words
    numbers: Annotated[dict[Words, Number], MinLen(1)]
    explained: list[Words]

    @property
    def found(self) -> list[tuple[str, str]]:
        """What a table says of it: names and numbers, but for parts of a number that is there ("CSV: refused" beside
        "refused") and the bins of a histogram."""
        return [
            (name, str(int(value)) if float(value).is_integer() else f"{value:.4g}")
            for name, value in self.numbers.items()
            if name.partition(": ")[2] not in self.numbers and not name.startswith("z from ")
        ]


def write_trust(
    name: str,
    what: str,
    command: str,
    numbers: Mapping[str, float],
    explained: Sequence[str] = (),
    folder: Path = FOLDER,
) -> Path:
    """Write the record `name` of a measurement that ended now, whole or not at all; the path of its file.

    Raises:
        ValueError: not what a record holds, such as a number that is not finite.
    """
    today, root = datetime.now(UTC).date().isoformat(), Path(__file__).parents[2]
    record = TrustRecord(what, command, today, commit(root, FOLDER), dict(numbers), list(explained))
    path = folder / f"{name}.json"
    _validated(path, _as_json(path, record))
    write_json(path, asdict(record))
    return path


def read_trust(name: str, folder: Path = FOLDER) -> TrustRecord | None:
    """The record `name`, None if there is no file.

    Raises:
        ValueError: the file is no such record, or not as it was written.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} must be a record of trust: {error}") from error
    return _validated(path, json.dumps(content).encode())


def trust_folder(run: "Run") -> Path:
    """Where the records of the ledger of a run lie."""
    return Path(run.project.ledger).parent / "recorded" / "trust"


def every_trust(folder: Path = FOLDER) -> list[TrustRecord]:
    """All records of a folder, in the order of KNOWN, then by name.

    Raises:
        ValueError: as `read_trust`.
    """
    names = sorted((path.stem for path in folder.glob("*.json")), key=lambda name: (_place(name), name))
    return [record for name in names if (record := read_trust(name, folder)) is not None]


def _place(name: str) -> int:
    return KNOWN.index(name) if name in KNOWN else len(KNOWN)


def commit(folder: Path, besides: Path | None = None) -> str:
    """The commit that is checked out in `folder`, and whether files differ from it, but for those below `besides`, such
    as what another record of the same run has just become."""
    try:
        if Path(_git(folder, "rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return "unknown: no checkout of its own"
        found = _git(folder, "rev-parse", "HEAD")
        where = [] if besides is None else ["--", ".", f":(exclude){besides.relative_to(folder).as_posix()}"]
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", *where)
        return found + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown: no git, or no checkout"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _as_json(path: Path, record: TrustRecord) -> bytes:
    import pydantic_core

    try:
        return pydantic_core.to_json(record, inf_nan_mode="constants")
    except pydantic_core.PydanticSerializationError as error:
        raise ValueError(f"{path} cannot be written: {error}") from error


def _validated(path: Path, text: bytes) -> TrustRecord:
    try:
        return validated(TrustRecord, text)
    except MalformedError as error:
        raise ValueError(f"{path} must be a record of trust: {words(error.place) or 'the file'}: {error}") from error
