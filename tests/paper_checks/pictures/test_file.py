"""What every picture is: one width, text that can be read on a phone, a transparent ground, a dark page's colours, a
table."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from paper_checks.pictures.file import INK, ON_DARK, ON_LIGHT, Picture, Table, dark
from paper_checks.pictures.heat import luminance
from tests.oracles.picture_commands import SVG

PHONE = 340
"""Pixels that a window of 390 leaves for a picture."""


class Small(Picture):
    """A line and words."""

    title, caption, contradictions = "A line & a word", "Up by N = 7.", []

    def description(self):
        return "One line."

    def table(self):
        return Table(("x, in m", "y"), [(1, 2.0), (np.float64(1 / 3), "a, b"), (float("nan"), float("inf"))])

    def figure(self):
        figure, (axes,) = self.stacked(1, 1.0, 0.3)
        axes.plot([0, 1], color="#a03000")
        axes.fill_between([0, 1], [1, 2], facecolor="0.9", hatch="//", edgecolor="black")
        axes.text(0.5, 0.5, "on a colour", color=ON_LIGHT)
        return figure


@pytest.fixture(scope="module")
def svg():
    return Small().render("svg").decode()


def test_text_is_read_on_a_phone(svg):
    """Every size of text is 9 pixels or more where the picture is as wide as a phone."""
    root = ET.fromstring(svg)
    width = float(root.get("viewBox").split()[2]) * 4 / 3
    sizes = [float(size) for size in re.findall(r"font-size: ([0-9.]+)px", svg)]
    assert sizes and min(sizes) * 4 / 3 * PHONE / width >= 9
    assert width <= 500


def test_the_ground_is_transparent_and_other_forms_are_white(svg):
    root = ET.fromstring(svg)
    grounds = [root.find(f".//{SVG}g[@id='{name}']/{SVG}path") for name in ("patch_1", "patch_2")]
    assert all("fill: none" in path.get("style") or "opacity: 0" in path.get("style") for path in grounds)
    assert Small().render("png").startswith(b"\x89PNG")


def test_a_dark_page_has_its_own_colours(svg):
    """Of every colour of text, lines, grounds and hatches that is not on a colour that stays."""
    style = svg[svg.index("@media (prefers-color-scheme: dark)") : svg.index("</style>", svg.index("@media"))]
    assert f":root {{fill: {dark('#000000')}}}" in style
    for kind, colour in (("stroke", "#a03000"), ("stroke", "#000000"), ("fill", "#e6e6e6")):
        assert f"{kind}: {dark(colour)}" in style and colour in svg.replace(style, "")
    assert f"fill: {ON_LIGHT}" in svg and ON_LIGHT not in style


@pytest.mark.parametrize("colour", ["#000000", "#595959", "#a03000", "#1f3f8f"])
def test_ink_is_read_on_both_grounds(colour):
    """A contrast of 4.5 or more on white, and on the dark ground."""

    def contrast(one, other):
        low, high = sorted((luminance(to_rgb(one)), luminance(to_rgb(other))))
        return (high + 0.05) / (low + 0.05)

    assert contrast(colour, "#ffffff") >= 4.5 and contrast(dark(colour), dark("#ffffff")) >= 4.5


def test_greys_turn_over_and_colours_on_cells_stay():
    assert to_rgb(dark("#000000")) == tuple(part / 255 for part in INK)
    assert luminance(to_rgb(dark("#e6e6e6"))) < luminance(to_rgb(dark("#595959")))
    assert [dark(colour) for colour in (ON_LIGHT, ON_DARK, "#2f559e")] == [ON_LIGHT, ON_DARK, "#2f559e"]


def test_a_table_is_written_with_units_and_eight_digits():
    assert Small().table().csv() == b'"x, in m",y\n1,2\n0.33333333,"a, b"\n,inf\n'


def test_words_are_kept_together():
    found = ["".join(text.itertext()) for text in ET.fromstring(Small().render("svg")).iter(f"{SVG}text")]
    assert "A line & a word" in found and "Up by N = 7." in found
