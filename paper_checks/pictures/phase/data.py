"""What the picture of the phase diagram shows: proved regions, traced boundaries, estimated signs."""

from rich.console import Console
from rich.progress import Progress

from theory.key_query import certified
from theory.key_query.phase_diagram import CONTRASTS, critical_noise_level

from .boundary import boundary
from .diagram import PhaseDiagram
from .signs import estimated_signs, summary


def phase_diagram(N: int, T: int, depth: int, points: int, samples: int, seed: int) -> PhaseDiagram:
    """Prove, trace and simulate what the picture shows.

    Args:
        N, T: ordinary tokens and sequence length.
        depth: boxes are at least 2^-depth wide.
        points, samples, seed: signs are estimated at points × points places, from so many sequences each.
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        proofs, curves, places = (
            bar.add_task(name, total=total)
            for name, total in (("proved boxes", 1), ("boundaries", len(CONTRASTS)), ("simulated places", points**2))
        )
        regions = certified.certify(N, T, depth)
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
