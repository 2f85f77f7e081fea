"""The folder of a report: what it may overwrite, and how it is replaced without ever being half a report.

    DIR/index.html                    the page
    DIR/assets/phase.1f0c9a….svg      pictures, their numbers (.csv) and the record, named by their content

Assets are written first, under names that no earlier report uses for other content; index.html is then replaced by a
rename; last, assets that the new page does not need are removed. Whenever it is interrupted, index.html is the page of
before or the new one, and all that it refers to is there. One report at a time is written to a folder (`alone`).
"""

import hashlib
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from simulate.runtime.alone import TEMPORARY, WAIT, alone, remove_left
from simulate.runtime.files import write_whole

PAGE = "index.html"
ASSETS = "assets"
PROBE = ".report-"
MARK = '<meta name="generator" content="paper_checks report">'
"""What tells our page from others."""

_OURS = re.compile(r"[a-z0-9-]+\.[0-9a-f]{16}\.(svg|csv|json)")
_REST = re.compile(rf"\.({_OURS.pattern}|index\.html)\.{TEMPORARY}|\.index\.html\.lock")
"""What a writer has beside these, and leaves if it is killed."""


def asset_name(name: str, content: bytes) -> str:
    """ "phase.svg" with the first 16 hexadecimal digits of the content's sha256, "phase.1f0c….svg"."""
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{kind}"


def check_folder(folder: Path) -> None:
    """ValueError unless a report can be written to `folder`: it is new, empty, or holds an earlier report."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} must be a folder, it is a file")
    if folder.is_dir() and any(folder.iterdir()) and not _is_report(folder):
        raise ValueError(f"{folder} must be new, empty or a report of before, it holds other files")
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """ValueError unless files can be written to `folder`, which need not exist yet; asked by writing."""
    nearest = next(place for place in [folder.absolute(), *folder.absolute().parents] if place.exists())
    try:
        with tempfile.TemporaryFile(prefix=PROBE, dir=nearest):  # permissions alone do not tell
            pass
    except OSError as error:
        raise ValueError(f"{folder} must be in a folder that can be written to, {nearest}: {error.strerror}") from error


def _is_report(folder: Path) -> bool:
    """Whether the folder has our page, or what a report that was interrupted before its page leaves."""
    page, assets = folder / PAGE, folder / ASSETS
    if page.is_file():
        return MARK in page.read_text(encoding="utf-8", errors="replace")[:2000]
    found = [*folder.iterdir(), *(assets.iterdir() if assets.is_dir() else ())]
    return all(
        path == assets or path.name.startswith(PROBE) or _OURS.fullmatch(path.name) or _REST.fullmatch(path.name)
        for path in found
    )


def write_folder(folder: Path, page: str, assets: Mapping[str, bytes]) -> None:
    """Write a report; `assets` are by the names of `asset_name`, and `page` refers to them as assets/NAME.

    Raises:
        ValueError: as `check_folder`.
        BlockingIOError: another one is written there for more than `WAIT` seconds.
        OSError: it cannot be written; the report of before, if there was one, is as it was.
    """
    check_folder(folder)
    made = [place for place in (folder / ASSETS, folder, *folder.parents) if not place.exists()]
    try:
        with alone(folder / PAGE, WAIT):
            _write(folder, page, assets)
    except BaseException:
        if not _has(folder / PAGE, page):
            for place in made:
                with suppress(OSError):  # another writer is at it
                    place.rmdir()
        raise


def _write(folder: Path, page: str, assets: Mapping[str, bytes]) -> None:
    """Write a report, `alone`; on failure take back what is new."""
    new: list[Path] = []
    try:
        (folder / ASSETS).mkdir(exist_ok=True)
        for name, content in assets.items():
            path = folder / ASSETS / name
            if not path.exists():
                new.append(path)
                write_whole(path, content)
        write_whole(folder / PAGE, page.encode())
    except BaseException:
        if not _has(folder / PAGE, page):  # an interrupt behind the rename: the page needs its assets
            for path in new:
                path.unlink(missing_ok=True)
        raise
    remove_left(folder / ASSETS, _OURS.pattern)
    for path in (folder / ASSETS).iterdir():
        if path.name not in assets and _OURS.fullmatch(path.name):
            with suppress(OSError):  # the new report is there, whatever else is
                path.unlink()


def _has(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
