"""What the page says of claims, pictures and trainings besides their records."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from markupsafe import Markup

from paper_checks.evidence.comparator import SIDES, Evidence
from paper_checks.evidence.filled import placeholders
from paper_checks.evidence.ledger import meanings
from paper_checks.evidence.run import ClaimRecord, by_use
from paper_checks.evidence.trust import TrustRecord

from .folder import ASSETS
from .grades import how_we_know, kind_of
from .mathematics.derivation import Derivation
from .mathematics.formula import formula
from .mathematics.sentences import sentence
from .trust import Alarms

DRAWN = ("estimate", "sign", "rate", "replicated")
"""Kinds of comparison with numbers that were drawn or trained."""
_EXACT = {"equality", "agreement", "inequality"}
_OBSERVED = {"prompts", "trainings", "all trainings", "observation"}
"""Kinds of evidence, as in `grades.GRADES`."""
_UNFOUND = {"not run": "The ledger says, not run here", "failed": "The ledger says, but a check failed"}
MOST_ROWS = 50
"""Comparisons of one claim that are shown; the record has all."""
_IDENTIFIER = re.compile(r"<mi>([^<]*)</mi>")
"""Symbols of a formula; upright letters are those of words."""


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
class Attached:
    """What a page is made of besides the run: by claim, the derivations of its theory and the path of its table of
    comparisons from the page; the run's pictures; the address of its files on the web, at its commit, if it has one;
    the false alarms of its checks, if they were measured; all that was measured of the suite."""

    pictures: Sequence[PictureFile] = ()
    derivations: Mapping[str, Sequence[Derivation]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    files: str = ""
    alarms: Alarms | None = None
    trust: Sequence[TrustRecord] = ()


@dataclass(frozen=True)
class ClaimView:
    """What the page says of one claim besides its record.

    Attributes:
        formula: of its formal statement in parts, empty if it cannot be drawn.   carries: claims that rest on it.
        pictures, derivations, table: see `Attached`.   rows: comparisons that are shown.
        symbols: what the symbols of its formulas stand for.
    """

    record: ClaimRecord
    formula: list[Markup]
    pictures: list[PictureFile]
    rows: list[Evidence]
    derivations: Sequence[Derivation] = ()
    table: str = ""
    carries: Sequence[str] = ()
    symbols: Sequence[tuple[str, str]] = ()

    def text(self, key: str) -> Markup:
        """A sentence of its entry with the run's numbers and typeset mathematics."""
        return sentence(placeholders(getattr(self.record, key), self.record.evidence)[0])

    @property
    def known(self) -> Markup:
        """How we know, in a sentence."""
        return sentence(how_we_know(self.record))

    @property
    def proofs(self) -> list[tuple[str, str]]:
        """Tests that prove it, each with by what, and which equations."""
        return [
            (proof.test, ", ".join([proof.by, *(f"({number})" for number in proof.equations)]))
            for proof in self.record.proof
        ]

    @property
    def unfound(self) -> str:
        """Why what the ledger says was found is not of this run; empty if it is."""
        return _UNFOUND.get(self.record.verdict, "")

    @property
    def is_observed(self) -> bool:
        """Whether nothing of it is exact: it is about trainings or prompts, of draws alone, or was not run."""
        kinds = {kind_of(item, self.record) for item in self.record.evidence}
        return bool(kinds & _OBSERVED) or not (kinds & _EXACT or (kinds and self.record.proof))

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
    def trainings(self) -> list[TrainingView]:
        """Its statements about trainings that the page shows, most used first."""
        return [training_view(item) for item in self.rows if item.kind == "replicated"]


def claim_view(
    claim: ClaimRecord, attached: Attached, carries: Sequence[str] = (), symbols: Mapping[str, str] | None = None
) -> ClaimView:
    """What the page says of one claim; a formula that cannot be drawn is shown as it is written."""
    try:
        drawn = [Markup(part) for part in formula(claim.formal)]
    except ValueError:
        drawn = []
    shown = [picture for picture in attached.pictures if claim.id in picture.claims]
    view = ClaimView(
        claim, drawn, shown, rows(claim.evidence), attached.derivations.get(claim.id, ()),
        attached.tables.get(claim.id, ""), carries,
    )  # fmt: skip
    used = set(_IDENTIFIER.findall("".join(drawn) + "".join(view.text(key) for key in ("statement", "found", "scope"))))
    known = [(name, meaning) for name, meaning in meanings(symbols or {}, claim.group).items() if name in used]
    return replace(view, symbols=known)


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
