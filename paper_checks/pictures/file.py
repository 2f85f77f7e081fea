"""A matplotlib figure as the content of a file, with a title, a description and the same bytes in every run, and the
numbers behind it as a table.

An SVG has a transparent ground, and brings the colours of a dark one along: it follows the page that shows it.
"""

import csv
import hashlib
import io
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from xml.sax.saxutils import escape

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from . import MARK

Style: TypeAlias = dict[str, Any]
"""Keyword arguments of matplotlib, which are of many types."""
WIDTH = 5.2
"""Of a picture, inches: 500 pixels, so that 10 points are 9 pixels high in the 340 that a phone has for it."""
STYLE = {
    "font.size": 10,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "picture",  # ids, and so bytes, are the same in every run
}
TRANSPARENT = {"figure.facecolor": "none", "axes.facecolor": "none"}
LETTERS, LINE = 12.8, 0.17
"""Letters of a caption per inch, and height of its lines, inches."""

INK, GROUND = (230, 237, 243), (13, 17, 23)
"""What is black and what is white on a light ground, on a dark one."""
DARK = {"#a03000": "#ff9e73", "#1f3f8f": "#8fb5ff"}
"""Colours of lines, on a dark ground. Greys go from INK to GROUND; all others stay, as do the next two."""
ON_LIGHT, ON_DARK = "#010102", "#fefeff"
"""Black and white of words on a colour that stays."""


class Table(NamedTuple):
    """The numbers behind a picture; units stand in the names of the columns, or in one called unit.

    `within` says by column how far the numbers of two machines may be apart; elsewhere it is a unit of the last digit.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    within: Mapping[str, float] = MappingProxyType({})

    def csv(self) -> bytes:
        """As a file: commas, UTF-8, eight significant digits, nothing for what is not a number."""
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([self.columns, *([*map(_cell, row)] for row in self.rows)])
        return stream.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.8g}"
    return str(value)


def wrapped(text: str, letters: int) -> list[str]:
    """Lines of at most so many letters, "N = 7" in one of them."""
    lines = textwrap.wrap(text.replace(" = ", "\u00a0=\u00a0"), letters)
    return [line.replace("\u00a0=\u00a0", " = ") for line in lines]


def content(make_figure: Callable[[], Figure], form: str, title: str, description: str, numbers: bytes) -> bytes:
    """The figure that `make_figure` makes in STYLE, `form` "svg", "png" or "pdf"; pyplot is not used. It names the
    file of its numbers by their digest."""
    with matplotlib.style.context(["default", STYLE | (TRANSPARENT if form == "svg" else {})]):
        stream = io.BytesIO()
        make_figure().savefig(stream, format=form, dpi=160, metadata=_metadata(form, title, description, numbers))
    return _finished(stream.getvalue().decode(), description).encode() if form == "svg" else stream.getvalue()


def digest(numbers: bytes) -> str:
    """What a picture calls the file of its numbers."""
    return MARK + hashlib.sha256(numbers).hexdigest()


def _metadata(form: str, title: str, description: str, numbers: bytes) -> Style:
    """Title, description, digest of the numbers and no date."""
    described = {"svg": "Description", "png": "Description", "pdf": "Subject"}[form]
    own: dict[str, Style] = {
        "svg": {"Date": None, "Identifier": digest(numbers)},
        "png": {"Identifier": digest(numbers)},
        "pdf": {"CreationDate": None, "Keywords": digest(numbers)},
    }
    return {"Title": title, described: description} | own[form]


def _finished(svg: str, description: str) -> str:
    """With a description that browsers read, and the colours of a dark ground."""
    described = svg.replace("</title>", f"</title>\n <desc>{escape(description)}</desc>", 1)
    rules = [f":root {{fill: {dark('#000000')}}}"]  # of all that has no colour of its own: black is not written
    for kind, colour in sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", svg))):
        if dark(colour) != colour:
            where = f'[style*="{kind}: {colour}"]'
            rules.append(f"{where} {{{kind}: {dark(colour)} !important}}")
    for colour in sorted(set(re.findall(r' fill="(#[0-9a-f]{6})"', svg))):  # the ground of hatches
        rules.append(f'[fill="{colour}"] {{fill: {dark(colour)}}}')
    style = f":root {{color-scheme: light dark}}\n@media (prefers-color-scheme: dark) {{\n{chr(10).join(rules)}\n}}"
    return described.replace("</defs>", f' <style type="text/css">{style}</style>\n </defs>', 1)


def dark(colour: str) -> str:
    """A colour of a light ground, "#rrggbb", on a dark one."""
    red, green, blue = to_rgb(colour)
    if not red == green == blue:
        return DARK.get(colour, colour)
    mixed = (round(ink + red * (ground - ink)) for ink, ground in zip(INK, GROUND, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


class Picture(ABC):
    """A picture that says in words what it shows."""

    title: str
    caption: str
    contradictions: list[str]
    letters: str = ""
    """What a terminal shows of it, below the caption."""
    width: float = WIDTH

    @abstractmethod
    def description(self) -> str:
        """The picture in words."""

    @abstractmethod
    def figure(self) -> Figure:
        """The picture."""

    @abstractmethod
    def table(self) -> Table:
        """The numbers that it shows."""

    def render(self, form: str) -> bytes:
        """The content of a file, `form` "svg", "png" or "pdf"; the same picture gives the same bytes."""
        return content(self.figure, form, self.title, f"{self.description()} {self.caption}", self.table().csv())

    def framed(
        self, inner: float, left: float = 0.65, above: float = 0.3, right: float = 0.15, below: float = 0.55
    ) -> Figure:
        """A figure with the title on top, the caption below, and between them room for axes `inner` inches high, and
        for what stands beside them."""
        heading = wrapped(self.title, int(10.4 * self.width))
        lines = wrapped(self.caption, int(LETTERS * self.width))
        top, bottom = 0.15 + 0.2 * len(heading) + above, below + 0.15 + LINE * len(lines)
        height = top + inner + bottom
        figure = Figure(figsize=(self.width, height))
        figure.subplots_adjust(
            left=left / self.width, right=1 - right / self.width, top=1 - top / height, bottom=bottom / height
        )
        figure.text(0.1 / self.width, 1 - 0.1 / height, "\n".join(heading), fontsize=12, va="top")
        figure.text(0.1 / self.width, 0.08 / height, "\n".join(lines), fontsize=10, va="bottom")
        return figure

    def stacked(self, count: int, panel: float, gap: float, **room: float) -> tuple[Figure, list[Axes]]:
        """`framed` with so many axes below each other, each `panel` inches high, `gap` between them."""
        figure = self.framed(count * panel + (count - 1) * gap, **room)
        places = figure.subplots(count, 1, squeeze=False, gridspec_kw={"hspace": gap / panel})
        return figure, list(places[:, 0])
