"""The ledger: a file claims.toml that says what is claimed, where the checks lie and which code they depend on.

    ledger = read_ledger(Path("own/claims.toml"))
    ledger.claims["A1"].statement, ledger.groups, ledger.code_hash()

A verdict is never written there; the run sets it.
"""

from .claim import Claim, Proof, Rule, Stated
from .names import check_groups, check_name, circle_of, meanings
from .project import Ledger, Project, as_typed, mismatches, unknown
from .reading import read_ledger
from .references import unfound

__all__ = [
    "Claim",
    "Ledger",
    "Project",
    "Proof",
    "Rule",
    "Stated",
    "as_typed",
    "check_groups",
    "check_name",
    "circle_of",
    "meanings",
    "mismatches",
    "read_ledger",
    "unfound",
    "unknown",
]
