"""Heat maps of signed numbers: a scale from dark to light with zero in its middle, frames and corners on cells."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from simulate.runtime.arrays import Floats

from .file import ON_DARK, ON_LIGHT, Style

FALLS_TO_RISES = LinearSegmentedColormap.from_list(
    "falls to rises", [(0, "#08183f"), (0.28, "#2f559e"), (0.5, "#a0a3a7"), (0.72, "#f1bd4f"), (1, "#fff8d2")]
)
"""Blue, grey, yellow; the lightness rises throughout. No entry is a grey, of which a dark page would have another."""
PANEL, BESIDE = 2.1, 0.22
"""Width of a heat map, and room between two, inches."""
CHOSEN: Style = {"facecolor": ON_LIGHT, "edgecolor": ON_DARK, "linewidth": 0.6, "zorder": 4}


def placed(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes by inches, `top` from the lower edge."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, (top - height) / up, width / across, height / up))


def pair_of_axes(figure: Figure, top: float, height: float) -> list[Axes]:
    """Two heat maps side by side."""
    return [placed(figure, left, top, PANEL, height) for left in (0.65, 0.65 + PANEL + BESIDE)]


def heat_map(axes: Axes, values: Floats, scale: Normalize) -> Any:
    drawn = axes.pcolormesh(values, cmap=FALLS_TO_RISES, norm=scale, edgecolors="white", linewidth=0.4)
    step = -(-len(values) // 8)
    axes.set_yticks(np.arange(0, len(values), step) + 0.5, [str(layer) for layer in range(0, len(values), step)])
    axes.tick_params(length=0)
    return drawn


def frame(axes: Axes, cells: Iterable[tuple[int, int]]) -> None:
    for column, layer in cells:
        for colour, line in ((ON_DARK, 2.8), (ON_LIGHT, 1.4)):
            at = (column + 0.05, layer + 0.06)
            axes.add_patch(Rectangle(at, 0.9, 0.88, fill=False, color=colour, linewidth=line, zorder=3))


def corner(axes: Axes, cells: Iterable[tuple[int, int]]) -> None:
    for column, layer in cells:
        right, top = column + 0.98, layer + 0.98
        axes.add_patch(Polygon([(right, top), (right - 0.3, top), (right, top - 0.45)], **CHOSEN))


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of sRGB, 0 to 1 (WCAG)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
