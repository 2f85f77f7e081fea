"""Draw where the memories keep what they learned: the noise's singular direction, and the three steps of a head.

    paper-checks draw memories singular-values --alpha 0.3 --out values.svg
    paper-checks draw memories top-space --largest-n 12 --out map.svg
    paper-checks draw memories three-steps --N 20 --T 16 --keys E1+E --out steps.svg
    paper-checks draw memories three-steps --draws 4 --out widths.svg

singular-values: those of the associative memory over time, for n = 2, 3, 4, 8, and when the top space changes (T4).
top-space: the same for all noise levels and n: which space is on top early and late, and the time t* between (T4).
three-steps: the matrices of an induction head after three exact steps, and where it works (B3).
Curves, lines and matrices are theory's; numpy's decompositions and a simulation of the head are held against them.

Exit status: 0; 1 if numpy or the simulation contradicts theory (the picture is written); 2 if there is no picture, with
the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

from fractions import Fraction
from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, CommandGroup
from paper_checks.commands.options import Level, base_seed, count

from .picture import drawn

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture

command = CommandGroup("memories", help=__doc__)


@command.command("singular-values", cls=Command, short_help="singular values over time")
@click.option("--alpha", type=Level(), default="0.3", help="noise level, such as 0.3 or 1/3")
@drawn
def _singular_values(alpha: Fraction) -> "Picture":
    """Singular values of the associative memory over time, and when the noise direction is on top.

    Example: paper-checks draw memories singular-values --alpha 1/3 --out values.png
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be strictly between 0 and 1, got {alpha}")
    from paper_checks.pictures.memory import SpectrumPicture  # before the work
    from paper_checks.pictures.memory_data import all_curves

    return SpectrumPicture(alpha, all_curves(alpha))


@command.command("top-space", cls=Command, short_help="the top space by n and noise level")
@count("largest-n", 4, 24, 10, "rows n = 2 up to this")
@drawn
def _top_space(largest_n: int) -> "Picture":
    """Which singular space is on top early and late, by noise level and n, and the time t* between.

    Example: paper-checks draw memories top-space --largest-n 8 --out map.pdf
    """
    from paper_checks.pictures.memory import MapPicture  # before the work
    from paper_checks.pictures.memory_data import row

    return MapPicture([row(n) for n in range(2, largest_n + 1)])


@command.command("three-steps", cls=Command, short_help="the matrices of an induction head")
@click.option(
    "--keys",
    type=click.Choice(["E1", "E1+E"]),
    default="E1+E",
    help="what the keys of W_K² read: the copied token, or the own one too",
)
@count("N", 4, 64, 20, "tokens")
@count("T", 5, 64, 16, "sequence length")
@count("draws", 0, 32, 0, "simulated runs per embedding width, 0 (no such panel) or at least 2; some 10 seconds each")
@count("samples", 128, None, 2**15, "sequences per simulated gradient")
@base_seed("the simulations")
@drawn
def _three_steps(keys: str, N: int, T: int, draws: int, samples: int, seed: int) -> "Picture":
    """The matrices of an induction head after three exact gradient steps, and where the head works.

    Example: paper-checks draw memories three-steps --keys E1 --draws 4 --out steps.svg
    """
    if draws == 1:
        raise ValueError("draws must be 0 or at least 2, for a standard error, got 1")
    from rich.console import Console
    from rich.progress import Progress

    from paper_checks.pictures.memory_data import WIDTHS, step_sizes, three_steps
    from paper_checks.pictures.steps import StepsPicture  # before the work
    from theory.birth.three_steps import InductionTask

    task, console = InductionTask(N, T), Console(stderr=True)
    step_sizes(task, keys)  # ValueError where none suffices
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        runs = bar.add_task("simulated runs", total=draws * (len(WIDTHS) + 1))
        steps = three_steps(task, keys, draws, samples, seed, lambda: bar.advance(runs))
    return StepsPicture(steps, samples, seed)
