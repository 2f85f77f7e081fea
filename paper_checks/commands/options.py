"""Types of options that commands share: counts, exact numbers, several integers, models, pictures, records of runs."""

import math
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click

from paper_checks.evidence import DEFAULT_SEED

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

FORMS = ("svg", "png", "pdf")
RECORD = Path(".evidence") / "claims.json"


class Count(click.IntRange):
    """An integer with limits."""

    name = "integer"


class Amount(click.FloatRange):
    """A finite number with limits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):  # NaN is beyond no limit
            self.fail(f"a finite number is needed, got {value!r}", param, ctx)
        return found


class Level(click.ParamType[Fraction]):
    """A number, exactly: the fraction, or the shortest decimal of the float that is nearest."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        if isinstance(value, Fraction):
            return value
        try:
            return exact_level(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Integers(click.ParamType[tuple[int, ...]]):
    """Integers with commas between them."""

    name = "INTEGER,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(one) for one in value.split(","))
        except ValueError:
            self.fail(f"integers with commas between them are needed, got {value!r}", param, ctx)


class ModelName(click.ParamType[str]):
    """A language model: a name or a folder, which is looked for when it is loaded."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("a name or a folder is needed, got ''", param, ctx)
        return str(value)


class PictureFile(click.ParamType[Path]):
    """A picture to be written, in a folder that exists and can be written to."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        out = Path(value)
        if form_of(out) not in FORMS:
            self.fail(f"must end in .svg, .png or .pdf, got {str(out)!r}", param, ctx)
        if out.is_dir() or not out.parent.is_dir():
            self.fail(f"must be a file in a folder that exists, got {str(out)!r}", param, ctx)
        if not os.access(out.parent, os.W_OK):
            self.fail(f"must be in a folder that can be written to, got {str(out)!r}", param, ctx)
        return out


def exact_level(text: str) -> Fraction:
    """The number that an option says, exactly.

    Raises:
        ValueError: none is said, or one beyond the floats.
    """
    try:
        return Fraction(text) if "/" in text else Fraction(repr(float(text)))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"a number such as 0.3 or 1/3 is needed, got {text!r}") from None


def form_of(out: Path) -> str:
    """Which of FORMS the name of a file says, if any."""
    return out.suffix.removeprefix(".").lower()


def count(name: str, least: int, most: int | None, default: int | None, meaning: str) -> Decorator[Any]:
    """The option --name, an integer from `least` to `most`; without a default it must be given."""
    return click.option(
        f"--{name}",
        name.replace("-", "_"),
        type=Count(least, most),
        default=default,
        required=default is None,
        help=meaning,
    )


def base_seed(of: str) -> Decorator[Any]:
    """The option --seed."""
    return count("seed", 0, None, DEFAULT_SEED, f"base seed of {of}")


def records() -> Decorator[Any]:
    """The option --record, which names a run, or runs of different claims."""
    return click.option(
        "--record",
        "records",
        type=click.Path(path_type=Path),
        multiple=True,
        default=[RECORD],
        metavar="FILE",
        help="record of a run; given several times, of different claims by the same code, they make one run",
    )
