"""A run as a page for people: what was claimed, what was found, how strongly, and where statements stop holding."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from paper_checks.evidence.run import ClaimRecord, Run
from paper_checks.evidence.verdicts import LOOKS, VERDICTS, counted, counts

from . import wording
from .against import Changes
from .folder import MARK
from .graph import connected, graph
from .mathematics.sentences import sentence
from .views import Attached, ClaimView, claim_view

TEMPLATES = Path(__file__).with_name("templates")
_FILTERS = {
    "digits": wording.number, "estimated": wording.estimated, "score": wording.score, "detects": wording.detects,
    "used": wording.tolerance, "relation": wording.relation, "expected": wording.expected, "found": wording.found,
    "maths": sentence,
}  # fmt: skip


def page(
    run: Run,
    attached: Attached,
    record: str,
    troubles: Sequence[str] = (),
    against: Changes | None = None,
) -> str:
    """The page as HTML, all text of the run escaped.

    `record` is the path of the run's JSON from the page, `troubles` say what could not be drawn or derived, `against`
    what changed since another run.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"slug": slug, **_FILTERS}
    groups = [group_view(name, run, attached) for name in run.groups()]
    return environment.get_template("report.html").render(
        title=run.project.title,
        summary=counted(claim.verdict for claim in run.claims),
        counts=counts(claim.verdict for claim in run.claims),
        looks=LOOKS,
        run=run,
        duration=duration(run.seconds),
        groups=groups,
        first=_first(run, groups),
        picture=_picture(run, attached),
        graph=graph(run.claims, {name: slug(name) for name in VERDICTS}),
        connected=len(connected(run.claims)),
        symbols=run.project.symbols,
        against=against,
        record=record,
        troubles=troubles,
        files=attached.files,
        alarms=attached.alarms,
        trust=attached.trust,
        mark=Markup(MARK),
        style=Markup(_template("report.css")),
        script=Markup(_template("report.js")),
    )


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def group_view(name: str, run: Run, attached: Attached) -> Mapping[str, Any]:
    """What the page says of one group."""
    claims = run.groups()[name]
    return {
        "name": name,
        "title": run.project.groups.get(name, ""),
        "counts": counts(claim.verdict for claim in claims),
        "claims": [claim_view(claim, attached, _carries(claim, run), run.project.symbols) for claim in claims],
    }


def _carries(claim: ClaimRecord, run: Run) -> list[str]:
    """The claims that rest on this one."""
    return [other.id for other in run.claims if claim.id in other.depends_on]


def _first(run: Run, groups: Sequence[Mapping[str, Any]]) -> list[ClaimView]:
    """The claims of the first screen, as far as they say what was found."""
    views = {view.record.id: view for group in groups for view in group["claims"]}
    return [views[name] for name in run.project.first if name in views and views[name].record.found]


def _picture(run: Run, attached: Attached) -> Any:
    """One picture of the claims of the first screen, rather of trainings than of a map; None if there is none."""
    trained = {claim.id for claim in run.claims if claim.is_trained}
    wanted = [picture for picture in attached.pictures if set(picture.claims) & set(run.project.first)]
    return next((picture for picture in wanted if set(picture.claims) & trained), next(iter(wanted), None))


def slug(verdict: str) -> str:
    """A verdict as a class of the style sheet."""
    return re.sub(r"\W+", "-", verdict)


def duration(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
