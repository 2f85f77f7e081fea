"""Draw where the first key-query step looks, over noise level α and absorption π, for given N and T.

    python -m paper_checks.draw_phase_diagram --N 16 --T 256 --out phase.svg

The signs of "attends" (K[P(q)] > 0) and "avoids" (K[E(k)] > K[E(τ)]) are proved on boxes by interval arithmetic, their
boundaries π*(α) are exact, and the same signs are estimated by simulation on a grid of points.

Exit status: 0; 1 if an estimated sign contradicts a proved one (the picture is written and marks it); 2 if there is no
picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .phase_picture import PhaseDiagram

# All else is imported inside `main`, so that Ctrl-C ends the seconds that it takes like the rest of the run, and a
# missing matplotlib is one line.

Counts = dict[str, tuple[int, int | None, int | None, str]]

FORMS = ("svg", "png", "pdf")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    try:
        out, diagram = _drawn(arguments)
    except KeyboardInterrupt:
        print("interrupted; no picture written", file=sys.stderr)
        return 130
    wrong = [sign for sign in diagram.signs if sign.disagrees]
    for sign in wrong:
        print(f"the simulated sign contradicts the proved one: {sign}", file=sys.stderr)
    print(f"{out}: {diagram.caption}")
    return 1 if wrong else 0


def _drawn(arguments: Sequence[str] | None) -> tuple[Path, "PhaseDiagram"]:
    """Where the picture was written, and what it shows; SystemExit(2) with the reason if there is none."""
    from .ledger import write_whole

    counts = _counts()
    parser = _parser(counts)
    options = parser.parse_args(arguments)
    try:
        _check(options, counts)
        from .phase_picture import render  # before the work

        diagram = _diagram(options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        parser.exit(2, "pictures need matplotlib: pip install 'matplotlib>=3.9'\n")
    except ValueError as error:  # N or T too large for this machine, say
        parser.error(str(error))
    try:
        write_whole(options.out, render(diagram, _form(options.out)))
    except OSError as error:
        parser.exit(2, f"the picture cannot be written: {error}\n")
    return options.out, diagram


def _counts() -> Counts:
    """Least and largest value, default (None: must be given) and meaning of every option that is a count."""
    from theory.certified import COARSEST, DEEPEST

    from .phase_signs import LEAST_SAMPLES, MOST_POINTS

    return {
        "N": (2, None, None, "ordinary tokens"),
        "T": (2, None, None, "sequence length"),
        "depth": (COARSEST, DEEPEST, 8, "boxes are at least 2^-depth wide"),
        "points": (1, MOST_POINTS, 6, "signs are estimated at points × points places"),
        "samples": (LEAST_SAMPLES, None, 20_000, "sequences per place"),
        "seed": (0, None, 20240603, "base seed of the simulation"),
    }


def _parser(counts: Counts) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="draw_phase_diagram", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, (least, most, default, meaning) in counts.items():
        limits = f"at least {least}" if most is None else f"{least} to {most}"
        described = f"{meaning}, {limits}" + ("" if default is None else f" (default: {default})")
        parser.add_argument(f"--{name}", type=int, default=default, required=default is None, help=described)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture: .svg, .png or .pdf")
    return parser


def _check(options: argparse.Namespace, counts: Counts) -> None:
    """ValueError unless every option can be used."""
    from theory.task import as_count

    from .phase_signs import check_size

    for name, (least, most, _, _) in counts.items():
        value = as_count(name, getattr(options, name), least)
        if most is not None and value > most:
            raise ValueError(f"{name} must be an integer in {least}..{most}, got {value}")
    out: Path = options.out
    if _form(out) not in FORMS:
        raise ValueError(f"out must end in .svg, .png or .pdf, got {str(out)!r}")
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(f"out must be a file in a folder that exists, got {str(out)!r}")
    if not os.access(out.parent, os.W_OK):
        raise ValueError(f"out must be in a folder that can be written to, got {str(out)!r}")
    check_size(options.N, options.T)


def _form(out: Path) -> str:
    return out.suffix.removeprefix(".").lower()


def _diagram(options: argparse.Namespace) -> "PhaseDiagram":
    """Prove, trace and simulate what the picture shows."""
    from rich.console import Console
    from rich.progress import Progress

    from theory.certified import certify
    from theory.phase_diagram import CONTRASTS, critical_noise_level

    from .phase_boundary import boundary
    from .phase_picture import PhaseDiagram
    from .phase_signs import estimated_signs, summary

    N, T, points = options.N, options.T, options.points
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        proofs, curves, places = (
            bar.add_task(name, total=total)
            for name, total in (("proved boxes", 1), ("boundaries", len(CONTRASTS)), ("simulated places", points**2))
        )
        regions = certify(N, T, options.depth)
        bar.advance(proofs)
        boundaries = {}
        for contrast in CONTRASTS:
            boundaries[contrast] = boundary(N, T, contrast)
            bar.advance(curves)
        signs = list(estimated_signs(regions, points, options.samples, options.seed, lambda: bar.advance(places)))
    critical = float(sum(critical_noise_level(N, T)) / 2) if T >= 3 else None
    caption = (
        f"{summary(signs)}. Simulated: {points} × {points} places, {options.samples} sequences each, seed "
        f"{options.seed}. Proved: {len(regions.boxes)} boxes at least 1/{2**options.depth} wide."
    )
    return PhaseDiagram(regions, boundaries, critical, signs, points, caption)


if __name__ == "__main__":
    sys.exit(main())
