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
from typing import TYPE_CHECKING

from .draw_options import Counts, Drawn, Job, add_job, drawn, run

if TYPE_CHECKING:
    from paper_checks.pictures.phase_diagram import PhaseDiagram


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
    return drawn(phase_diagram(options.N, options.T, options.depth, options.points, options.samples, options.seed))


def phase_diagram(N: int, T: int, depth: int, points: int, samples: int, seed: int) -> "PhaseDiagram":
    """Prove, trace and simulate what the picture shows."""
    from rich.console import Console
    from rich.progress import Progress

    from paper_checks.pictures.phase_boundary import boundary
    from paper_checks.pictures.phase_diagram import PhaseDiagram
    from paper_checks.pictures.phase_signs import estimated_signs, summary
    from theory.key_query.certified import certify
    from theory.key_query.phase_diagram import CONTRASTS, critical_noise_level

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        proofs, curves, places = (
            bar.add_task(name, total=total)
            for name, total in (("proved boxes", 1), ("boundaries", len(CONTRASTS)), ("simulated places", points**2))
        )
        regions = certify(N, T, depth)
        bar.advance(proofs)
        boundaries = {}
        for contrast in CONTRASTS:
            boundaries[contrast] = boundary(N, T, contrast)
            bar.advance(curves)
        signs = list(estimated_signs(regions, points, samples, seed, lambda: bar.advance(places)))
    critical = float(sum(critical_noise_level(N, T)) / 2) if T >= 3 else None
    caption = (
        f"{summary(signs)}. Simulated: {points} × {points} places, {samples} sequences each, seed {seed}. "
        f"Proved: {len(regions.boxes)} boxes at least 1/{2**depth} wide."
    )
    return PhaseDiagram(regions, boundaries, critical, signs, points, caption)


if __name__ == "__main__":
    sys.exit(main())
