"""Which claim rests on which, as an SVG in the page: layers from left to right, a link to every claim.

A claim stands one layer right of the last one that it rests on. Lines that cross layers have a place in each, so that
they pass between claims; within a layer places are ordered by the mean place of their neighbours before and behind.
"""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise

from markupsafe import Markup

from paper_checks.evidence.run import ClaimRecord
from paper_checks.evidence.verdicts import LOOKS

WIDTH, HEIGHT = 92, 28
"""Of a claim's box, in CSS pixels."""
_COLUMN, _ROW, _MARGIN = 158, 40, 8
_SWEEPS = 12

Place = tuple[str, int]
"""A claim in its layer, or a line that passes a layer: its name and the layer."""


Edge = tuple[Place, ...]
"""A line from a claim to one that rests on it, by the places that it passes."""


def connected(claims: Sequence[ClaimRecord]) -> list[ClaimRecord]:
    """The claims that rest on others of them or that others rest on."""
    known = {claim.id for claim in claims}
    bearing = {one for claim in claims for one in claim.depends_on}
    return [claim for claim in claims if claim.id in bearing or known.intersection(claim.depends_on)]


def graph(claims: Sequence[ClaimRecord], slug: Mapping[str, str]) -> Markup:
    """The SVG of the claims that are `connected`; empty if there are none. `slug` is the class of each verdict."""
    shown = connected(claims)
    if not shown:
        return Markup("")
    layers, edges = _laid_out(shown)
    spot = {place: _spot(column, row, len(layer), layers)
            for column, layer in enumerate(layers) for row, place in enumerate(layer)}  # fmt: skip
    width = _COLUMN * (len(layers) - 1) + WIDTH + 2 * _MARGIN
    height = _ROW * max(map(len, layers)) + 2 * _MARGIN
    lines = "".join(_line(edge, spot) for edge in edges)
    column = layer_of(shown)
    boxes = "".join(_box(claim, *spot[claim.id, column[claim.id]], slug[claim.verdict]) for claim in shown)
    return Markup(
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="group" aria-label="Which claim rests on which">{lines}{boxes}</svg>'
    )


def layer_of(claims: Sequence[ClaimRecord]) -> dict[str, int]:
    """The layer of each claim: 0, or one more than the last that it rests on.

    Raises:
        ValueError: a claim rests on itself.
    """
    known = {claim.id for claim in claims}
    rests = {claim.id: known.intersection(claim.depends_on) for claim in claims}
    found: dict[str, int] = {}
    for name in TopologicalSorter(rests).static_order():
        found[name] = 1 + max((found[one] for one in rests[name]), default=-1)
    return found


def _laid_out(claims: Sequence[ClaimRecord]) -> tuple[list[list[Place]], list[Edge]]:
    """The places of each layer in their order, and the lines between them."""
    column = layer_of(claims)
    layers: list[list[Place]] = [[] for _ in range(1 + max(column.values()))]
    edges: list[Edge] = []
    for claim in claims:
        layers[column[claim.id]].append((claim.id, column[claim.id]))
    for claim in claims:
        for one in claim.depends_on:
            if one in column:
                between = range(column[one] + 1, column[claim.id])
                passed = [(f"{one} {claim.id}", at) for at in between]
                for place in passed:
                    layers[place[1]].append(place)
                edges.append(((one, column[one]), *passed, (claim.id, column[claim.id])))
    return _ordered(layers, edges), edges


def _ordered(layers: list[list[Place]], edges: Sequence[Edge]) -> list[list[Place]]:
    """Layers with their places sorted by the mean place of their neighbours, forth and back."""
    near: dict[Place, list[Place]] = {}
    for edge in edges:
        for one, other in pairwise(edge):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        order = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for column in order:
            beside = column + (-1 if sweep % 2 == 0 else 1)
            rows = {place: row / max(1, len(layers[beside])) for row, place in enumerate(layers[beside])}
            old = {place: row / max(1, len(layers[column])) for row, place in enumerate(layers[column])}

            def mean(place: Place, rows: dict[Place, float] = rows, old: dict[Place, float] = old) -> float:
                found = [rows[one] for one in near.get(place, ()) if one in rows]
                return sum(found) / len(found) if found else old[place]

            layers[column].sort(key=mean)
    return layers


def _spot(column: int, row: int, count: int, layers: Sequence[Sequence[Place]]) -> tuple[float, float]:
    """The upper left corner of a place; layers are centred."""
    most = max(map(len, layers))
    return _MARGIN + column * _COLUMN, _MARGIN + (row + (most - count) / 2) * _ROW + (_ROW - HEIGHT) / 2


def _line(edge: Edge, spot: Mapping[Place, tuple[float, float]]) -> str:
    parts = []
    for number, (one, other) in enumerate(pairwise(edge)):
        (x, y), (end, to) = spot[one], spot[other]
        y, to, start = y + HEIGHT / 2, to + HEIGHT / 2, x + WIDTH
        bend = (end - start) / 2
        move = f"M{start:g} {y:g}" if number == 0 else f"L{start:g} {y:g}"
        parts.append(f"{move}C{start + bend:g} {y:g} {end - bend:g} {to:g} {end:g} {to:g}")
    return f'<path d="{"".join(parts)}"/>'


def _box(claim: ClaimRecord, x: float, y: float, kind: str) -> str:
    words = escape(f"{claim.id}, {claim.verdict}" + (f": {claim.title}" if claim.title else ""), quote=True)
    sign = LOOKS[claim.verdict].sign
    return (
        f'<a href="#{escape(claim.id, quote=True)}" class="{kind}" aria-label="{words}"><title>{words}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 5:g}">{sign} {escape(claim.id)}</text></a>'
    )
