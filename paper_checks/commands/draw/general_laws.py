"""Draw where the first key-query step looks, token by token, on chains from the uniform one to tiny Shakespeare (G5).

    paper-checks draw general-laws --out tokens.svg
    paper-checks draw general-laws --alpha 0.1 --shares 0,1/50,1 --T 1024 --out early.svg

A panel has one chain (1-λ) Unif + λ Shakespeare: for every character its frequency, and K at uniform output
probabilities of positions that hold it, E(a), and of those that follow it, P(a). The trigger is the space, the noise
token "!". All values are exact, up to rounding; some half a second for each panel.

Exit status: 0; 1 if the noise is not where G5 has it (alpha 1/2, T 256; the picture is written); 2 if there is no
picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from paper_checks.commands.groups import Command
from paper_checks.commands.options import Level, count, exact_level

from .picture import drawn

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture

MOST = 6
"""Panels."""


class Shares(click.ParamType[tuple[Fraction, ...]]):
    """Shares λ in [0, 1] with commas between them."""

    name = "NUMBER,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Fraction, ...]:
        try:
            shares = tuple(exact_level(one) for one in value.split(","))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not all(0 <= share <= 1 for share in shares) or not len(set(shares)) == len(shares) <= MOST:
            self.fail(f"1 to {MOST} different numbers in 0..1 are needed, got {value!r}", param, ctx)
        return shares


@click.command("general-laws", cls=Command, help=__doc__)
@click.option("--alpha", type=Level(), default="1/2", help="noise level, such as 0.3 or 1/3")
@click.option("--shares", type=Shares(), default="0,1/2,1", help="share λ of Shakespeare in each panel's chain")
@count("T", 2, 10**6, 256, "sequence length")
@drawn
def command(alpha: Fraction, shares: tuple[Fraction, ...], T: int) -> "Picture":
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be strictly between 0 and 1, got {alpha}")
    from paper_checks.pictures.general.tokens import TokensPicture  # before the work
    from paper_checks.pictures.general.tokens_data import panel

    return TokensPicture([panel(share, alpha, T) for share in shares])
