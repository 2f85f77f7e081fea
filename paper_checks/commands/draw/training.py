"""Draw how a two-layer transformer learns recall, and where its weights keep the noise.

    paper-checks draw training curves --alpha 0.5 --out curves.svg
    paper-checks draw training overview --out overview.svg --check
    paper-checks draw training ranks --out ranks.svg
    paper-checks draw training probes --seeds 10 --out probes.svg

curves: probabilities, accuracy of recall and attention over training, with the last feed-forward layer and without it
(E1, E2, E4, E5; E7 at other noise levels, E8 with 2 or 5 triggers).
overview: the first of these on less room, README's picture.
ranks: probabilities when a matrix keeps only its top singular directions, or all but them (E3, E6).
probes: memory recall of the three matrices over training, by the loss, and global bigrams before recall (B4, B5).
The models are those of these claims, trained anew, at desk scale: some 5 seconds each on one processor.

With --check nothing is written: the file and its numbers beside it are held against what would be drawn.

Exit status: 0; 1 if a median over the seeds is on the wrong side of the ledger's threshold (the picture is written), or
--check finds something stale; 2 if there is no picture, with the reason on standard error; 130 on Ctrl-C. The file is
written whole or not at all.
"""

from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, CommandGroup
from paper_checks.commands.options import base_seed, count

from .picture import drawn

if TYPE_CHECKING:
    from paper_checks.pictures.file import Picture

command = CommandGroup("training", help=__doc__)
seeds_of_training = count("seeds", 1, 100, 6, "trainings of each kind")
seed_of_training = base_seed("the trainings")


@command.command("curves", cls=Command, short_help="probabilities and attention over training")
@click.option("--alpha", type=float, default=0.5, help="noise level, 0.1 to 0.9")
@count("triggers", 1, 12, 1, "triggers, each with its own correct token")
@seeds_of_training
@seed_of_training
@drawn
def _curves(alpha: float, triggers: int, seeds: int, seed: int) -> "Picture":
    """Probabilities of the noise and of the correct token, accuracy of recall, and attention over training.

    Example: paper-checks draw training curves --alpha 0.3 --out curves.png
    """
    if not 0.1 <= alpha <= 0.9:
        raise ValueError(f"alpha must be between 0.1 and 0.9, got {alpha:g}")
    from paper_checks.pictures.training import CurvesPicture  # before the work
    from paper_checks.pictures.training_data import recall_curves

    return CurvesPicture(recall_curves(alpha, triggers, seed, seeds))


@command.command("overview", cls=Command, short_help="what is learned first, README's picture")
@seeds_of_training
@seed_of_training
@drawn
def _overview(seeds: int, seed: int) -> "Picture":
    """Noise, recall and attention of the model, and what is left without its last feed-forward layer.

    Example: paper-checks draw training overview --out overview.svg
    """
    from paper_checks.pictures.overview import OverviewPicture  # before the work
    from paper_checks.pictures.training_data import recall_curves

    return OverviewPicture(recall_curves(0.5, 1, seed, seeds))


@command.command("ranks", cls=Command, short_help="probabilities by rank")
@seeds_of_training
@seed_of_training
@drawn
def _ranks(seeds: int, seed: int) -> "Picture":
    """Probabilities of the noise and of the correct token by the singular directions that a matrix keeps.

    Example: paper-checks draw training ranks --seeds 10 --out ranks.pdf
    """
    from paper_checks.pictures.training import RanksPicture  # before the work
    from paper_checks.pictures.training_data import truncations

    return RanksPicture(truncations(seed, seeds))


@command.command("probes", cls=Command, short_help="memory recall over training")
@seeds_of_training
@seed_of_training
@drawn
def _probes(seeds: int, seed: int) -> "Picture":
    """Memory recall of the three matrices over training, and global bigrams before in-context recall.

    Example: paper-checks draw training probes --out probes.svg
    """
    from paper_checks.pictures.training import ProbesPicture  # before the work
    from paper_checks.pictures.training_data import probe_curves

    return ProbesPicture(probe_curves(seed, seeds))
