"""A matplotlib figure as the content of a file, with a title, a description and the same bytes in every run."""

import io
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

import matplotlib.style
from matplotlib.figure import Figure

Style: TypeAlias = dict[str, Any]
"""Keyword arguments of matplotlib, which are of many types."""
STYLE = {
    "font.size": 10,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "picture",  # ids, and so bytes, are the same in every run
}


def content(make_figure: Callable[[], Figure], form: str, title: str, description: str) -> bytes:
    """The figure that `make_figure` makes in STYLE, `form` "svg", "png" or "pdf"; pyplot is not used."""
    with matplotlib.style.context(["default", STYLE]):
        stream = io.BytesIO()
        make_figure().savefig(stream, format=form, dpi=160, metadata=_metadata(form, title, description))
    found = stream.getvalue()
    if form == "svg":
        described = f"</title>\n <desc>{escape(description)}</desc>"
        found = found.replace(b"</title>", described.encode(), 1)
    return found


def _metadata(form: str, title: str, description: str) -> Style:
    """Title, description and no date."""
    described = {"svg": "Description", "png": "Description", "pdf": "Subject"}[form]
    undated: Style = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}[form]
    return {"Title": title, described: description} | undated


class Picture(ABC):
    """A picture that says in words what it shows."""

    title: str
    caption: str
    contradictions: list[str]

    @abstractmethod
    def description(self) -> str:
        """The picture in words."""

    @abstractmethod
    def figure(self) -> Figure:
        """The picture."""

    def render(self, form: str) -> bytes:
        """The content of a file, `form` "svg", "png" or "pdf"; the same picture gives the same bytes."""
        return content(self.figure, form, self.title, f"{self.description()} {self.caption}")

    def framed(self, size: tuple[float, float], left: float, above: float, right: float) -> Figure:
        """A figure of `size` with title and caption; margins for its axes, below by the caption's lines; in inches."""
        figure, (width, height) = Figure(figsize=size), size
        lines = textwrap.wrap(self.caption.replace(" = ", "\u00a0=\u00a0"), int(14 * width))
        figure.subplots_adjust(
            left=left / width,
            right=1 - right / width,
            top=1 - above / height,
            bottom=(0.75 + 0.17 * len(lines)) / height,
        )
        figure.text(0.15 / width, 1 - 0.12 / height, self.title, fontsize=12, va="top")
        figure.text(0.15 / width, 0.1 / height, "\n".join(lines), fontsize=8.5, va="bottom")
        return figure
