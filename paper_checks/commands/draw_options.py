"""What the commands that draw pictures share: options that are counts, the file, the exit statuses."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture
    from paper_checks.pictures.phase_diagram import PhaseDiagram

# All else is imported inside `run`, so that Ctrl-C ends the seconds that it takes like the rest of the run, and a
# missing matplotlib is one line.

Counts = dict[str, tuple[int, int | None, int | None, str]]
"""Least and largest value, default (None: must be given) and meaning of every option that is a count."""

FORMS = ("svg", "png", "pdf")


class Drawn(NamedTuple):
    """A picture to be written: its content by form, one sentence on it, and where it contradicts what is proved."""

    render: Callable[[str], bytes]
    caption: str
    contradictions: list[str]


class Job(NamedTuple):
    """How one kind of picture is made: `check` raises ValueError for other options than counts, `draw` works."""

    counts: Counts
    check: Callable[[argparse.Namespace], None]
    draw: Callable[[argparse.Namespace], Drawn]


def drawn(picture: "Picture | PhaseDiagram") -> Drawn:
    """What there is to write of a picture."""
    return Drawn(picture.render, picture.caption, picture.contradictions)


def no_check(options: argparse.Namespace) -> None:
    """Of a job whose options are all counts."""


AddPicture = Callable[[str, str, str, str], argparse.ArgumentParser]


def several_pictures(program: str, description: str | None) -> tuple[argparse.ArgumentParser, AddPicture]:
    """The parser of a command that draws several pictures, and how to add one: its name, its help in a few words and in
    a sentence, and the options of an example.
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=program, description=description, formatter_class=raw)
    pictures = parser.add_subparsers(metavar="PICTURE", required=True, help="one of:")

    def add(name: str, meaning: str, described: str, options: str) -> argparse.ArgumentParser:
        example = f"example: python -m paper_checks.{program} {name} {options}"
        return pictures.add_parser(name, help=meaning, description=described, epilog=example)

    return parser, add


def add_job(parser: argparse.ArgumentParser, job: Job) -> None:
    """Give `parser` the options that `job` counts, and --out."""
    for name, (least, most, default, meaning) in job.counts.items():
        limits = f"at least {least}" if most is None else f"{least} to {most}"
        described = f"{meaning}, {limits}" + ("" if default is None else f" (default: {default})")
        parser.add_argument(f"--{name}", type=int, default=default, required=default is None, help=described)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture: .svg, .png or .pdf")
    parser.set_defaults(job=job, parser=parser)


def exact_level(text: str) -> Fraction:
    """The number that an option says, exactly: the fraction, or the shortest decimal of the float that is nearest."""
    try:
        return Fraction(text) if "/" in text else Fraction(repr(float(text)))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"a number such as 0.3 or 1/3 is needed, got {text!r}") from None


def run(make_parser: Callable[[], argparse.ArgumentParser], arguments: Sequence[str] | None) -> int:
    """Run a command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    try:
        out, drawn = _written(make_parser(), arguments)
    except KeyboardInterrupt:
        print("interrupted; no picture written", file=sys.stderr)
        return 130
    for contradiction in drawn.contradictions:
        print(contradiction, file=sys.stderr)
    print(f"{out}: {drawn.caption}")
    return 1 if drawn.contradictions else 0


def _written(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> tuple[Path, Drawn]:
    """Where the picture was written, and what it is; SystemExit(2) with the reason if there is none."""
    from simulate.runtime.files import write_whole

    options = parser.parse_args(arguments)
    job, parser, out = options.job, options.parser, options.out
    try:
        _check_counts(options, job.counts)
        _check_out(out)
        job.check(options)
        drawn: Drawn = job.draw(options)
    except ModuleNotFoundError as error:
        if error.name is None:  # raised by ours, with the remedy
            parser.exit(2, f"{error}\n")
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        parser.exit(2, "pictures need matplotlib: pip install 'matplotlib>=3.9'\n")
    except (ValueError, FloatingPointError) as error:  # N or T too large for this machine, say, or a loss that diverged
        parser.error(str(error))
    try:
        write_whole(out, drawn.render(_form(out)))
    except OSError as error:
        parser.exit(2, f"the picture cannot be written: {error}\n")
    return out, drawn


def _check_counts(options: argparse.Namespace, counts: Counts) -> None:
    from theory.task import as_count

    for name, (least, most, _, _) in counts.items():
        value = as_count(name, getattr(options, name.replace("-", "_")), least)
        if most is not None and value > most:
            raise ValueError(f"{name} must be an integer in {least}..{most}, got {value}")


def _check_out(out: Path) -> None:
    if _form(out) not in FORMS:
        raise ValueError(f"out must end in .svg, .png or .pdf, got {str(out)!r}")
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(f"out must be a file in a folder that exists, got {str(out)!r}")
    if not os.access(out.parent, os.W_OK):
        raise ValueError(f"out must be in a folder that can be written to, got {str(out)!r}")


def _form(out: Path) -> str:
    return out.suffix.removeprefix(".").lower()
