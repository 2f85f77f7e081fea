"""What a sweep found, as a table: the whole model, the best cells, and what the best of one half does on the other."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from paper_checks.experiments.language import METRICS, both_changes
from paper_checks.experiments.pretrained.splits import SPLITS, reported, splits
from simulate.laser.sweeps import Cell, Sweep
from simulate.prompts.sets import Prompt
from simulate.prompts.splits import clusters_of
from simulate.prompts.tokens import mean_and_error

LABELS = {"answer": "P(answer)", "distributional": "P(generic)", "correct": "accuracy"}
SHOWN = 8


def changes(made: Sweep, cell: Cell, name: str, metric: str, clusters: Sequence[str]) -> tuple[float, float]:
    """Mean change of a metric and its clustered standard error."""
    return mean_and_error(made.change(cell, name, metric), clusters)


def print_sets(made: Sweep, sets: Mapping[str, Sequence[Prompt]], seed: int) -> None:
    """A table per set."""
    console = Console(soft_wrap=True) if not Console().is_terminal else Console()
    for name, prompts in sets.items():
        console.print(_table(made, name, prompts, seed))


def _table(made: Sweep, name: str, prompts: Sequence[Prompt], seed: int) -> Table:
    clusters, cells = clusters_of(prompts), list(made.cells)
    title = f"{name}: {len(prompts)} prompts in {len(set(clusters))} clusters, {len(cells)} cells"
    table = Table("", *LABELS.values(), title=title, title_justify="left")
    whole = made.whole[name]
    table.add_row("whole model", *(_shown(*mean_and_error(getattr(whole, one), clusters)) for one in LABELS))
    table.add_section()
    best = sorted(cells, key=lambda cell: both_changes(made, cell, name, slice(None)), reverse=True)
    for cell in best[:SHOWN]:
        table.add_row(str(cell), *(_change(*changes(made, cell, name, one, clusters)) for one in LABELS))
    table.caption = (
        f"Changes, ± clustered standard error; the best {len(best[:SHOWN])} of {len(cells)} on these prompts."
    )
    if len(set(clusters)) > 1:
        table.add_section()
        several = reported(made, cells, name, splits(prompts, name, seed))
        mean = {one: np.mean([split.changes[one] for split in several], axis=0) for one in METRICS}
        table.add_row("best of the other half", *(_change(*mean_and_error(mean[one], clusters)) for one in LABELS))
        table.caption += f" The last row: chosen on one half of the clusters, reported on the other, {SPLITS} splits."
    return table


def _shown(mean: float, error: float) -> str:
    return f"{mean:.3f} ± {error:.3f}" if np.isfinite(error) else f"{mean:.3f}"


def _change(mean: float, error: float) -> str:
    return f"{mean:+.3f} ± {error:.3f}" if np.isfinite(error) else f"{mean:+.3f}"
