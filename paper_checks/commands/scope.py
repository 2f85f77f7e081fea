"""Draw where a claim holds over your own range of sizes and noise levels, with its exact threshold on top.

    python -m paper_checks scope T1.3 --N 8:512 --alpha 0.01:0.99 --out map.svg
    python -m paper_checks scope T1.3 --N 8:64 --alpha 0.01:0.3 --T 2N --out short.png
    python -m paper_checks scope T3.4 --part absorbed --N 3:100 --T N^3 --out reversed.pdf
    python -m paper_checks scope T4.4 --n 2:32 --alpha 0.05:0.95 --t 1e4 --out top.svg

A cell is one N (or n, in T4) and one alpha; it shows the sign of the exact quantity that decides about the claim there.
Solid lines are exact thresholds, found by another route: a cell on the wrong side of one is a contradiction. Broken
lines are asymptotic estimates. --T is the length of the sequences, an integer or the rule N, 2N, N^2 or N^3.

Exit status: 0; 1 if a threshold, or what is proved or stated, contradicts a cell (the picture is written); 2 if there
is no picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NoReturn

from .draw_options import Counts, Drawn, Job, add_job, drawn, exact_level, run

EXAMPLE = "python -m paper_checks scope"
COUNTS: Counts = {
    "rows": (1, 200, 24, "sizes, evenly spaced in their logarithm"),
    "columns": (1, 400, 99, "noise levels, evenly spaced"),
}
LONG = 500
"""Cells from which on there is a progress bar: about a second."""


class OneLine(argparse.ArgumentParser):
    """A parser whose errors are one line, and name what is accepted."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As the parent's, but nothing may be left over."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            options = " ".join(action.option_strings[-1] for action in self._actions if action.option_strings)
            self.error(f"unrecognized arguments: {' '.join(rest)}; accepted: {options}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and the message."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    given = _joined(sys.argv[1:] if arguments is None else arguments)
    return run(lambda: _parser(given), given)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Options as --alpha=-1:2, so that a value below 0 is not taken for an option."""
    found: list[str] = []
    for argument in arguments:
        negative = argument[:1] == "-" and argument[1:2] in [*"0123456789."]
        if negative and found and found[-1].startswith("--") and "=" not in found[-1]:
            found[-1] += f"={argument}"
        else:
            found.append(argument)
    return found


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the claim that is given, or of all for the help; wrong claims and options end here, by name."""
    from paper_checks.project import load_claims
    from paper_checks.scope.claims import MAPPED, described

    raw = argparse.RawDescriptionHelpFormatter
    parser = OneLine(prog="scope", description=__doc__, formatter_class=raw, allow_abbrev=False)
    claims = parser.add_subparsers(metavar="CLAIM", required=True, help="one of:")
    for claim in MAPPED:
        _add_options(
            claims.add_parser(claim, help=described(claim).replace("%", "%%"), allow_abbrev=False, formatter_class=raw),
            claim,
        )
    first = given[0] if given else "-"
    if not first.startswith("-") and first not in MAPPED:
        why = "has no map" if first in load_claims() else "is not in the ledger"
        parser.error(f"claim {first} {why}; claims with a map: {', '.join(MAPPED)}")
    return parser


def _add_options(parser: argparse.ArgumentParser, claim: str) -> None:
    from paper_checks.scope.claims import MAPPED, default_sizes

    entry, (low, high) = MAPPED[claim], default_sizes(claim)
    family = entry.family
    parser.description = "Maps of this claim:\n" + "\n".join(
        f"  {name}: {statement.short}" for name, statement in entry.statements.items()
    )
    options = f"--{family.symbol} {low}:{high} --alpha 0.01:0.99 --{family.setting} {entry.setting} --out map.svg"
    parser.epilog = f"example: {EXAMPLE} {claim} {options}"
    size = f"{family.meaning}, 2 to {family.largest}, LOW:HIGH or one value (default: {low}:{high})"
    parser.add_argument(f"--{family.symbol}", dest="sizes", type=_sizes, default=(low, high), help=size)
    level = "noise level, LOW:HIGH or one value, decimals or fractions (default: 0.01:0.99)"
    ends = (Fraction(1, 100), Fraction(99, 100))
    parser.add_argument("--alpha", type=_levels, default=ends, help=level)
    parser.add_argument(f"--{family.setting}", dest="setting", default=entry.setting, help=_meaning(claim))
    names = list(entry.statements)
    if len(names) > 1:
        parser.add_argument("--part", choices=names, default=names[0], help=f"which map (default: {names[0]})")
    parser.set_defaults(claim=claim, part=names[0])
    add_job(parser, Job(COUNTS, _check, _draw))


def _meaning(claim: str) -> str:
    from paper_checks.scope.claims import MAPPED
    from paper_checks.scope.grid import LENGTHS

    entry = MAPPED[claim]
    if entry.family.setting == "T":
        rules = ", ".join(LENGTHS)
        return f"sequence length, at least {entry.least}: an integer, or a rule: {rules} (default: {entry.setting})"
    limit = ", or inf for t → ∞" if entry.setting == "inf" else ""
    return f"time in units of 1/(learning rate), a positive number{limit} (default: {entry.setting})"


def _sizes(text: str) -> tuple[int, int]:
    low, _, high = text.partition(":")
    if not all(end.isascii() and end.isdigit() and len(end) < 19 for end in (low, high or low)) or text.endswith(":"):
        raise argparse.ArgumentTypeError(f"LOW:HIGH or one integer is needed, such as 8:512, got {text!r}")
    return int(low), int(high or low)


def _levels(text: str) -> tuple[Fraction, Fraction]:
    low, colon, high = text.partition(":")
    try:
        return exact_level(low), exact_level(high if colon else low)
    except argparse.ArgumentTypeError:
        message = f"LOW:HIGH or one number is needed, such as 0.01:0.99, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _check(options: argparse.Namespace) -> None:
    from paper_checks.scope.claims import check

    check(options.claim, options.sizes, options.alpha, options.setting, options.part, options.rows)


def _draw(options: argparse.Namespace) -> Drawn:
    from paper_checks.scope.claims import scope_map
    from paper_checks.scope.grid import sizes_between
    from paper_checks.scope.picture import ScopePicture  # before the work
    from simulate.runtime.streaming import progress_bar

    low, high = options.sizes
    cells = len(sizes_between(low, high, options.rows)) * options.columns
    with progress_bar(cells, cells, None, "cells", LONG) as advance:
        found = scope_map(options.claim, options.sizes, options.alpha, options.setting, options.part, options.rows,
                          options.columns, advance)  # fmt: skip
    return drawn(ScopePicture(found))


if __name__ == "__main__":
    sys.exit(main())
