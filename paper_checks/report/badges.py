"""Badges of groups and claims, made of a run's verdicts alone: pictures, and the JSON that shields.io reads."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from paper_checks.evidence.run import Run
from paper_checks.evidence.verdicts import LOOKS, counted, weakest
from simulate.runtime.alone import WAIT, alone
from simulate.runtime.files import write_whole
from simulate.runtime.outputs import has_keys, require_ours

HEIGHT = 20
_LETTER = 6.2  # width of an average letter of Verdana at 11 px; textLength makes every font as wide


def message(verdicts: Iterable[str]) -> str:
    """The verdicts in few words: the verdict of one claim, counts of several."""
    found = list(verdicts)
    if len(found) == 1:
        return found[0]
    return counted(found, " · ")


def picture(label: str, verdicts: Iterable[str]) -> str:
    """A badge as SVG: the label, then the verdicts on the colour of the weakest of those that were run."""
    found = list(verdicts)
    look, text = LOOKS[weakest(found)], f"{LOOKS[weakest(found)].sign} {message(found)}"
    left, right = (round(_LETTER * len(part)) + 10 for part in (label, text))
    name = f"{label}: {message(found)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" '
        f"aria-label={quoteattr(name)}>\n"
        f"<title>{escape(name)}</title>\n"
        f'<rect width="{left}" height="{HEIGHT}" fill="#3d444d"/>\n'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{look.colour}"/>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="5" y="14" textLength="{left - 10}">{escape(label)}</text>\n'
        f'<text x="{left + 5}" y="14" textLength="{right - 10}">{escape(text)}</text>\n'
        "</g>\n</svg>\n"
    )


def endpoint(label: str, verdicts: Iterable[str]) -> str:
    """The same as JSON for https://shields.io/badges/endpoint-badge."""
    found = list(verdicts)
    content = {
        "schemaVersion": 1,
        "label": label,
        "message": message(found),
        "color": LOOKS[weakest(found)].colour,
        "isError": "failed" in found,
    }
    return json.dumps(content, ensure_ascii=False) + "\n"


def group_verdicts(run: Run) -> dict[str, list[str]]:
    """The verdicts of each group."""
    return {group: [claim.verdict for claim in claims] for group, claims in run.groups().items()}


def require_fresh(run: Run) -> None:
    """ValueError if results that an earlier run kept are behind a verdict: badges are of what ran here and now."""
    reused = [claim.id for claim in run.claims if claim.reused]
    if reused:
        more = f" and {len(reused) - 3} more" if len(reused) > 3 else ""
        raise ValueError(
            f"the run must have made all of its results, it reused some for {', '.join(reused[:3])}{more}: "
            f"{run.project.command} --fresh"
        )


def all_badges(run: Run) -> dict[str, str]:
    """The content of every badge by file name; groups and claims have different names."""
    named: Mapping[str, list[str]] = group_verdicts(run) | {claim.id: [claim.verdict] for claim in run.claims}
    made = {f"{name}.svg": picture(name, verdicts) for name, verdicts in named.items()}
    return made | {f"{name}.json": endpoint(name, verdicts) for name, verdicts in named.items()}


def group_pictures(run: Run) -> dict[str, str]:
    """The pictures of the groups alone, by file name: those that README shows."""
    return {f"{group}.svg": picture(group, verdicts) for group, verdicts in group_verdicts(run).items()}


def write_badges(badges: Mapping[str, str], folder: Path) -> None:
    """Write badges, each file whole or not at all, those of one run at a time; missing folders are made.

    Raises:
        ValueError: a file of such a name is no badge; nothing is written.   OSError: it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} must be a folder, it is a file")
    with alone(folder / "badges", WAIT):
        for name in badges:
            require_ours(folder / name, "a badge", _is_badge if name.endswith(".svg") else _IS_ENDPOINT)
        for name, content in badges.items():
            write_whole(folder / name, content.encode())


_IS_ENDPOINT = has_keys("schemaVersion", "label", "message", "color", "isError")


def _is_badge(content: bytes) -> bool:
    """What `picture` gives, of this version or another."""
    return content.startswith(b"<svg ") and f'height="{HEIGHT}" role="img" aria-label='.encode() in content[:300]


def differences(run: Run, folder: Path) -> list[str]:
    """Where the pictures of groups in `folder` are not those of the run: one sentence each."""
    wanted = group_pictures(run)
    found = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.svg"))}
    problems = [f"{name} is of no group of the run" for name in found if name not in wanted]
    for name, content in wanted.items():
        said = re.search("aria-label=[\"'](.*?)[\"']", content)
        if found.get(name) != content:
            state = "says something else" if name in found else "is missing"
            problems.append(f"{folder / name} {state}; the run says {said[1] if said else name}")
    return problems
