"""Draw where the first key-query step looks, over noise level α and absorption π, for given N and T.

    python -m paper_checks.commands.draw_phase_diagram --N 16 --T 256 --out phase.svg

The signs of "attends" (K[P(q)] > 0) and "avoids" (K[E(k)] > K[E(τ)]) are proved on boxes by interval arithmetic, their
boundaries π*(α) are exact, and the same signs are estimated by simulation on a grid of points.

Exit status: 0; 1 if an estimated sign contradicts a proved one (the picture is written and marks it); 2 if there is no
picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import sys
from collections.abc import Sequence

from .draw_options import Counts, Drawn, Job, add_job, drawn, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    return run(_parser, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="draw_phase_diagram", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_job(parser, Job(_counts(), _check, _drawn))
    return parser


def _counts() -> Counts:
    from paper_checks.pictures.phase_signs import LEAST_SAMPLES, MOST_POINTS
    from theory.key_query.certified import COARSEST, DEEPEST

    return {
        "N": (2, None, None, "ordinary tokens"),
        "T": (2, None, None, "sequence length"),
        "depth": (COARSEST, DEEPEST, 8, "boxes are at least 2^-depth wide"),
        "points": (1, MOST_POINTS, 6, "signs are estimated at points × points places"),
        "samples": (LEAST_SAMPLES, None, 20_000, "sequences per place"),
        "seed": (0, None, 20240603, "base seed of the simulation"),
    }


def _check(options: argparse.Namespace) -> None:
    from paper_checks.pictures.phase_signs import check_size

    check_size(options.N, options.T)


def _drawn(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.phase_data import phase_diagram

    return drawn(phase_diagram(options.N, options.T, options.depth, options.points, options.samples, options.seed))


if __name__ == "__main__":
    sys.exit(main())
