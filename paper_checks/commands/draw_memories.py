"""Draw where the memories keep what they learned: the noise's singular direction, and the three steps of a head.

    python -m paper_checks.commands.draw_memories singular-values --alpha 0.3 --out values.svg
    python -m paper_checks.commands.draw_memories top-space --largest-n 12 --out map.svg
    python -m paper_checks.commands.draw_memories three-steps --N 20 --T 16 --keys E1+E --out steps.svg
    python -m paper_checks.commands.draw_memories three-steps --draws 4 --out widths.svg

singular-values: those of the associative memory over time, for n = 2, 3, 4, 8, and when the top space changes (T4).
top-space: the same for all noise levels and n: which space is on top early and late, and the time t* between (T4).
three-steps: the matrices of an induction head after three exact steps, and where it works (B3).
Curves, lines and matrices are theory's; numpy's decompositions and a simulation of the head are held against them.

Exit status: 0; 1 if numpy or the simulation contradicts theory (the picture is written); 2 if there is no picture, with
the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import sys
from collections.abc import Sequence
from fractions import Fraction

from .draw_options import Counts, Drawn, Job, add_job, drawn, exact_level, no_check, run, several_pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    return run(_parser, arguments)


def _parser() -> argparse.ArgumentParser:
    parser, add = several_pictures("draw_memories", __doc__)

    described = "Singular values of the associative memory over time, and when the noise direction is on top."
    one = add("singular-values", "singular values over time", described, "--alpha 1/3 --out values.png")
    one.add_argument(
        "--alpha", type=exact_level, default=Fraction(3, 10), help="noise level, such as 0.3 or 1/3 (default: 0.3)"
    )
    add_job(one, Job({}, _check_level, _singular_values))

    described = "Which singular space is on top early and late, by noise level and n, and the time t* between."
    two = add("top-space", "the top space by n and noise level", described, "--largest-n 8 --out map.pdf")
    add_job(two, Job({"largest-n": (4, 24, 10, "rows n = 2 up to this")}, no_check, _top_space))

    described = "The matrices of an induction head after three exact gradient steps, and where the head works."
    three = add("three-steps", "the matrices of the head", described, "--keys E1 --draws 4 --out steps.svg")
    keys = "what the keys of W_K² read: the copied token, or the own one too (default: E1+E)"
    three.add_argument("--keys", choices=("E1", "E1+E"), default="E1+E", help=keys)
    counts: Counts = {
        "N": (4, 64, 20, "tokens"),
        "T": (5, 64, 16, "sequence length"),
        "draws": (
            0,
            32,
            0,
            "simulated runs per embedding width, 0 (no such panel) or at least 2; some 10 seconds each",
        ),
        "samples": (128, None, 2**15, "sequences per simulated gradient"),
        "seed": (0, None, 20240603, "base seed of the simulations"),
    }
    add_job(three, Job(counts, _check_steps, _three_steps))
    return parser


def _check_level(options: argparse.Namespace) -> None:
    if not 0 < options.alpha < 1:
        raise ValueError(f"alpha must be strictly between 0 and 1, got {options.alpha}")


def _check_steps(options: argparse.Namespace) -> None:
    from paper_checks.pictures.memory_data import step_sizes
    from theory.birth.three_steps import InductionTask

    if options.draws == 1:
        raise ValueError("draws must be 0 or at least 2, for a standard error, got 1")
    step_sizes(InductionTask(options.N, options.T), options.keys)


def _singular_values(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.memory import SpectrumPicture  # before the work
    from paper_checks.pictures.memory_data import all_curves

    picture = SpectrumPicture(options.alpha, all_curves(options.alpha))
    return drawn(picture)


def _top_space(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.memory import MapPicture  # before the work
    from paper_checks.pictures.memory_data import row

    picture = MapPicture([row(n) for n in range(2, options.largest_n + 1)])
    return drawn(picture)


def _three_steps(options: argparse.Namespace) -> Drawn:
    from rich.console import Console
    from rich.progress import Progress

    from paper_checks.pictures.memory_data import WIDTHS, three_steps
    from paper_checks.pictures.steps import StepsPicture  # before the work
    from theory.birth.three_steps import InductionTask

    task, console = InductionTask(options.N, options.T), Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        runs = bar.add_task("simulated runs", total=options.draws * (len(WIDTHS) + 1))
        steps = three_steps(task, options.keys, options.draws, options.samples, options.seed, lambda: bar.advance(runs))
    picture = StepsPicture(steps, options.samples, options.seed)
    return drawn(picture)


if __name__ == "__main__":
    sys.exit(main())
