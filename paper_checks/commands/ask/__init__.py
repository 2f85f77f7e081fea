"""Ask the theory about your own sizes or data: thresholds, margins, sample counts, and where attention looks first.

    paper-checks ask --N 5000 --T 2048 --alpha 0.2
    paper-checks ask --bigrams counts.csv --trigger " " --noise "!" --alpha 0.5 --answers stationary
    paper-checks ask --text own.txt --trigger U+000A --json

Every line names the claim that it is an instance of, and says on what it rests: an exact value, a proof, a prediction,
or simulations at other sizes. --N is the uniform chain over N ordinary tokens and one noise token, at any size.
--bigrams is a table with the header first_codepoint,second_codepoint,count; --text is a text in UTF-8 of at least 100
characters, of which neighbouring ones are counted. There may be 3 to 128 different characters, and something must
follow each of them, or --smoothing be added to all counts. The first token follows the characters' frequencies; with
--answers stationary the correct token does so too. A character is given as itself or as its code point, U+000A.

--json is for programs: the setting, the answers with names and numbers, and what they can rest on.

Exit status: 0; 2 for sizes or data that cannot be asked about, with the reason on standard error.
"""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..groups import Command, refuse
from ..options import Count, Level

if TYPE_CHECKING:
    from theory import Task


@click.command("ask", cls=Command, help=__doc__)
@click.option("--N", "ordinary", type=Count(2), help="ordinary tokens of the uniform chain")
@click.option("--bigrams", type=click.Path(path_type=Path), metavar="FILE.csv", help="counts of pairs of characters")
@click.option("--text", type=click.Path(path_type=Path), metavar="FILE", help="a text")
@click.option("--T", "length", type=Count(2), default=256, help="length of the sequences")
@click.option("--alpha", type=Level(), default="0.5", help="noise level, in [0, 1]")
@click.option("--trigger", metavar="TOKEN", help="trigger (default: token 0, or the most frequent character)")
@click.option("--noise", metavar="TOKEN", help="noise token (default: third character in order; second if it triggers)")
@click.option("--answers", type=click.Choice(["uniform", "stationary"]), help="law of the answers (default: uniform)")
@click.option("--smoothing", type=Level(), help="number that is added to every count (default: 0)")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(
    ordinary: int | None,
    bigrams: Path | None,
    text: Path | None,
    length: int,
    alpha: Fraction,
    trigger: str | None,
    noise: str | None,
    answers: str | None,
    smoothing: Fraction | None,
    as_json: bool,
) -> int:
    given = [name for name, value in (("--N", ordinary), ("--bigrams", bigrams), ("--text", text)) if value is not None]
    if len(given) != 1:
        refuse(f"one of --N, --bigrams and --text is needed, got {' and '.join(given) or 'none'}")
    if not 0 <= alpha <= 1:
        refuse(f"--alpha must be in [0, 1], got {float(alpha)}")
    from theory import ask

    from .shown import print_json, print_tables

    try:
        if ordinary is not None:
            _only_for_data(noise=noise, answers=answers, smoothing=smoothing)
            asked = ask(_task(ordinary, length, alpha, trigger))
        else:
            from .data import ask_data, read

            asked = ask_data(read(bigrams, text, smoothing or 0), length, alpha, trigger, noise, answers or "uniform")
    except (ValueError, OSError) as error:
        refuse(error)
    (print_json if as_json else print_tables)(asked)
    return 0


def _only_for_data(**options: object) -> None:
    """ValueError if an option is given that has no meaning for the uniform chain."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"--{name} is for --bigrams and --text alone, got it with --N")


def _task(ordinary: int, length: int, alpha: Fraction, trigger: str | None) -> "Task":
    """The uniform task, or a ValueError that names the option."""
    from theory import Task

    token = "0" if trigger is None else trigger
    if not (token.isascii() and token.isdigit()) or len(token) > 30 or int(token) >= ordinary:
        raise ValueError(f"--trigger must be a token in 0..{ordinary - 1}, got {token!r}")
    return Task(ordinary, length, alpha, int(token))
