"""Draw how a two-layer transformer learns recall, and where its weights keep the noise.

    python -m paper_checks.commands.draw_training curves --alpha 0.5 --out curves.svg
    python -m paper_checks.commands.draw_training ranks --out ranks.svg
    python -m paper_checks.commands.draw_training probes --seeds 10 --out probes.svg

curves: probabilities, accuracy of recall and attention over training, with the last feed-forward layer and without it
(E1, E2, E4, E5; E7 at other noise levels, E8 with 2 or 5 triggers).
ranks: probabilities when a matrix keeps only its top singular directions, or all but them (E3, E6).
probes: memory recall of the three matrices over training, by the loss, and global bigrams before recall (B4, B5).
The models are those of these claims, trained anew, at desk scale: some 5 seconds each on one processor.

Exit status: 0; 1 if a median over the seeds is on the wrong side of the ledger's threshold (the picture is written); 2
if there is no picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import sys
from collections.abc import Sequence

from .draw_options import Counts, Drawn, Job, add_job, drawn, no_check, run, several_pictures

SHARED: Counts = {
    "seeds": (1, 100, 6, "trainings of each kind"),
    "seed": (0, None, 20240603, "base seed of the trainings"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    return run(_parser, arguments)


def _parser() -> argparse.ArgumentParser:
    parser, add = several_pictures("draw_training", __doc__)
    described = "Probabilities of the noise and of the correct token, accuracy of recall, and attention over training."
    one = add("curves", "probabilities and attention over training", described, "--alpha 0.3 --out curves.png")
    one.add_argument("--alpha", type=float, default=0.5, help="noise level, 0.1 to 0.9 (default: 0.5)")
    triggers: Counts = {"triggers": (1, 12, 1, "triggers, each with its own correct token")}
    add_job(one, Job(triggers | SHARED, _check_level, _curves))

    described = "Probabilities of the noise and of the correct token by the singular directions that a matrix keeps."
    two = add("ranks", "probabilities by rank", described, "--seeds 10 --out ranks.pdf")
    add_job(two, Job(SHARED, no_check, _ranks))

    described = "Memory recall of the three matrices over training, and global bigrams before in-context recall."
    three = add("probes", "memory recall over training", described, "--out probes.svg")
    add_job(three, Job(SHARED, no_check, _probes))
    return parser


def _check_level(options: argparse.Namespace) -> None:
    if not 0.1 <= options.alpha <= 0.9:
        raise ValueError(f"alpha must be between 0.1 and 0.9, got {options.alpha:g}")


def _curves(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.training import CurvesPicture  # before the work
    from paper_checks.pictures.training_data import recall_curves

    _one_thread()
    return drawn(CurvesPicture(recall_curves(options.alpha, options.triggers, options.seed, options.seeds)))


def _ranks(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.training import RanksPicture  # before the work
    from paper_checks.pictures.training_data import truncations

    _one_thread()
    return drawn(RanksPicture(truncations(options.seed, options.seeds)))


def _probes(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures.training import ProbesPicture  # before the work
    from paper_checks.pictures.training_data import probe_curves

    _one_thread()
    return drawn(ProbesPicture(probe_curves(options.seed, options.seeds)))


def _one_thread() -> None:
    """As in the checks: the weights depend on the number of threads, and one is fastest at this size."""
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(main())
