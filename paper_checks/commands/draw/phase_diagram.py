"""Draw where the first key-query step looks, over noise level α and absorption π, for given N and T.

    paper-checks draw phase-diagram --N 16 --T 256 --out phase.svg

The signs of "attends" (K[P(q)] > 0) and "avoids" (K[E(k)] > K[E(τ)]) are proved on boxes by interval arithmetic, their
boundaries π*(α) are exact, and the same signs are estimated by simulation on a grid of points.

Exit status: 0; 1 if an estimated sign contradicts a proved one (the picture is written and marks it); 2 if there is no
picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command
from paper_checks.commands.options import base_seed, count

from .picture import drawn

if TYPE_CHECKING:
    from paper_checks.pictures.phase.diagram import PhaseDiagram

DEPTHS = (4, 12)
MOST_POINTS, LEAST_SAMPLES = 12, 1000
"""As in theory.key_query.certified and pictures.phase.signs, without the seconds that importing them takes; a test
holds both against each other."""


@click.command("phase-diagram", cls=Command, help=__doc__)
@count("N", 2, None, None, "ordinary tokens")
@count("T", 2, None, None, "sequence length")
@count("depth", *DEPTHS, 8, "boxes are at least 2^-depth wide")
@count("points", 1, MOST_POINTS, 6, "signs are estimated at points × points places")
@count("samples", LEAST_SAMPLES, None, 20_000, "sequences per place")
@base_seed("the simulation")
@drawn
def command(N: int, T: int, depth: int, points: int, samples: int, seed: int) -> "PhaseDiagram":
    from paper_checks.pictures.phase.data import phase_diagram
    from paper_checks.pictures.phase.signs import check_size

    check_size(N, T)
    return phase_diagram(N, T, depth, points, samples, seed)
