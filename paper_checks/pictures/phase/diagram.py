"""The phase diagram of the first key-query step as a picture: certified regions, boundaries, estimated signs.

Greys, hatches, line styles and shapes carry everything, so that it reads without colour. pyplot is not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, Stroke

from paper_checks.pictures.file import WIDTH, Picture, Style, Table
from theory.key_query.certified import Box, Regions
from theory.key_query.phase_diagram import CONTRASTS

from .boundary import Point
from .signs import EstimatedSign

Kind = tuple[int, ...]

LEFT, RIGHT = 0.65, 0.25
SIDE = WIDTH - LEFT - RIGHT
"""Of the square, inches."""
KEYS = 3.85
"""Height of the words below it, inches."""

UNDECIDED: Kind = ()
REGIONS: dict[Kind, tuple[str, str, str]] = {
    (1, 1): ("1.0", "", "attends and avoids"),
    (1, -1): ("0.88", "//", "attends, does not avoid"),
    (-1, 1): ("0.76", "..", "avoids, does not attend"),
    (-1, -1): ("0.62", "xx", "neither"),
    UNDECIDED: ("0.0", "", "undecided at this depth"),
}
"""Grey level, hatch and name per pair of proved signs (attends, avoids)."""
CURVES: dict[str, tuple[Any, str, float]] = {
    "attends": ("-", "#1f3f8f", 1 / 6),
    "avoids": ((0, (3, 1)), "#a03000", 1 / 3),
}
"""Line style, colour and height of the label per contrast."""
SHAPES: dict[tuple[str, int], tuple[str, str, str]] = {
    ("attends", 1): ("^", "black", "attends"),
    ("attends", -1): ("v", "white", "does not attend"),
    ("avoids", 1): ("P", "black", "avoids"),
    ("avoids", -1): ("_", "black", "does not avoid"),
    ("", 0): ("$?$", "black", "sign not determined"),
}
"""Marker, its filling and its meaning per contrast and estimated sign."""
ABSORBED: Style = {"color": "black", "linewidth": 1, "linestyle": ":"}
UNIFORM: Style = {"color": "black", "linewidth": 1, "linestyle": "-."}
CRITICAL: Style = {"color": "white", "marker": "D", "markersize": 9, "markeredgecolor": "black", "linestyle": "none"}


@dataclass(eq=False)
class PhaseDiagram(Picture):
    """What the picture shows for one (N, T)."""

    regions: Regions
    boundaries: dict[str, list[list[Point]]]
    critical: float | None
    """α_c, the noise level at which "attends" changes sign at uniform p; None at T = 2."""
    signs: Sequence[EstimatedSign]
    points: int
    caption: str

    def __post_init__(self) -> None:
        self.title = f"Where the first key-query step looks, N = {self.regions.N}, T = {self.regions.T}"
        self.contradictions = [
            f"the simulated sign contradicts the proved one: {sign}" for sign in self.signs if sign.disagrees
        ]

    def boxes(self, kind: Kind) -> list[Box]:
        """The boxes of one kind of region."""
        return [box for box in self.regions.boxes if kind_of(box) == kind]

    def share(self, kind: Kind) -> float:
        """Area of one kind of region."""
        return float(sum(box.width**2 for box in self.boxes(kind)))

    def description(self) -> str:
        """The picture in words."""
        areas = "; ".join(f"{name} on {self.share(kind):.1%}" for kind, (_, _, name) in REGIONS.items())
        critical = "" if self.critical is None else f" The critical noise level at uniform p is {self.critical:.4f}."
        return (
            "Noise level α from 0 to 1 to the right, absorption π from 0 to 1 upwards. "
            f"Certified regions, by share of the square: {areas}.{critical}"
        )

    def table(self) -> Table:
        """Proved boxes (lower left corner, width, signs), points of the boundaries, simulated signs."""
        rows: list[tuple[object, ...]] = [
            ("proved box", *map(float, box.corner), float(box.width), *(box.signs[name] for name in CONTRASTS))
            for box in self.regions.boxes
        ]
        for name, branches in self.boundaries.items():
            rows += [(f"boundary of {name}", *point, "", "", "") for branch in branches for point in branch]
        places: dict[tuple[float, float], dict[str, int]] = {}
        for sign in self.signs:
            places.setdefault((float(sign.alpha), float(sign.absorption)), {})[sign.contrast] = sign.seen
        rows += [("simulated", *place, "", *(seen[name] for name in CONTRASTS)) for place, seen in places.items()]
        return Table(("what", "alpha", "absorption pi", "width", *(f"sign of {name}" for name in CONTRASTS)), rows)

    def figure(self) -> Figure:
        """The square, and below it what its greys, lines and marks are."""
        figure = self.framed(SIDE, left=LEFT, above=0.1, right=RIGHT, below=KEYS)
        axes = figure.add_subplot()
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="noise level α", ylabel="absorption π = p_τ")
        _draw_regions(axes, self)
        _draw_lines(axes, self)
        for contrast, branches in self.boundaries.items():
            _draw_boundary(axes, contrast, branches, _free_heights(self))
        _draw_signs(axes, self)
        _draw_legends(axes, self)
        return figure


def kind_of(box: Box) -> Kind:
    """The pair of proved signs (attends, avoids) of a box, or UNDECIDED."""
    signs = tuple(box.signs[contrast] for contrast in CONTRASTS)
    return signs if all(signs) else UNDECIDED


def slug(name: str) -> str:
    """The id, in an SVG, of the group that holds the boxes of a region of REGIONS."""
    return name.replace(",", "").replace(" ", "-")


def _draw_regions(axes: Axes, diagram: PhaseDiagram) -> None:
    for kind, (grey, hatch, name) in REGIONS.items():
        corners = [(*map(float, box.corner), float(box.width)) for box in diagram.boxes(kind)]
        squares = [[(x, y), (x + w, y), (x + w, y + w), (x, y + w)] for x, y, w in corners]
        axes.add_collection(
            PolyCollection(
                squares, facecolor=grey, hatch=hatch, edgecolor="0.35", linewidth=0, antialiased=False, gid=slug(name)
            )  # without antialiasing: no seams between boxes
        )


def _draw_lines(axes: Axes, diagram: PhaseDiagram) -> None:
    """π = α, π = 1/(N+1) and α_c."""
    uniform = 1 / (diagram.regions.N + 1)
    halo = [Stroke(linewidth=3, foreground="white"), Normal()]
    axes.plot([0, 1], [0, 1], **ABSORBED, path_effects=halo)
    axes.plot([0, 1], [uniform, uniform], **UNIFORM, path_effects=halo)
    if diagram.critical is not None:  # white, and under the marks: it may lie on one
        axes.plot(diagram.critical, uniform, **CRITICAL, zorder=5)


def _draw_boundary(axes: Axes, contrast: str, branches: list[list[Point]], free: list[float]) -> None:
    style, colour, wanted = CURVES[contrast]
    halo = [Stroke(linewidth=2.6, foreground="white"), Normal()]
    for branch in branches:
        axes.plot(*zip(*branch, strict=True), color=colour, linewidth=1.4, linestyle=style, path_effects=halo, zorder=3)
    if not branches:
        return
    height = min(free, key=lambda middle: abs(middle - wanted), default=wanted)
    longest = max(branches, key=lambda branch: branch[-1][0] - branch[0][0])
    near = min(longest, key=lambda point: abs(point[1] - height))
    right = contrast == "attends"  # the side of the curve on which there is room
    axes.annotate(
        f"{contrast}: sign changes",
        near,
        (min(near[0] + 0.1, 0.71) if right else max(near[0] - 0.05, 0.43), height),
        ha="left" if right else "right",
        va="center",
        color=colour,
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": colour, "linestyle": style},
        arrowprops={"arrowstyle": "->", "color": colour, "relpos": (0 if right else 1, 0.5), "shrinkB": 2},
        zorder=8,
    )


def _free_heights(diagram: PhaseDiagram) -> list[float]:
    """Heights between two rows of estimated signs, away from the line of uniform p."""
    uniform = 1 / (diagram.regions.N + 1)
    middles = [k / diagram.points for k in range(1, diagram.points)]
    return [middle for middle in middles if abs(middle - uniform) > 0.03]


def _draw_signs(axes: Axes, diagram: PhaseDiagram) -> None:
    """Per place a white plate with two marks: left "attends", right "avoids"; a thick frame where one disagrees."""
    width, height, shift = 0.064, 0.036, 0.015
    for x, y in {(float(sign.alpha), float(sign.absorption)): None for sign in diagram.signs}:
        corner = (x - width / 2, y - height / 2)
        axes.add_patch(Rectangle(corner, width, height, facecolor="white", edgecolor="none", zorder=4))
    for sign in diagram.signs:
        x, y = float(sign.alpha) + (-shift if sign.contrast == "attends" else shift), float(sign.absorption)
        marker, filling, _ = SHAPES[sign.contrast if sign.seen else "", sign.seen]
        axes.plot(x, y, marker=marker, markersize=6.5, color="black", markerfacecolor=filling, zorder=6)
        if sign.disagrees:
            corner = (x - width / 4, y - height / 2)
            axes.add_patch(Rectangle(corner, width / 2, height, fill=False, edgecolor="black", linewidth=3, zorder=7))


def _draw_legends(axes: Axes, diagram: PhaseDiagram) -> None:
    swatches: list[Artist] = [
        Patch(facecolor=grey, hatch=hatch * 2, edgecolor="0.35", label=f"{name}, {diagram.share(kind):.1%}")
        for kind, (grey, hatch, name) in REGIONS.items()
    ]
    marks: list[Artist] = [
        Line2D([], [], linestyle="none", marker=marker, color="black", markerfacecolor=filling, label=name)
        for marker, filling, name in SHAPES.values()
    ]
    if any(sign.disagrees for sign in diagram.signs):
        marks.append(
            Patch(facecolor="white", edgecolor="black", linewidth=3, label="disagrees with the\ncertified sign")
        )
    lines: list[Artist] = [
        Line2D([], [], **ABSORBED, label="noise absorbed, π = α"),
        Line2D([], [], **UNIFORM, label="uniform p, π = 1/(N+1)"),
    ]
    if diagram.critical is not None:
        said = f"critical noise level on it:\nα_c(N, T) = {diagram.critical:.4f}"
        lines.append(Line2D([], [], **CRITICAL, label=said))
    options: Style = {"loc": "upper left", "alignment": "left", "borderpad": 0, "borderaxespad": 0}
    definitions = "attends: K[P(q)] > 0; avoids: K[E(k)] > K[E(τ)]\n"
    places: list[tuple[list[Artist], str, tuple[float, float]]] = [
        (swatches, definitions + "Proved, share of the square", (-0.14, 0.55)),
        (lines, "Lines", (-0.14, 2.15)),
        (marks, "Simulated: attends\nleft, avoids right", (0.5, 2.15)),
    ]
    for handles, title, (left, down) in places:
        labels = [str(handle.get_label()) for handle in handles]
        place = (left, -down / SIDE)
        axes.add_artist(Legend(axes, handles, labels, title=title, bbox_to_anchor=place, **options))
