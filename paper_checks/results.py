"""Evidence of one run, gathered per claim."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .comparator import Evidence, verdict
from .ledger import Claim


@dataclass
class Result:
    """What a run found about one claim."""

    claim: Claim
    evidence: list[Evidence] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    known: int = 0  # checks of this claim that were collected, selected or not
    failed: bool = False
    skipped: str | None = None
    recorded: str | None = None
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """verified, bounded, refuted, failed, not run, or recorded, if the evidence that this run looked at is from an
        earlier one; a function of the run alone."""
        if self.failed:
            return "failed"
        if self.skipped or not self.nodes or len(self.nodes) < self.known:
            return "not run"
        found = verdict(self.evidence)
        return "recorded" if self.recorded and found in ("verified", "bounded") else found

    @property
    def reason(self) -> str:
        """Why the claim was not run; empty if it was."""
        if self.verdict != "not run":
            return ""
        some = f"{len(self.nodes)} of {self.known} checks selected" if self.nodes else "not selected"
        return self.skipped or self.claim.not_run or some

    @property
    def headline(self) -> Evidence | None:
        """The comparison to show: the estimate with the largest |z|, else the weakest sign, a rate, the trainings with
        the fewest seeds to spare, or the first."""
        estimates = [item for item in self.evidence if item.kind == "estimate" and item.z is not None]
        if estimates:
            return max(estimates, key=lambda item: abs(item.z or 0.0))
        signs = [item for item in self.evidence if item.kind == "sign"]
        rates = [item for item in self.evidence if item.kind == "rate"]
        trained = [item for item in self.evidence if item.kind == "replicated"]
        trained = sorted(trained, key=lambda item: item.details["holds"] - item.details["needed"])
        others = rates or trained or self.evidence
        return min(signs, key=lambda item: item.z or 0.0) if signs else next(iter(others), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "id": self.claim.id,
            "group": self.claim.group,
            "source": self.claim.source,
            "statement": self.claim.statement,
            "formal": self.claim.formal,
            "scope": self.claim.scope,
            "verdict": self.verdict,
            "reason": self.reason,
            "recorded": self.recorded,
            "seconds": round(self.seconds, 3),
            "checks": sorted(self.nodes),
            "evidence": [item.as_dict() for item in self.evidence],
        }


class Results:
    """All claims of the ledger with what this run found."""

    def __init__(self, claims: Mapping[str, Claim]) -> None:
        self.by_id = {name: Result(claim) for name, claim in claims.items()}

    def collected(self, name: str) -> None:
        """One check of a claim was collected, whether or not it is then selected."""
        if name in self.by_id:
            self.by_id[name].known += 1

    def add(
        self,
        name: str,
        node: str,
        evidence: list[Evidence],
        failed: bool,
        skipped: str | None,
        seconds: float,
        recorded: str | None = None,
    ) -> None:
        """One phase (setup, call, teardown) of one check."""
        result = self.by_id[name]
        result.recorded = result.recorded or recorded
        result.evidence += evidence
        result.failed |= failed
        result.skipped = result.skipped or skipped
        result.seconds += seconds
        if node not in result.nodes:
            result.nodes.append(node)

    @property
    def any_ran(self) -> bool:
        """Whether the run held any check of a claim."""
        return any(result.nodes for result in self.by_id.values())

    @property
    def comparisons(self) -> int:
        """Comparisons with a standard error, counted against the family of the design."""
        return sum(item.comparisons for result in self.by_id.values() for item in result.evidence)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Plain JSON types, in the ledger's order."""
        return [result.as_dict() for result in self.by_id.values()]
