"""A run as a page for people: what was claimed, what was found, how strongly, and where statements stop holding."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from paper_checks.evidence.comparator import SIDES, Evidence
from paper_checks.evidence.filled import placeholders
from paper_checks.evidence.run import ClaimRecord, Run, by_use
from paper_checks.evidence.verdicts import LOOKS, counted, counts

from .folder import ASSETS, MARK
from .mathematics.formula import formula
from .wording import detects, estimated, number, score
from .wording import tolerance as used

TEMPLATES = Path(__file__).with_name("templates")
DRAWN = ("estimate", "sign", "rate", "replicated")
"""Kinds of comparison with numbers that were drawn or trained."""
MOST_ROWS = 50
"""Comparisons of one claim that are shown; the record has all."""


@dataclass(frozen=True)
class PictureFile:
    """A picture of some claims, in a file of the report.

    Attributes:
        name: of its file in the folder of assets.   width, height: in CSS pixels.   alt: the picture in words.
        data: the file of its numbers beside it, "" if there is none.
    """

    name: str
    claims: Sequence[str]
    title: str
    alt: str
    width: int
    height: int
    contradictions: Sequence[str] = ()
    data: str = ""

    @property
    def path(self) -> str:
        """Where it is, from the page."""
        return f"{ASSETS}/{self.name}"

    @property
    def data_path(self) -> str:
        """Where its numbers are."""
        return f"{ASSETS}/{self.data}"


class TrainingView(NamedTuple):
    """A statement about trainings in full: its record, how it came to stand or to fail, the numbers of its seeds in
    order, and of its pilot, empty if there is none."""

    record: Evidence
    path: str
    values: str
    pilot: str


@dataclass(frozen=True)
class ClaimView:
    """What the page says of one claim besides its record."""

    record: ClaimRecord
    formula: list[Markup]
    pictures: list[PictureFile]
    rows: list[Evidence]

    @property
    def sides(self) -> str:
        """How many comparisons speak for which side of the claim's boundary; empty if all are on one."""
        found = {side: sum(item.side == side for item in self.record.evidence) for side in SIDES}
        present = [f"{count} {side}" for side, count in found.items() if count]
        return ", ".join(present) if len(present) > 1 else ""

    @property
    def seeds(self) -> str:
        """The seeds of single simulations, as far as the evidence has them; empty if nothing was drawn."""
        found = dict.fromkeys(str(item.details["seed"]) for item in self.record.evidence if "seed" in item.details)
        shown = list(islice(found, 5))
        if not found and any(item.kind in DRAWN for item in self.record.evidence):
            return "spawned from the run's base seed"
        return ", ".join(shown) + (f" and {len(found) - len(shown)} more" if len(found) > len(shown) else "")

    @property
    def exact_name(self) -> str:
        """What the headline's first number is."""
        return "threshold" if self._kind in ("replicated", "rate") else "exact"

    @property
    def estimate_name(self) -> str:
        """What its second number is."""
        return "median over seeds [interval]" if self._kind == "replicated" else "estimate ± standard error"

    @property
    def score_name(self) -> str:
        """What its third number is."""
        return "seeds on its side" if self._kind == "replicated" else "z"

    @property
    def _kind(self) -> str:
        return self.record.headline.kind if self.record.headline else ""

    @property
    def trainings(self) -> list[TrainingView]:
        """Its statements about trainings that the page shows, most used first."""
        return [training_view(item) for item in self.rows if item.kind == "replicated"]


def page(run: Run, pictures: Sequence[PictureFile], record: str, troubles: Sequence[str] = ()) -> str:
    """The page as HTML, all text of the run escaped.

    `record` is the path of the run's JSON from the page, `troubles` say which pictures could not be drawn.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"slug": slug, "digits": number, "estimated": estimated, "score": score,
                            "detects": detects, "used": used, "filled": _filled}  # fmt: skip
    return environment.get_template("report.html").render(
        title=run.project.title,
        summary=counted(claim.verdict for claim in run.claims),
        counts=counts(claim.verdict for claim in run.claims),
        looks=LOOKS,
        run=run,
        duration=duration(run.seconds),
        groups=[group_view(name, run, pictures) for name in run.groups()],
        record=record,
        troubles=troubles,
        mark=Markup(MARK),
        style=Markup(_template("report.css")),
        script=Markup(_template("report.js")),
    )


def _filled(text: str, evidence: Sequence[Evidence]) -> str:
    return placeholders(text, evidence)[0]


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def group_view(name: str, run: Run, pictures: Sequence[PictureFile]) -> Mapping[str, Any]:
    """What the page says of one group."""
    claims = run.groups()[name]
    return {
        "name": name,
        "title": run.project.groups.get(name, ""),
        "counts": counts(claim.verdict for claim in claims),
        "claims": [claim_view(claim, pictures) for claim in claims],
    }


def claim_view(claim: ClaimRecord, pictures: Sequence[PictureFile]) -> ClaimView:
    """What the page says of one claim; a formula that cannot be drawn is shown as it is written."""
    try:
        drawn = [Markup(part) for part in formula(claim.formal)]
    except ValueError:
        drawn = []
    shown = [picture for picture in pictures if claim.id in picture.claims]
    return ClaimView(claim, drawn, shown, rows(claim.evidence))


def training_view(item: Evidence) -> TrainingView:
    """What the page says of one statement about trainings."""
    details = item.details
    looked = [
        f"of {seeds} seeds {wrong} on the wrong side ("
        + (f"stands with {allowed} at most" if allowed >= 0 else "too few to stand")
        + f", fails with {failing})"
        for (seeds, wrong, allowed), failing in zip(details["looks"], details["boundaries"]["failing"], strict=False)
    ]
    pilot = details.get("pilot")
    return TrainingView(item, "; then ".join(looked), _listed(details["values"]),
                        "" if pilot is None else _listed(pilot["values"]))  # fmt: skip


def _listed(values: Sequence[float | None]) -> str:
    return ", ".join("–" if value is None else f"{value:.4g}" for value in values)


def rows(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The comparisons that are shown: failed ones, then those that used most of their tolerance."""
    return by_use(evidence)[:MOST_ROWS]


def slug(verdict: str) -> str:
    """A verdict as a class of the style sheet."""
    return re.sub(r"\W+", "-", verdict)


def duration(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
