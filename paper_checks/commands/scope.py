"""Draw where a claim holds over your own range of sizes or mixtures and of noise levels, its exact threshold on top.

    paper-checks scope T1.3 --N 8:512 --alpha 0.01:0.99 --out map.svg
    paper-checks scope T1.3 --N 8:64 --alpha 0.01:0.3 --T 2N --out short.png
    paper-checks scope T3.4 --part absorbed --N 3:100 --T N^3 --out reversed.pdf
    paper-checks scope T4.4 --n 2:32 --alpha 0.05:0.95 --t 1e4 --out top.svg
    paper-checks scope G5 --lambda 0:0.25 --alpha 0.3:0.9 --columns 7 --out mixtures.svg

A cell is one N (in T4 one n, in G one share lambda of Shakespeare in the chain) and one alpha; its colour is the exact
quantity that decides about the claim there, with zero in the middle of the scale. Bars are exact thresholds at that N,
found by another route: a cell on the wrong side of one is a contradiction. Empty markers are levels in a limit; nothing
is drawn between two N. In G5 bars stand at the lambda where the sign changes at that alpha, and a dashed line is the
criterion's leading order. The numbers are written beside the picture, as .csv; the terminal shows the map in letters.
--T is the length of the sequences, an integer or the rule N, 2N, N^2 or N^3, in G an integer. A map takes some seconds,
of G5 about one for each noise level from 0.1 on, and more below.

Exit status: 0; 1 if a threshold, or what is proved or stated, contradicts a cell (the picture is written); 2 if there
is no picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import functools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from .draw.picture import INTERRUPTED, drawn
from .groups import Command, CommandGroup
from .options import count, exact_level

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture
    from theory.task import RealNumber

Range = tuple[Fraction, Fraction]
LONG = 500
"""Cells from which on there is a progress bar: about a second."""


class Sizes(click.ParamType[tuple[int, int]]):
    """Least and largest size, LOW:HIGH or one value."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        low, _, high = value.partition(":")
        ends = (low, high or low)
        if not all(end.isascii() and end.isdigit() and len(end) < 19 for end in ends) or value.endswith(":"):
            self.fail(f"LOW:HIGH or one integer is needed, such as 8:512, got {value!r}", param, ctx)
        return int(low), int(high or low)


class Levels(click.ParamType[Range]):
    """Least and largest noise level, or share, LOW:HIGH or one value, decimals or fractions."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Range:
        low, colon, high = value.partition(":")
        try:
            return exact_level(low), exact_level(high if colon else low)
        except ValueError:
            self.fail(f"LOW:HIGH or one number is needed, such as 0.01:0.99, got {value!r}", param, ctx)


class Claims(CommandGroup):
    """A command for every claim that has a map, with the options that its map has."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from paper_checks.scope.claims import MAPPED

        return list(MAPPED)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _map_of(name) if name in self.list_commands(ctx) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first, having = args[0], self.list_commands(ctx)
        if not (first.startswith("-") or first in having or ctx.resilient_parsing):
            from paper_checks.project import load_claims

            why = "has no map" if first in load_claims() else "is not in the ledger"
            ctx.fail(f"claim {first} {why}; claims with a map: {', '.join(having)}")
        return super().resolve_command(ctx, args)


command = Claims("scope", help=__doc__, interrupted=INTERRUPTED, subcommand_metavar="CLAIM [OPTIONS]")


def _map_of(claim: str) -> click.Command:
    """The command that draws the maps of one claim."""
    from paper_checks.scope.claims import MAPPED, described, extent_of

    entry, extent = MAPPED[claim], extent_of(claim)
    family, names = entry.family, list(entry.statements)
    rows, levels = _written(extent.span), _written(extent.levels)
    kind = Levels() if family.continuous else Sizes()
    size = f"{family.meaning}, {family.accepted}, LOW:HIGH or one value"
    level = "noise level, LOW:HIGH or one value, decimals or fractions"
    options = [
        click.option(f"--{family.option}", "sizes", type=kind, default=rows, help=size),
        click.option("--alpha", type=Levels(), default=levels, help=level),
        click.option(f"--{family.setting}", "setting", default=entry.setting, help=_meaning(claim)),
        *([click.option("--part", type=click.Choice(names), default=names[0], help="which map")] if names[1:] else ()),
        count("rows", 1, 200, extent.rows, family.spacing),
        count("columns", 1, 400, extent.columns, "noise levels, evenly spaced"),
    ]
    maps = "\n".join(f"    {name}: {statement.short}" for name, statement in entry.statements.items())
    example = f"--{family.option} {rows} --alpha {levels} --{family.setting} {entry.setting} --out map.svg"
    draw = functools.reduce(lambda made, option: option(made), reversed(options), drawn(functools.partial(_map, claim)))
    shown = f"Maps of this claim:\n\n{maps}\n\nExample: paper-checks scope {claim} {example}"
    return click.command(claim, cls=Command, help=shown, short_help=described(claim))(draw)


def _written(ends: "tuple[RealNumber, RealNumber]") -> str:
    """As an option says a range."""
    return ":".join(str(end) if isinstance(end, int) else f"{float(end):g}" for end in ends)


def _meaning(claim: str) -> str:
    from paper_checks.scope.claims import MAPPED
    from paper_checks.scope.grid import LENGTHS, LONGEST

    entry = MAPPED[claim]
    if entry.family.continuous:
        return f"sequence length, an integer from {entry.least} to {LONGEST}"
    if entry.family.setting == "T":
        return f"sequence length, at least {entry.least}: an integer, or a rule: {', '.join(LENGTHS)}"
    limit = ", or inf for t → ∞" if entry.setting == "inf" else ""
    return f"time in units of 1/(learning rate), a positive number{limit}"


def _map(
    claim: str,
    sizes: "tuple[RealNumber, RealNumber]",
    alpha: Range,
    setting: str,
    rows: int,
    columns: int,
    part: str | None = None,
) -> "Picture":
    from paper_checks.scope.claims import MAPPED, check, scope_map
    from paper_checks.scope.picture import ScopePicture  # before the work
    from simulate.runtime.streaming import progress_bar

    check(claim, sizes, alpha, setting, part, rows)
    cells = len(MAPPED[claim].family.rows_between(*sizes, rows)) * columns
    with progress_bar(cells, cells, None, "cells", LONG) as advance:
        return ScopePicture(scope_map(claim, sizes, alpha, setting, part, rows, columns, advance))
