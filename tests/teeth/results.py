"""What became of mutants: kept one by one, shown as a table, recorded."""

import difflib
import hashlib
import json
import shlex
import statistics
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .child import keep
from .operators import Mutant

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
OUTCOMES = {
    "claims": "caught by claims",
    "tests": "caught by tests alone",
    "survived": "survived",
    "equivalent": "shown equivalent",
    "unfinished": "not ended",
}
CAUGHT = Path(__file__).with_name("caught.json")
QUICK = 3.0
"""Seconds that a check may take to be run on its mutants in CI."""
PACKAGES = ("theory", "simulate")
Found = Mapping[str, Any]


class Kept:
    """Results, a file for each mutant."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.equivalent, self.caught = folder, arguments(), caught()

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"

    def read(self, key: str) -> dict[str, Any] | None:
        """What is kept of a mutant, here if it ended, or in caught.json; with an argument that it is none, that counts
        where nothing caught it."""
        path = self._path(key)
        found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if (found is None or found["outcome"] == "unfinished") and key in self.caught:
            node, _, how = self.caught[key]
            outcome = "claims" if node.startswith("paper_checks/") else "tests"
            return {"key": key, "outcome": outcome, "node": node, "how": how}
        if found is None:
            return None
        if key in self.equivalent and found["outcome"] in ("survived", "unfinished"):
            found["outcome"] = "equivalent"
        return found

    def all(self) -> list[dict[str, Any]]:
        """All that is kept, of whatever draw."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*.json"))]

    def keep(self, found: Found) -> None:
        """Keep what became of one."""
        keep(self._path(found["key"]), dict(found), indent=1)

    def is_open(self, mutant: Mutant, again: bool) -> bool:
        """Whether it is to be run: never was, was not ended, or survived where all is to be run again."""
        found = self.read(mutant.key)
        return found is None or found["outcome"] == "unfinished" or (again and found["outcome"] == "survived")


def arguments() -> dict[str, str]:
    """By mutant, why it computes the same numbers."""
    content = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {key: str(why) for key, why in content.items()}


def caught() -> dict[str, tuple[str, float, str]]:
    """By mutant, a check that is known to catch it, the seconds that the check takes on the code as it is, and how it
    was caught."""
    found = json.loads(CAUGHT.read_text(encoding="utf-8"))
    return {key: (node, seconds, how) for key, (node, seconds, how) in found.items()}


def quick() -> dict[str, tuple[str, float]]:
    """Of these, what a quick check caught by a failure."""
    return {
        key: (node, seconds) for key, (node, seconds, how) in caught().items() if how == "failed" and seconds < QUICK
    }


def learn(known: Sequence[Found], seconds: Mapping[str, float]) -> None:
    """Add the mutants that were caught, so that no later draw runs them again."""
    new = {one["key"]: (one["node"], seconds.get(one["node"], QUICK), one["how"]) for one in known if one.get("how")}
    keep(CAUGHT, dict(sorted((caught() | new).items())), indent=1)


def diff(mutant: Mutant, source: str) -> str:
    """The lines that differ."""
    lines = difflib.unified_diff(
        source.splitlines(), mutant.applied(source).splitlines(), mutant.path, mutant.path, lineterm="", n=0
    )
    return "\n".join(line for line in list(lines)[2:])


def counts(wanted: Sequence[Mutant], known: Mapping[str, Found]) -> dict[str, Counter[str]]:
    """By package, how many of each outcome."""
    found = {package: Counter[str]() for package in PACKAGES}
    for mutant in wanted:
        if mutant.key in known:
            found[mutant.path.partition("/")[0]][known[mutant.key]["outcome"]] += 1
    return found


def show(wanted: Sequence[Mutant], known: Mapping[str, Found]) -> None:
    """The table, then every survivor with its lines."""
    console, by_package = Console(width=120 if not sys.stdout.isatty() else None), counts(wanted, known)
    table = Table("", *PACKAGES, title=f"{len(known)} of {len(wanted)} mutants")
    for outcome, words in OUTCOMES.items():
        table.add_row(words, *(str(by_package[package][outcome]) for package in PACKAGES))
    timed = Counter(one["how"] for one in known.values() if one.get("how"))
    console.print(table)
    console.print("how they were caught:", ", ".join(f"{how} {count}" for how, count in sorted(timed.items())))
    for found in known.values():
        if found["outcome"] in ("survived", "unfinished", "tests"):
            console.print(f"\n{found['outcome']}: {found['key']}", markup=False, highlight=False)
            console.print(found["diff"], markup=False, highlight=False)


def record(wanted: Sequence[Mutant], known: Mapping[str, Found], seed: int) -> None:
    """Write the record of trust."""
    from paper_checks.evidence.trust import write_trust

    numbers: dict[str, float] = {"seed": seed}
    for package, found in counts(wanted, known).items():
        drawn = sum(mutant.path.startswith(package) for mutant in wanted)
        ended = {words: found[outcome] for outcome, words in OUTCOMES.items() if outcome != "unfinished"}
        numbers |= {f"{package}: drawn": drawn} | {f"{package}: {words}": count for words, count in ended.items()}
        numbers[f"{package}: {OUTCOMES['unfinished']}"] = drawn - sum(ended.values())
    timed = [one["seconds"] for one in known.values() if "seconds" in one]
    numbers["caught in an earlier draw, not run again"] = len(known) - len(timed)
    if timed:
        numbers["median processor seconds of the others"] = round(statistics.median(timed), 2)
    numbers["caught by taking too long"] = sum(one.get("how") == "time" for one in known.values())
    whys = arguments()
    said = [f"{key}: {whys[key]}" for key, one in known.items() if one["outcome"] == "equivalent"]
    said += [
        f"{key}: {OUTCOMES[one['outcome']]}: {' / '.join(one['diff'].splitlines()[1:])}"
        for key, one in known.items()
        if one["outcome"] in ("survived", "tests")
    ]
    words = [word for word in sys.argv[1:] if word != "--show"]
    command = shlex.join(["python", "-m", "tests.teeth", *words])
    write_trust(
        "teeth", "mutants of theory and of simulate's numerical core, by what caught them", command, numbers, said
    )
