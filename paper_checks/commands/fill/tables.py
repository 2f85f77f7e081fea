"""What stands in a block: tables in Markdown, of a run and its ledger alone.

What was measured, and may differ in its last digit on another machine, stands between MEASURED's two signs; of
trainings with the range in which it may lie on another kind of processor.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.filled import FILLED, TRAININGS, Statistic, has_placeholders, placeholders, spread
from paper_checks.evidence.results import NOT_SELECTED
from paper_checks.evidence.run import PROCESSOR, ClaimRecord, Run
from paper_checks.evidence.trust import every_trust, trust_folder
from paper_checks.evidence.verdicts import LOOKS
from paper_checks.report.grades import GRADES, grades
from paper_checks.report.table import excerpt

MEASURED = re.compile("\x02([^\x03\x04]*)(?:\x04([^\x03]*))?\x03")
"""Words, and the ends of a range."""
KIND = re.compile(r"^The run was on a processor of the kind (.+); on another, numbers of trainings may differ\.$", re.M)
_DECIMAL = re.compile(r"(?<![\w.,/])-?\d+(?:\.\d+|(?= ?%))")
"""Numbers of the run's table that are no counts."""
NONE = "–"


class BlockOfOthersError(ValueError):
    """A block shows what this run has not found; `ids` are the claims that it did not run."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = set(ids)
        super().__init__(f"not run: {', '.join(sorted(self.ids))}")


def make(run: Run, words: str) -> str:
    """What stands in a block, by the words of its first comment; ends with a line break.

    Raises:
        ValueError: there is no such block, it does not take such words, or, a BlockOfOthersError, claims were not run.
    """
    name, *arguments = words.split() or [""]
    if name not in BLOCKS:
        raise ValueError(f"a block must be one of {', '.join(BLOCKS)}, got {name!r}")
    return "\n".join(BLOCKS[name](run, arguments)) + "\n"


def _findings(run: Run, words: Sequence[str]) -> Iterator[str]:
    """Of a group: claim, verdict, what the paper says, what was found."""
    claims = _group(run, words)
    _require_run(claims)
    rows = (
        (
            f'<a id="{anchor(claim.id)}"></a>**{claim.id}** {_text(claim.title)}',
            f"{LOOKS[claim.verdict].sign} {claim.verdict}",
            _text(claim.paper),
            _filled(claim, "found"),
        )
        for claim in claims
    )
    yield from _table(("claim", "verdict", "the paper says", "found"), rows)
    yield from _kind(run, claims)


def _kind(run: Run, claims: Iterable[ClaimRecord]) -> Iterator[str]:
    """On what kind of processor the run was, as KIND reads it, if claims are about trainings."""
    if any(claim.is_trained for claim in claims):
        kind = run.versions.get(PROCESSOR, "an unknown kind")
        yield from ("", f"The run was on a processor of the kind {kind}; on another, numbers of trainings may differ.")


def _details(run: Run, words: Sequence[str]) -> Iterator[str]:
    """Of a group, claim by claim: formal statement, where it holds, and what stands behind it."""
    claims = _group(run, words)
    _require_run(claims)
    groups = {claim.id: claim.group for claim in run.claims}
    for claim in claims:
        yield from (f"### {claim.id} {_text(claim.title)}".rstrip(), "", _filled(claim, "statement"), "")
        yield from ("```math", claim.formal.strip(), "```", "")
        proofs = (f"`{proof.test}` ({proof.by})" for proof in claim.proof)
        rests = (f"[{name}]({groups[name]}.md#{anchor(name)})" for name in claim.depends_on)
        lines = {
            "Where": _filled(claim, "scope"),
            "Not shown": _text(claim.limits),
            "Why not run": _text(claim.reason),
            "Rests on": ", ".join(rests),
            "Stated by": ", ".join(f"`{name}`" for name in claim.theory),
            "Proved by": ", ".join(proofs),
            "Checked by": ", ".join(f"`{name}`" for name in _functions(claim)),
            "Turns red with": _text(", ".join(claim.catches)),
            "Source": _text(claim.source),
        }
        yield from (f"- {what}: {said}" for what, said in lines.items() if said not in ("", NONE))
        yield ""


def _groups(run: Run, words: Sequence[str]) -> Iterator[str]:
    """A line per group: its title as a link to its page, badge, how many claims."""
    if len(words) != 2:
        raise ValueError(f"groups takes two folders, of badges and of pages, got {' '.join(words) or 'none'}")
    badges, pages = words
    titles = run.project.groups
    rows = (
        (f"[{name}: {_text(titles.get(name, name))}]({pages}/{name}.md)", f"![verdicts of {name}]({badges}/{name}.svg)",
         str(len(claims)))
        for name, claims in run.groups().items()
    )  # fmt: skip
    return _table(("findings", "verdicts of the last run", "claims"), rows)


def _symbols(run: Run, words: Sequence[str]) -> Iterator[str]:
    """What symbols stand for: those named, or all."""
    known = run.project.symbols
    _require("symbols", words, known)
    rows = ((_text(key), _text(known[key])) for key in (words or known))
    return _table(("symbol", "stands for"), rows)


def _verdicts(run: Run, words: Sequence[str]) -> Iterator[str]:
    """What the words of verdicts mean."""
    if words:
        raise ValueError(f"verdicts takes no words, got {' '.join(words)}")
    rows = ((f"{look.sign} {name}", _text(look.meaning)) for name, look in LOOKS.items())
    return _table(("verdict", "meaning"), rows)


def _excerpt(run: Run, words: Sequence[str]) -> Iterator[str]:
    """Rows of the table that the run prints."""
    claims = {claim.id: claim for claim in run.claims}
    if not words:
        raise ValueError("table takes ids of claims, got none")
    _require("ids", words, claims)
    missing = [name for name in words if claims[name].verdict == "not run"]
    if missing:
        raise BlockOfOthersError(missing)
    unmarked = replace(run, claims=[replace(claim, jobs=[]) for claim in run.claims])  # reused results have a mark
    yield "```text"
    shown = None
    for line in excerpt(unmarked, words):
        shown = claims.get(line.partition(" ")[0], shown)
        yield _DECIMAL.sub(partial(_of_row, shown), line)
    yield "```"
    yield from _kind(run, [claims[name] for name in words])


def _of_row(claim: ClaimRecord | None, number: re.Match[str]) -> str:
    """A number of a claim's row; what trainings used of their tolerance may be any per cent elsewhere."""
    item = claim.headline if claim else None
    ends = _elsewhere(claim, item, TRAININGS["interval"]) if claim and item else None
    is_share = number.string[number.end() :].lstrip(" ").startswith("%")
    return _marked(number[0], (0, 100) if ends and is_share else ends)


def _grades(run: Run, words: Sequence[str]) -> Iterator[str]:
    """Of the claims of some groups, or of all: kinds of evidence, the smallest errors that each sees, limits."""
    groups = run.groups()
    _require("groups", words, groups)
    claims = [claim for name in (words or groups) for claim in groups[name]]
    _require_run(claims)
    yield from _table(("kind", "what it is"), ((f"**{kind}**", what) for kind, what in GRADES.items()))
    yield ""
    rows = (row for claim in claims for row in _graded(claim))
    yield from _table(("claim", "kind", "comparisons", "sees", "does not show"), rows)


def _graded(claim: ClaimRecord) -> Iterator[Sequence[str]]:
    """A row per kind; claim and limits in the first."""
    named = [f"[{claim.id}](findings/{claim.group}.md#{anchor(claim.id)}) {_text(claim.title)}", _text(claim.limits)]
    found = grades(claim)
    if not found:
        yield named[0], claim.verdict, "", "", named[1]
    for grade in found:
        seen = _DECIMAL.sub("\x02\\g<0>\x03", _text(grade.sees))
        by = f", {_text(grade.by)}" if grade.by else ""
        yield named[0], grade.kind, f"{grade.comparisons}{by}", seen, named[1]
        named = ["", ""]


def _trust(run: Run, words: Sequence[str]) -> Iterator[str]:
    """What was measured of the suite itself: a row per record, then what is to be said of it."""
    if words:
        raise ValueError(f"trust takes no words, got {' '.join(words)}")
    records = every_trust(trust_folder(run))
    rows = (
        (_text(one.what), "<br>".join(f"{_text(name)} **{value}**" for name, value in one.found),
         f"`{one.command.replace('|', chr(92) + '|')}`<br>{one.date}, commit {_text(one.commit[:8] + one.commit[40:])}")
        for one in records
    )  # fmt: skip
    yield from _table(("what was measured", "found", "measured again by"), rows)
    for one in records:
        if one.explained:
            yield from ("", _text(one.what), "", *(f"- {_text(sentence)}" for sentence in one.explained))


BLOCKS: dict[str, Callable[[Run, Sequence[str]], Iterator[str]]] = {
    "findings": _findings,
    "details": _details,
    "groups": _groups,
    "symbols": _symbols,
    "verdicts": _verdicts,
    "table": _excerpt,
    "grades": _grades,
    "trust": _trust,
}


def anchor(name: str) -> str:
    """Where a page has a claim: "t13" for T1.3, as GitHub and mkdocs make it of a heading."""
    return re.sub(r"[^\w-]", "", name.lower())


def _group(run: Run, words: Sequence[str]) -> list[ClaimRecord]:
    groups = run.groups()
    if len(words) != 1:
        raise ValueError(f"one group is needed, of {', '.join(groups)}, got {' '.join(words) or 'none'}")
    _require("group", words, groups)
    return groups[words[0]]


def _require(what: str, words: Sequence[str], known: Collection[str]) -> None:
    strangers = [word for word in words if word not in known]
    if strangers:
        raise ValueError(f"{what} must be of {', '.join(known)}, got {', '.join(strangers)}")


def _require_run(claims: Iterable[ClaimRecord]) -> None:
    """BlockOfOthersError if a claim has no verdict in this run: it was not selected, or numbers of it are wanted."""
    missing = [
        claim.id
        for claim in claims
        if claim.verdict == "not run"
        and (claim.reason == NOT_SELECTED or any(has_placeholders(getattr(claim, key)) for key in FILLED))
    ]
    if missing:
        raise BlockOfOthersError(missing)


def _functions(claim: ClaimRecord) -> list[str]:
    """Its checks, each once whatever its parameters."""
    return list(dict.fromkeys(check.partition("[")[0] for check in claim.checks))


def _filled(claim: ClaimRecord, key: str) -> str:
    """A sentence of the ledger with the numbers of the run."""
    text, problems = placeholders(getattr(claim, key), claim.evidence, partial(_measured, claim))
    if problems:
        raise ValueError(f"{claim.id}: {key}: {problems[0]}")
    return _text(text)


def _measured(claim: ClaimRecord, words: str, item: Evidence, statistic: Statistic) -> str:
    return words if statistic.counts else _marked(words, _elsewhere(claim, item, statistic))


def _elsewhere(claim: ClaimRecord, item: Evidence, statistic: Statistic) -> tuple[float, float] | None:
    """The range of a number on another kind of processor; None where it is the same, as of trainings on record."""
    return None if claim.recorded else spread(item, statistic)


def _marked(words: str, ends: tuple[float, float] | None) -> str:
    """Words as MEASURED reads them."""
    return f"\x02{words}\x03" if ends is None else f"\x02{words}\x04{ends[0]} {ends[1]}\x03"


def _text(words: str) -> str:
    """A text of the ledger as Markdown that shows it as it is."""
    plain = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\*_`\[\]])", r"\\\1", plain)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(titles)
    yield _row(["---"] * len(titles))
    for row in rows:
        yield _row([cell.replace("|", "\\|") or NONE for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
