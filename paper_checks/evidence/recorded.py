"""Evidence that a machine of another kind produced: kept as a file, and valid for the code that produced it, or that
gave its first numbers again, bit for bit."""

import platform
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate.runtime.files import read_json, write_json

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RecordedTrainings:
    """Trainings of one claim by the code of this digest: `runs` holds one dictionary per seed.

    `again`, if any, names later "code" that gave the same numbers after the first "updates", and when ("date").
    """

    claim: str
    date: str
    device: str
    versions: dict[str, str]
    code: str
    seconds: float
    runs: list[dict[str, Any]]
    again: dict[str, Any] | None = None

    def is_of(self, code: str) -> bool:
        """Whether this code made the record, or gave its first numbers again."""
        return code in (self.code, self.again and self.again["code"])


def device_name(place: "torch.device") -> str:
    """What a device is called."""
    import torch

    return torch.cuda.get_device_name(place) if place.type == "cuda" else f"{platform.machine()} processor"


def new_record(
    claim: str, code: str, place: "torch.device", seconds: float, runs: list[dict[str, Any]]
) -> RecordedTrainings:
    """A record of trainings that ended now; `code` is the hash from before they began."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in ("numpy", "torch")}
    today = datetime.now(UTC).date().isoformat()
    return RecordedTrainings(claim, today, device_name(place), versions, code, round(seconds, 1), runs)


def made_again(record: RecordedTrainings, code: str, updates: int) -> RecordedTrainings:
    """The record, of which this code gave the first `updates` again now."""
    return replace(record, again={"code": code, "date": datetime.now(UTC).date().isoformat(), "updates": updates})


def write_record(record: RecordedTrainings, folder: Path) -> Path:
    """Write the record's file, whole or not at all."""
    path = folder / f"{record.claim}.json"
    write_json(path, asdict(record))
    return path


def read_record(claim: str, folder: Path) -> RecordedTrainings | None:
    """The record of a claim, None if there is no file.

    Raises:
        ValueError: the file is no record of this claim, or not as it was written.
    """
    path = folder / f"{claim}.json"
    try:
        record = RecordedTrainings(**read_json(path))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} must be a record of {claim}: {error}") from error
    if record.claim != claim or not record.runs:
        raise ValueError(f"{path} must be a record of {claim} with runs, it is of {record.claim}")
    return record
