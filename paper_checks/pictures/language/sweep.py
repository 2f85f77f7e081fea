"""The picture of a sweep of LASER: heat maps, whose colours go from dark to light; the first of them have their
numbers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from paper_checks.experiments.language import Chosen, independent
from paper_checks.pictures import heat
from paper_checks.pictures.file import ON_DARK, ON_LIGHT, Picture, Style, Table
from simulate.laser.roles import Role
from simulate.laser.sweeps import Cell
from simulate.prompts.tokens import mean_and_error

from .data import ERRORS, METRICS, SweepCells, cell_in_words
from .style import LATE, PROMPTS, signed

HEADINGS = {
    "mlp_in": "MLP input (mlp_in)",
    "mlp_out": "MLP output (mlp_out)",
    "attention_qkv": "query, key, value (attention_qkv)",
    "attention_out": "attention output (attention_out)",
}
SHORT = {"mlp_in": "MLP\nin", "mlp_out": "MLP\nout", "attention_qkv": "q, k, v", "attention_out": "att.\nout"}
TALL, LOW = 0.28, 0.17
"""Heights of a layer in the first heat maps and in the others, inches."""
NUMBER: Style = {"ha": "center", "va": "center", "fontsize": 10}


class SweepPicture(Picture):
    """Changes of P(answer) and of P("the") by role and layer at the rank that is chosen for late MLP inputs; below, by
    layer and rank for each role."""

    def __init__(self, shown: SweepCells) -> None:
        self.shown = shown
        self.title = f"{shown.model}: LASER on one matrix at a time, prompts: {PROMPTS[shown.name]}"
        self.contradictions = shown.contradictions()
        held = "The ledger's claims on pocket Pythia say nothing of this model."
        if shown.held:
            held = f"P4 and P5 on this seed: {len(self.contradictions)} of 3 means on the wrong side."
        whole = shown.whole
        answer, generic, accuracy = (part.mean() for part in (whole.answer, whole.distributional, whole.correct))
        self.caption = (
            f'{len(whole.answer)} prompts; whole model: P(answer) = {answer:.3f}, P("the") = {generic:.3f}, '
            f"accuracy = {accuracy:.3f}. Changes against it, means over the prompts. Frames: P(answer) rises and "
            f'P("the") falls, both by more than {ERRORS} standard errors. Corners: cells chosen on one half of the '
            f'prompts; late: above the dotted line. On the other half, change of P(answer) and of P("the"): '
            f"{'; '.join(_reported(shown.name, kind, found) for kind, found in shown.best.items())}. {held} "
            f"Weights: sha256 {shown.swept.sha256[:12]}…"
        )

    def description(self) -> str:
        """Every number of the first heat maps, the least and the largest change of the others, the frames."""
        shown, column = self.shown, self.shown.ranks.index(self.rank)
        first = [
            f"{role}, {label} " + ", ".join(signed(value) for value in shown.changes(role, metric)[0][:, column])
            for role in shown.roles
            for metric, label in METRICS.items()
        ]
        others = [
            f"{role}, {label} {self._ends(role, metric)}" for role in shown.roles for metric, label in METRICS.items()
        ]
        largest = max(shown.changes(role, metric)[1].max() for role in shown.roles for metric in METRICS)
        framed = [
            f"{role} of layer {layer} at rank {shown.ranks[place]}"
            for role in shown.roles
            for layer, place in np.argwhere(shown.marked(role))
        ]
        return (
            f"Heat maps of changes, layer upwards. First every role at rank {self.rank}, layers from 0 on: "
            f"{'; '.join(first)}. Then rank to the right, {', '.join(map(str, shown.ranks))}, a row per role: "
            f"{'; '.join(others)}. Standard errors: at most {largest:.3f}. "
            f"Framed: {', '.join(framed) if framed else 'no cell'}."
        )

    def _ends(self, role: Role, metric: str) -> str:
        """The least and the largest change of one role, with their cells."""
        values = self.shown.changes(role, metric)[0]
        said = []
        for place in (values.argmin(), values.argmax()):
            layer, column = np.unravel_index(place, values.shape)
            said.append(f"{signed(values[layer, column])} (layer {layer}, rank {self.shown.ranks[column]})")
        return " to ".join(said)

    @property
    def rank(self) -> int:
        """The rank of the first heat maps."""
        return self.shown.best["late MLP inputs"].cell.exact_rank

    def table(self) -> Table:
        """A row per role, layer, rank and probability."""
        rows, chosen = [], {found.cell: kind for kind, found in self.shown.best.items()}
        for role in self.shown.roles:
            framed = self.shown.marked(role)
            for metric, label in METRICS.items():
                means, errors = self.shown.changes(role, metric)
                for (layer, column), mean in np.ndenumerate(means):
                    cell = Cell(layer, role, self.shown.ranks[column])
                    marks = int(framed[layer, column]), chosen.get(cell, "")
                    rows.append((role, layer, cell.rank, label, mean, errors[layer, column], *marks))
        changes = "change, probability", "standard error"
        return Table(("role", "layer", "rank", "quantity", *changes, "framed", "chosen of"), rows)

    def figure(self) -> Figure:
        """Role by layer at the chosen rank, with numbers; the bar; then layer by rank, a row per role."""
        roles, layers = self.shown.roles, self.shown.swept.layers
        first, other = max(TALL * layers, 0.6), max(LOW * layers, 0.5)
        figure = self.framed(first + 1.1 + len(roles) * (other + 0.3), above=0.55)
        top, scale = figure.get_size_inches()[1] * figure.subplotpars.top, self._scale()
        places = [heat.pair_of_axes(figure, top, first)]
        places += [
            heat.pair_of_axes(figure, top - first - 1.4 - row * (other + 0.3), other) for row in range(len(roles))
        ]
        for side, (metric, label) in enumerate(METRICS.items()):
            drawn = self._draw_first(places[0][side], metric, scale)
            places[0][side].set_title(f"change of {label}\nat rank {self.rank}", loc="left")
            for pair, role in zip(places[1:], roles, strict=True):
                self._draw(pair[side], role, metric, scale)
        for pair, role in zip(places[1:], roles, strict=True):
            pair[0].set_title(HEADINGS[role], loc="left")
        for pair in places:
            pair[0].set_ylabel("layer")
            pair[1].set_yticklabels([])
        for axes in (axes for pair in places[1:-1] for axes in pair):
            axes.set_xticklabels([])
        for axes in places[-1]:
            axes.set_xlabel("rank")
        bar = heat.placed(figure, 0.65, top - first - 0.6, 2 * heat.PANEL + heat.BESIDE, 0.13)
        figure.colorbar(drawn, cax=bar, orientation="horizontal", label="change of a probability, all heat maps")
        return figure

    def _scale(self) -> Normalize:
        """From -m to m, the largest change."""
        roles = self.shown.roles
        largest = max(float(abs(self.shown.changes(role, metric)[0]).max()) for role in roles for metric in METRICS)
        return Normalize(-max(largest, 0.005), max(largest, 0.005))

    def _draw_first(self, axes: Axes, metric: str, scale: Normalize) -> Any:
        """Role by layer at the chosen rank."""
        shown, roles = self.shown, self.shown.roles
        column = shown.ranks.index(self.rank)
        values = np.stack([shown.changes(role, metric)[0][:, column] for role in roles], axis=1)
        drawn = heat.heat_map(axes, values, scale)
        for (layer, place), value in np.ndenumerate(values):
            dark = heat.luminance(heat.FALLS_TO_RISES(scale(value))) < 0.18
            axes.text(place + 0.5, layer + 0.46, signed(value), color=ON_DARK if dark else ON_LIGHT, **NUMBER)
        for place, role in enumerate(roles):
            heat.frame(axes, [(place, layer) for layer in np.flatnonzero(shown.marked(role)[:, column]).tolist()])
            if role.startswith("mlp"):
                axes.plot([place, place + 1], [shown.swept.layers // 2] * 2, **LATE)
        cells = [found.cell for found in shown.best.values() if found.cell.rank == self.rank]
        heat.corner(axes, [(roles.index(cell.role), cell.layer) for cell in cells])
        axes.set_xticks(np.arange(len(roles)) + 0.5, [SHORT[role] for role in roles])
        return drawn

    def _draw(self, axes: Axes, role: Role, metric: str, scale: Normalize) -> None:
        """Layer by rank of one role."""
        shown = self.shown
        heat.heat_map(axes, shown.changes(role, metric)[0], scale)
        heat.frame(axes, [(column, layer) for layer, column in np.argwhere(shown.marked(role))])
        cells = [found.cell for found in shown.best.values() if found.cell.role == role]
        heat.corner(axes, [(shown.ranks.index(cell.exact_rank), cell.layer) for cell in cells])
        if role.startswith("mlp"):
            axes.axhline(shown.swept.layers // 2, **LATE)
        step = -(-len(shown.ranks) // 9)
        ticks = np.arange(len(shown.ranks))[::step]
        axes.set_xticks(ticks + 0.5, [str(shown.ranks[tick]) for tick in ticks])


def _reported(name: str, kind: str, found: Chosen) -> str:
    pairs = []
    for metric in METRICS:
        change, error = mean_and_error(independent(name, found.changes[metric]))
        pairs.append(f"{signed(change, 3)}\u00a0±\u00a0{error:.3f}")
    return f"{kind} ({cell_in_words(found.cell)}): {', '.join(pairs)}"
