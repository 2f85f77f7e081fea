"""Draw how language models answer under LASER, and along their training.

    paper-checks draw language sweep --out sweep.svg
    paper-checks draw language checkpoints --out checkpoints.svg
    paper-checks draw language beside --out beside.svg
    paper-checks draw language sweep --model EleutherAI/pythia-160m --prompts facts --out pythia.pdf

sweep: what happens to P(answer) and P("the") when one matrix of one layer keeps a low rank, for every layer, role of
matrix and rank (P4, P5). checkpoints: both probabilities over the updates of a training (P3). beside: a sweep of pocket
Pythia beside one of the last layers of SmolLM2 (P4, P5).
The models are pocket Pythia, which is shipped, or with --model any that simulate.load_language_model reads. A sweep of
pocket Pythia takes some 20 seconds on one processor.

Exit status: 0; 1 if pocket Pythia has a mean on the other side than P3, P4 or P5 have it (the picture is written); 2 if
there is no picture, with the reason on standard error; 130 on Ctrl-C. The file is written whole or not at all.
"""

from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, CommandGroup
from paper_checks.commands.options import ModelName, base_seed
from paper_checks.experiments.named import require_packages

from .picture import drawn

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture

PROMPTS = ("recall", "facts")
TRAINING_SEED = 1

command = CommandGroup("language", help=__doc__)
seed_of_prompts = base_seed("the prompts")


@command.command("sweep", cls=Command, short_help="probabilities by truncated layer, role and rank")
@click.option("--prompts", type=click.Choice(PROMPTS), default=PROMPTS[0], help="which prompts")
@click.option(
    "--model",
    type=ModelName(),
    metavar="NAME|FOLDER",
    help="a model of the hub or a folder instead of pocket Pythia",
)
@click.option("--revision", help="of --model, such as step143000 (default: its main one)")
@click.option(
    "--training-seed", type=int, metavar="N", help=f"pocket Pythia of this training seed (default: {TRAINING_SEED})"
)
@seed_of_prompts
@drawn
def _sweep(prompts: str, model: str | None, revision: str | None, training_seed: int | None, seed: int) -> "Picture":
    """Changes of P(answer) and P("the") by layer, role and rank of the matrices that are truncated.

    Example: paper-checks draw language sweep --prompts facts --out sweep.png
    """
    if model is None and revision is not None:
        raise ValueError("revision is one of --model, which is not given")
    if model is not None and training_seed is not None:
        raise ValueError("training-seed is one of pocket Pythia, give it or --model")
    from paper_checks.pictures.language import data
    from paper_checks.pictures.language.sweep import SweepPicture  # before the work

    require_packages()

    try:
        if model is None:
            chosen = TRAINING_SEED if training_seed is None else training_seed
            return SweepPicture(data.pocket_sweep(prompts, seed, chosen))
        return SweepPicture(data.model_sweep(prompts, seed, model, revision))
    except OSError as error:  # no such folder, nothing at the hub, no permission, no network
        raise ValueError(str(error)) from error


@command.command("beside", cls=Command, short_help="pocket Pythia beside SmolLM2")
@click.option(
    "--training-seed", type=int, metavar="N", default=TRAINING_SEED, show_default=True, help="of pocket Pythia"
)
@seed_of_prompts
@drawn
def _beside(training_seed: int, seed: int) -> "Picture":
    """Changes by layer and role, and both probabilities over the rank, of pocket Pythia and of SmolLM2.

    Its weights come with paper-checks weights smollm2; what a run with this seed has computed is not computed again.

    Example: paper-checks draw language beside --out beside.svg
    """
    from paper_checks.pictures.language import beside_data as data
    from paper_checks.pictures.language.beside import BesidePicture  # before the work
    from paper_checks.pictures.language.data import require_training_seed

    require_packages()
    require_training_seed(training_seed)

    real = data.smollm2_side(seed)  # first, as it may not be there
    return BesidePicture([data.pocket_side(seed, training_seed), real])


@command.command("checkpoints", cls=Command, short_help="probabilities along training")
@click.option(
    "--model",
    type=ModelName(),
    metavar="NAME",
    help="a model of the hub instead of pocket Pythia; with --checkpoints",
)
@click.option("--checkpoints", metavar="REVISION,...", help="its revisions, such as step16,step128,step143000")
@seed_of_prompts
@drawn
def _checkpoints(model: str | None, checkpoints: str | None, seed: int) -> "Picture":
    """P(answer) and P("the") over the updates of a training, on prompts of recall and of facts.

    Example: paper-checks draw language checkpoints --out checkpoints.svg
    """
    if (model is None) != (checkpoints is None):
        raise ValueError("checkpoints are revisions of --model, give both or neither")
    from paper_checks.pictures.language import data
    from paper_checks.pictures.language.checkpoints import CheckpointsPicture  # before the work

    require_packages()

    try:
        if model is None or checkpoints is None:
            return CheckpointsPicture(data.pocket_checkpoints(seed))
        return CheckpointsPicture(data.model_checkpoints(seed, model, checkpoints.split(",")))
    except OSError as error:  # as for a sweep
        raise ValueError(str(error)) from error
