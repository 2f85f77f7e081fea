"""Draw how language models answer under LASER, and along their training.

    python -m paper_checks.commands.draw_language sweep --out sweep.svg
    python -m paper_checks.commands.draw_language checkpoints --out checkpoints.svg
    python -m paper_checks.commands.draw_language sweep --model EleutherAI/pythia-160m --prompts facts --out pythia.pdf

sweep: what happens to P(answer) and P("the") when one matrix of one layer keeps a low rank, for every layer, role of
matrix and rank (P4, P5). checkpoints: both probabilities over the updates of a training (P3).
The models are pocket Pythia, which is shipped, or with --model any that simulate.load_language_model reads. A sweep of
pocket Pythia takes some 20 seconds on one processor.

Exit status: 0; 1 if pocket Pythia has a mean on the other side than P3, P4 or P5 have it (the picture is written); 2 if
there is no picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

import argparse
import sys
from collections.abc import Sequence

from .draw_options import Counts, Drawn, Job, add_job, drawn, run, several_pictures

SETS = ("recall", "facts")
TRAINING_SEED = 1
SHARED: Counts = {"seed": (0, None, 20240603, "base seed of the prompts")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    return run(_parser, arguments)


def _parser() -> argparse.ArgumentParser:
    parser, add = several_pictures("draw_language", __doc__)
    described = 'Changes of P(answer) and P("the") by layer, role and rank of the matrices that are truncated.'
    one = add("sweep", "probabilities by truncated layer, role and rank", described, "--prompts facts --out sweep.png")
    one.add_argument("--prompts", choices=SETS, default=SETS[0], help="which prompts (default: %(default)s)")
    one.add_argument("--model", metavar="NAME|FOLDER", help="a model of the hub or a folder instead of pocket Pythia")
    one.add_argument("--revision", help="of --model, such as step143000 (default: its main one)")
    seed = f"pocket Pythia of this training seed (default: {TRAINING_SEED})"
    one.add_argument("--training-seed", type=int, metavar="N", help=seed)
    add_job(one, Job(SHARED, _check_sweep, _sweep))

    described = 'P(answer) and P("the") over the updates of a training, on prompts of recall and of facts.'
    two = add("checkpoints", "probabilities along training", described, "--out checkpoints.svg")
    two.add_argument("--model", metavar="NAME", help="a model of the hub instead of pocket Pythia; with --checkpoints")
    two.add_argument("--checkpoints", metavar="REVISION,...", help="its revisions, such as step16,step128,step143000")
    add_job(two, Job(SHARED, _check_checkpoints, _checkpoints))
    return parser


def _check_sweep(options: argparse.Namespace) -> None:
    if options.model is None and options.revision is not None:
        raise ValueError("revision is one of --model, which is not given")
    if options.model is not None and options.training_seed is not None:
        raise ValueError("training-seed is one of pocket Pythia, give it or --model")


def _check_checkpoints(options: argparse.Namespace) -> None:
    if (options.model is None) != (options.checkpoints is None):
        raise ValueError("checkpoints are revisions of --model, give both or neither")


def _sweep(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures import language_data as data
    from paper_checks.pictures.language import SweepPicture  # before the work

    try:
        if options.model is None:
            training_seed = TRAINING_SEED if options.training_seed is None else options.training_seed
            return drawn(SweepPicture(data.pocket_sweep(options.prompts, options.seed, training_seed)))
        return drawn(SweepPicture(data.model_sweep(options.prompts, options.seed, options.model, options.revision)))
    except OSError as error:  # no such folder, nothing at the hub, no permission, no network
        raise ValueError(str(error)) from error


def _checkpoints(options: argparse.Namespace) -> Drawn:
    from paper_checks.pictures import language_data as data
    from paper_checks.pictures.language import CheckpointsPicture  # before the work

    try:
        if options.model is None:
            return drawn(CheckpointsPicture(data.pocket_checkpoints(options.seed)))
        revisions = options.checkpoints.split(",")
        return drawn(CheckpointsPicture(data.model_checkpoints(options.seed, options.model, revisions)))
    except OSError as error:  # as for a sweep
        raise ValueError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
