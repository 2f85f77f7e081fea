"""Evidence of one run, gathered per claim while its checks report."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from .comparator import Evidence
from .filled import FILLED, placeholders
from .ledger import Claim, Ledger
from .ledger.checks import function_of
from .run import ClaimRecord, Code, JobRecord
from .verdicts import verdict

SELECT_ALL = "leave out --claims, -k and names of checks"
NOT_SELECTED = f"not selected: {SELECT_ALL}"
TO_THE_END = "run it to its end"


@dataclass
class Result:
    """What a run found about one claim."""

    claim: Claim
    by_check: dict[str, list[Evidence]] = field(default_factory=dict)  # in the order of collection, whatever ran first
    jobs: list[JobRecord] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    code: dict[str, Code] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()  # that check this claim, collected or not
    found: set[str] = field(default_factory=set)  # of these, what was collected, selected or not
    known: int = 0  # checks of this claim that were collected, selected or not
    selected: int = 0
    by_name: bool = False  # whether single checks were named, so that others were not even collected
    failed: bool = False
    skipped: str | None = None
    recorded: str | None = None
    seconds: float = 0.0  # of the processor, of its checks but for their jobs

    @property
    def evidence(self) -> list[Evidence]:
        """Of all its checks."""
        return [item for items in self.by_check.values() for item in items]

    @property
    def verdict(self) -> str:
        """verified, bounded, refuted, failed, not run, or recorded, if the evidence that this run looked at is from an
        earlier one; a function of the run alone."""
        if self.failed:
            return "failed"
        if self.skipped or not self.complete:
            return "not run"
        found = verdict(self.evidence)
        return "recorded" if self.recorded and found in ("verified", "bounded") else found

    @property
    def worked(self) -> float:
        """Processor seconds of its checks and of its jobs."""
        return self.seconds + sum(job.seconds for job in self.jobs)

    @property
    def complete(self) -> bool:
        """Whether all checks of the claim have run to their end."""
        ran = {function_of(node) for node in self.nodes}
        return bool(ran) and ran >= self.functions and len(self.nodes) >= self.known and not self.by_name

    @property
    def reason(self) -> str:
        """Why the claim was not run and what to do about it; empty if it was."""
        if self.verdict != "not run":
            return ""
        if self.skipped or self.claim.not_run:
            return self.skipped or self.claim.not_run or ""
        if len(self.nodes) < self.selected:
            return f"the run stopped after {len(self.nodes)} of {self.selected} checks: {TO_THE_END}"
        if not self.selected:
            return NOT_SELECTED
        if self.by_name or self.selected == self.known:
            return f"some of its checks were left out: {SELECT_ALL}"
        return f"{self.selected} of {self.known} checks selected: {SELECT_ALL}"

    def record(self) -> ClaimRecord:
        """The result as it is kept."""
        claim = self.claim
        return ClaimRecord(
            claim.id, claim.group, claim.source, claim.statement, claim.formal, claim.scope,
            self.verdict, self.reason, self.recorded, round(self.worked, 3),
            sorted(self.nodes), [self.code[name] for name in sorted(self.code)], self.evidence,
            list(claim.catches), list(self.jobs),
            title=claim.title, paper=claim.paper, found=claim.found, shown=claim.shown, limits=claim.limits,
            depends_on=claim.depends_on, theory=claim.theory, proof=claim.proof,
        )  # fmt: skip


class Results:
    """All claims of a ledger with what this run found."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.by_id = {name: Result(claim) for name, claim in ledger.claims.items()}

    def expect(self, functions: Mapping[str, Set[str]]) -> None:
        """By claim, the functions without all of which it has no verdict."""
        for name, result in self.by_id.items():
            result.functions = frozenset(functions.get(name, ()))

    def collected(self, name: str, node: str) -> None:
        """One check of a claim was collected, whether or not it is then selected."""
        if name in self.by_id:
            self.by_id[name].known += 1
            self.by_id[name].found.add(function_of(node))
            self.by_id[name].by_check[node] = []

    def selected(self, name: str) -> None:
        """One check of a claim was selected."""
        if name in self.by_id:
            self.by_id[name].selected += 1

    def add(
        self,
        name: str,
        evidence: list[Evidence],
        failed: bool,
        skipped: str | None,
        recorded: str | None = None,
        code: Code | None = None,
        node: str = "",
    ) -> None:
        """One phase (setup, call, teardown) of the check `node`."""
        result = self.by_id[name]
        result.recorded = result.recorded or recorded
        result.by_check.setdefault(node, []).extend(evidence)
        result.failed |= failed
        result.skipped = result.skipped or skipped
        if code is not None:
            result.code[f"{code.path}:{code.line:06}"] = code

    def named_one_by_one(self) -> None:
        """Single checks were named on the command line: no claim's checks need be complete."""
        for result in self.by_id.values():
            result.by_name = True

    @property
    def whole(self) -> bool:
        """Whether every check of every claim was selected."""
        return all(
            result.selected == result.known and not result.by_name and result.found >= result.functions
            for result in self.by_id.values()
        )

    def finished(self, name: str, node: str) -> None:
        """One check has run to its end, whatever came out."""
        self.by_id[name].nodes.append(node)

    def rests_on(self, name: str, jobs: list[JobRecord]) -> None:
        """The results that the checks of a claim asked for."""
        self.by_id[name].jobs = jobs

    def took(self, name: str, seconds: float) -> None:
        """Processor seconds of one check."""
        self.by_id[name].seconds += seconds

    @property
    def any_ran(self) -> bool:
        """Whether the run began any check of a claim."""
        return any(result.nodes or result.code for result in self.by_id.values())

    @property
    def comparisons(self) -> int:
        """Comparisons with a standard error, counted against the family of the design."""
        return sum(item.comparisons for result in self.by_id.values() for item in result.evidence)

    @property
    def trainings(self) -> int:
        """Statements about trainings, counted against the family of their design."""
        return sum(item.kind == "replicated" for result in self.by_id.values() for item in result.evidence)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the run besides its claims, a sentence each: a statement about a sequence of seeds whose
        threshold has no pilot on file, a number in a sentence of the ledger that the evidence does not have, and a
        comparison to be shown that is none of them, or several."""
        found = []
        for name, result in self.by_id.items():
            drawn = f"no pilot on file: {self.ledger.command} --claims {name} --pilots"
            found += [f"{name}: {item.name}: {drawn}" for item in result.evidence if _lacks_pilot(item)]
            if result.verdict not in ("not run", "failed"):
                sentences = " ".join(getattr(result.claim, key) for key in FILLED)
                found += [f"{name}: {problem}" for problem in placeholders(sentences, result.evidence)[1]]
                shown = [item for item in result.evidence if item.name == result.claim.shown]
                if result.claim.shown and len(shown) != 1:
                    wanted = "must be the name of one comparison"
                    found.append(f"{name}: shown {wanted}, got {result.claim.shown!r}, of which there are {len(shown)}")
        return found

    def records(self) -> list[ClaimRecord]:
        """What is kept, in the ledger's order."""
        return [result.record() for result in self.by_id.values()]


def _lacks_pilot(item: Evidence) -> bool:
    return item.kind == "replicated" and len(item.details["boundaries"]["looks"]) > 1 and "pilot" not in item.details
