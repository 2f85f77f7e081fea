"""A copy of the project in which one file is another, so that no mutant touches the files that people edit."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

COPIED = ("theory", "simulate", "paper_checks", "tests", "docs")
STAMPS = count(1)


class Tree:
    """The copy: files are linked, but for the one that a mutant changes; no file of the project is ever written."""

    def __init__(self, root: Path, place: Path) -> None:
        self.root, self.place = root, place
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        aside = shutil.ignore_patterns("__pycache__")
        for name in (name for name in COPIED if (root / name).is_dir()):
            shutil.copytree(root / name, place / name, ignore=aside, copy_function=_link)
        for path in root.iterdir():
            if path.is_file():
                _link(path, place / path.name)

    @contextmanager
    def changed(self, path: str, text: str) -> Iterator[None]:
        """One file has this text as long as the context lasts."""
        file = self.place / path
        original = file.read_bytes()
        stamps = os.stat(file)
        file.unlink()  # the link; the file of the project stays
        file.write_text(text, encoding="utf-8")
        new = int(stamps.st_mtime) + 10 * next(STAMPS)  # what is compiled is known by the second and the size
        os.utime(file, (new, new))
        try:
            yield
        finally:
            file.write_bytes(original)
            os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


def _link(source: str | Path, target: str | Path) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return str(target)
