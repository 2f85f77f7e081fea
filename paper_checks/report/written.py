"""A run written as a folder for people: its pictures, its page and its record."""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from paper_checks.evidence.ledger import read_ledger
from paper_checks.evidence.run import Run

from .folder import ASSETS, asset_name, write_folder
from .page import page

if TYPE_CHECKING:
    from .pictures import Plan


def write_report(run: Run, folder: Path, pictures: str = "all") -> list[str]:
    """Draw the pictures of the run's ledger, "all" or "none", and write the report; returns what could not be drawn,
    and why.

    Raises:
        OSError, ValueError: as `write_folder`, and with pictures as `read_ledger`.
    """
    from .pictures import draw_pictures

    drawn = draw_pictures(run, _plans(run) if pictures == "all" else ())
    record = json.dumps(run.as_dict(), ensure_ascii=False, allow_nan=False).encode()
    name = asset_name("claims.json", record)
    content = page(run, drawn.files, f"{ASSETS}/{name}", drawn.troubles)
    write_folder(folder, content, {**drawn.contents, name: record})
    return drawn.troubles


def _plans(run: Run) -> "Sequence[Plan]":
    module = read_ledger(Path(run.project.ledger)).project.pictures
    return () if module is None else import_module(module).PLANS
