"""Evidence that a machine of another kind produced: kept as a file, and valid for the code that produced it alone."""

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate.runtime.files import read_json, write_json

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RecordedTrainings:
    """Trainings of one claim by the code of this digest: `runs` holds one dictionary per seed."""

    claim: str
    date: str
    device: str
    versions: dict[str, str]
    code: str
    seconds: float
    runs: list[dict[str, Any]]


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
