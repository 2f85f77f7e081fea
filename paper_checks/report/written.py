"""A run written as a folder for people: its pictures, its page and its record."""

import json
from pathlib import Path

from paper_checks.evidence.run import Run

from .folder import ASSETS, asset_name, write_folder
from .page import page
from .pictures import PLANS, draw_pictures


def write_report(run: Run, folder: Path, pictures: str = "all") -> list[str]:
    """Draw the pictures, "all" or "none", and write the report of a run; returns what could not be drawn, and why.

    Raises:
        OSError, ValueError: as `write_folder`.
    """
    drawn = draw_pictures(run, PLANS if pictures == "all" else ())
    record = json.dumps(run.as_dict(), ensure_ascii=False, allow_nan=False).encode()
    name = asset_name("claims.json", record)
    content = page(run, drawn.files, f"{ASSETS}/{name}", drawn.troubles)
    write_folder(folder, content, {**drawn.contents, name: record})
    return drawn.troubles
