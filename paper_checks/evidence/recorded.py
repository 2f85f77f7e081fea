"""Evidence that a machine of another kind produced: kept as a file, and valid for the code that produced it alone."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from simulate.runtime.files import digest_of_files, write_json

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "paper_checks" / "recorded"
CODE = (
    "simulate/**/*.py",
    "simulate/data/*.csv",
    "theory/task.py",
    "paper_checks/experiments/trainings/**/*.py",
    "paper_checks/evidence/recorder.py",
)
"""What a recorded training depends on."""
ALL_CODE = (
    "theory/**/*.py",
    "simulate/**/*.py",
    "simulate/data/*.csv",
    "simulate/data/pocket/training.json",  # has the digest of every weight file
    "paper_checks/**/*.py",
    "paper_checks/claims.toml",
    "paper_checks/pilots/*.json",
)
"""What the verdicts of a run depend on."""


@dataclass(frozen=True)
class Record:
    """Trainings of one claim: `runs` holds one dictionary per seed."""

    claim: str
    date: str
    device: str
    versions: dict[str, str]
    code: str
    seconds: float
    runs: list[dict[str, Any]]

    @property
    def is_current(self) -> bool:
        """Whether the code that produced it is the code at hand."""
        return self.code == code_hash()


def code_hash(patterns: Iterable[str] = CODE) -> str:
    """The digest of this project's files that match."""
    return digest_of_files(ROOT, patterns)


def device_name(place: torch.device) -> str:
    """What a device is called."""
    return torch.cuda.get_device_name(place) if place.type == "cuda" else f"{platform.machine()} processor"


def new_record(claim: str, code: str, place: torch.device, seconds: float, runs: list[dict[str, Any]]) -> Record:
    """A record of trainings that ended now; `code` is the hash from before they began."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in ("numpy", "torch")}
    today = datetime.now(UTC).date().isoformat()
    return Record(claim, today, device_name(place), versions, code, round(seconds, 1), runs)


def write_record(record: Record, folder: Path = FOLDER) -> Path:
    """Write the record's file, whole or not at all."""
    path = folder / f"{record.claim}.json"
    write_json(path, asdict(record))
    return path


def read_record(claim: str, folder: Path = FOLDER) -> Record | None:
    """The record of a claim, None if there is no file.

    Raises:
        ValueError: the file is no record of this claim.
    """
    path = folder / f"{claim}.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        record = Record(**known)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} must be a record of {claim}: {error}") from error
    if record.claim != claim or not record.runs:
        raise ValueError(f"{path} must be a record of {claim} with runs, it is of {record.claim}")
    return record
