"""What all commands that draw share: the file, the line that is printed, the exit status."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paper_checks.commands.groups import Stopped, refuse
from paper_checks.commands.options import FORMS, PictureFile, form_of

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture

# All else is imported when the command runs, so that Ctrl-C ends the seconds that it takes like the rest of the run,
# and a missing matplotlib is one line.

INTERRUPTED = "interrupted; no picture written"


def drawn(draw: "Callable[..., Picture]") -> Callable[..., int]:
    """A function of options that returns a picture, as one that writes it to the option --out, and its numbers beside
    it, and returns the exit status: 1 if something in the picture contradicts what is proved or stated.
    """

    @click.option(
        "--out", type=PictureFile(), required=True, help="the picture: .svg, .png or .pdf; its numbers beside it: .csv"
    )
    @click.option("--check", is_flag=True, help="write nothing, say what in the files is not what would be drawn")
    @functools.wraps(draw)
    def written(out: Path, check: bool, **options: Any) -> int:
        if check and form_of(out) != "svg":
            refuse(f"--check is for a .svg, whose words can be read, got {str(out)!r}")
        if not check:
            _require_ours(out)
        picture = _drawn(lambda: draw(**options))
        if check:
            return _check(out, picture)
        _write(out, picture)
        for contradiction in picture.contradictions:
            print(contradiction, file=sys.stderr)
        print(f"{out}: {picture.caption}")
        if picture.letters:
            print(picture.letters)
        return 1 if picture.contradictions else 0

    return written


def _drawn(draw: "Callable[[], Picture]") -> "Picture":
    """The picture; the command ends with the reason if there is none."""
    from paper_checks.jobs import local_if_none

    try:
        with local_if_none():
            return draw()
    except ModuleNotFoundError as error:
        if error.name is None:  # raised by ours, with the remedy
            raise Stopped(str(error)) from error
        if error.name.partition(".")[0] != "matplotlib":
            raise
        raise Stopped("pictures need matplotlib: pip install 'matplotlib>=3.9'") from error
    except (ValueError, FloatingPointError) as error:  # N or T too large for this machine, say, or a loss that diverged
        refuse(error)


def _check(out: Path, picture: "Picture") -> int:
    """1 if the files are stale, with the reasons."""
    from paper_checks.pictures.current import stale

    try:
        found = stale(out, picture)
    except (OSError, ValueError) as error:
        refuse(error)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{out}: {'is not' if found else 'is'} what would be drawn now")
    return 1 if found else 0


def _require_ours(out: Path) -> None:
    """End the command if there is a file of another kind in the place of the picture, or of its numbers: these are ours
    beside one of our pictures."""
    from paper_checks.pictures.ours import is_picture
    from simulate.runtime.outputs import require_ours

    beside = out.with_suffix(".csv")
    drawn = [path for path in (out.with_suffix(f".{form}") for form in FORMS) if path.is_file()]
    try:
        require_ours(out, "a picture of paper-checks", is_picture)
        is_beside = any(is_picture(path.read_bytes()) for path in (out, *drawn) if path.is_file())
        require_ours(beside, "the numbers of a picture of paper-checks", lambda content: is_beside)
    except ValueError as error:
        refuse(error)
    except OSError as error:
        raise Stopped(f"the picture cannot be written: {error}") from error


def _write(out: Path, picture: "Picture") -> None:
    """The picture and its numbers; who draws it in another form, with the same numbers beside it, waits, and so does
    who draws it by another name."""
    from simulate.runtime.alone import WAIT, alone

    place, beside = (Path(os.path.realpath(path)) for path in (out, out.with_suffix(".csv")))
    try:
        contents = {place: picture.render(form_of(out)), beside: picture.table().csv()}
        with alone(place, WAIT), alone(beside, WAIT):
            _replace(contents, beside)
    except OSError as error:
        raise Stopped(f"the picture cannot be written: {error}") from error


def _replace(contents: dict[Path, bytes], beside: Path) -> None:
    """Write the picture and the numbers `beside` it, each whole. Wherever it ends, this picture has no numbers of
    another one beside it: both are on the disk before one takes its name, and old numbers go before the new picture
    comes; it comes before the new ones, which without a picture would not be ours. An older picture in another form
    keeps its name, and has the new numbers beside it: their digest in it is another one."""
    from simulate.runtime.alone import temporary_name

    ready: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            ready[path] = temporary_name(path)
            with open(ready[path], "xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        if beside.exists() and beside.read_bytes() != contents[beside]:
            beside.unlink()
        for path, temporary in ready.items():
            os.replace(temporary, path)
    except BaseException:
        for temporary in ready.values():
            temporary.unlink(missing_ok=True)
        raise
