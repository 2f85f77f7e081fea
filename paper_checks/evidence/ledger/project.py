"""A ledger as a whole: its claims, the titles of their groups, and the project around it."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paper_checks.evidence.validation import Words
from simulate.runtime.files import digest_of_files, files_below

from .claim import Claim, Rule

NAME = "claims.toml"
"""What a ledger is called; one of another name must be named."""


@dataclass(frozen=True)
class Project:
    """What a ledger's table `project` says, all of it optional. Folders are seen from the ledger's own, patterns from
    `root`.

    Attributes:
        title, about: of the report, and a sentence on whose claims they are.
        root: folder of the code.   checks: folder of the checks, test_*.py.
        code: patterns of the files on which verdicts depend; without them the Python files below `root`, the ledger
            and its pilots.
        recorded_code: the same of evidence that is recorded on another machine; without them `code`.
        packages: whose versions a run keeps.   plugins: modules with options and fixtures of the checks, for pytest.
        pictures: a module whose PLANS are pictures of the report (`report.pictures`).
        first: the claims that its first screen is about.
    """

    title: Words = "Claims"
    about: Words = "Claims"
    root: Words = "."
    checks: Words = "."
    code: tuple[Words, ...] = ()
    recorded_code: tuple[Words, ...] = ()
    packages: tuple[Words, ...] = ()
    plugins: tuple[Words, ...] = ()
    pictures: Words | None = None
    first: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """A file of claims, as `read_ledger` has read it; `groups` are the titles of the groups by name, `symbols` what the
    symbols of statements stand for, by how they are drawn, "x in T4" where that is of a group's claims alone."""

    path: Path
    claims: Mapping[str, Claim]
    groups: Mapping[str, str]
    project: Project
    symbols: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the ledger lies."""
        return self.path.parent

    @property
    def checks(self) -> Path:
        """The folder of the checks."""
        return (self.folder / self.project.checks).resolve()

    @property
    def pilots(self) -> Path:
        """The folder of pilot trainings, from which thresholds come."""
        return self.folder / "pilots"

    @property
    def recorded(self) -> Path:
        """The folder of evidence that other machines have recorded."""
        return self.folder / "recorded"

    @property
    def named(self) -> list[str]:
        """The options that name the ledger; none where it is found from its checks."""
        above = self.path.name == NAME and self.checks.is_relative_to(self.folder.resolve())
        return [] if above else ["--ledger", as_typed(self.path)]

    @property
    def command(self) -> str:
        """What runs the checks, as it is typed here."""
        place = self.checks if self.named else self.folder
        return shlex.join(["pytest", as_typed(place), "-m", "claims", *self.named])

    def rule(self, claim: str) -> Rule:
        """The rule of a claim.

        Raises:
            ValueError: it has none.
        """
        rule = self.claims[claim].rule
        if rule is None:
            raise ValueError(f"claim {claim} has no rule in the ledger")
        return rule

    def code_hash(self) -> str:
        """sha256 of the files on which verdicts depend.

        Raises:
            ValueError: a pattern matches no file.
        """
        return self._digest(self.project.code or self._all_code())

    def recorded_hash(self) -> str:
        """sha256 of the files on which recorded evidence depends; errors as for `code_hash`."""
        return self._digest(self.project.recorded_code or self.project.code or self._all_code())

    def _digest(self, patterns: tuple[str, ...]) -> str:
        return digest_of_files((self.folder / self.project.root).resolve(), patterns)

    def _all_code(self) -> tuple[str, ...]:
        root = (self.folder / self.project.root).resolve()
        here = self.folder.resolve().relative_to(root).as_posix()
        pilots = (f"{here}/pilots/*.json",) if any(self.pilots.glob("*.json")) else ()
        stubs = ("**/*.pyi",) if files_below(root, "**/*.pyi") else ()  # a lazy face reads its own
        return "**/*.py", *stubs, f"{here}/{self.path.name}", *pilots


def as_typed(path: Path) -> str:
    """A path as it is typed in the working directory, in full where it does not lie below."""
    full, here = path.resolve(), Path.cwd()
    return os.path.relpath(full, here) if full.is_relative_to(here) else str(full)


def mismatches(ledger: Ledger, checked: set[str]) -> list[str]:
    """What is wrong between the ledger and the set of ids that have a check: one sentence each."""
    problems = unknown(ledger, checked)
    for name, claim in ledger.claims.items():
        if name in checked and claim.not_run:
            problems.append(f"claim {name} has a check, but {ledger.path.name} still says not_run = {claim.not_run!r}")
        if name not in checked and not claim.not_run:
            problems.append(f"claim {name} has no check and no not_run reason")
    return problems


def unknown(ledger: Ledger, checked: set[str]) -> list[str]:
    """The ids that have a check and that the ledger does not have: one sentence each."""
    missing = sorted(checked - ledger.claims.keys())
    return [f"check for {name}, which {ledger.path.name} does not have" for name in missing]
