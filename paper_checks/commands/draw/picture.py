"""What all commands that draw share: the file, the line that is printed, the exit status."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paper_checks.commands.groups import Stopped, refuse
from paper_checks.commands.options import PictureFile, form_of

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
    @functools.wraps(draw)
    def written(out: Path, **options: Any) -> int:
        picture = _written(out, lambda: draw(**options))
        for contradiction in picture.contradictions:
            print(contradiction, file=sys.stderr)
        print(f"{out}: {picture.caption}")
        return 1 if picture.contradictions else 0

    return written


def _written(out: Path, draw: "Callable[[], Picture]") -> "Picture":
    """The picture, written whole; the command ends with the reason if there is none."""
    from paper_checks.jobs import local_if_none
    from simulate.runtime.files import write_whole

    try:
        with local_if_none():
            picture = draw()
    except ModuleNotFoundError as error:
        if error.name is None:  # raised by ours, with the remedy
            raise Stopped(str(error)) from error
        if error.name.partition(".")[0] != "matplotlib":
            raise
        raise Stopped("pictures need matplotlib: pip install 'matplotlib>=3.9'") from error
    except (ValueError, FloatingPointError) as error:  # N or T too large for this machine, say, or a loss that diverged
        refuse(error)
    try:
        rendered = picture.render(form_of(out))
        write_whole(out.with_suffix(".csv"), picture.table().csv())
        write_whole(out, rendered)
    except OSError as error:
        raise Stopped(f"the picture cannot be written: {error}") from error
    return picture
