"""This project's own ledger, claims.toml beside this file: its claims and their rules."""

from functools import cache
from pathlib import Path

from paper_checks.evidence.ledger import Claim, Ledger, Rule, read_ledger

LEDGER = Path(__file__).with_name("claims.toml")


@cache
def own_ledger() -> Ledger:
    """The ledger, read once.

    Raises:
        ValueError: as for `read_ledger`.
    """
    return read_ledger(LEDGER)


def load_claims() -> dict[str, Claim]:
    """All claims by id, in the file's order."""
    return dict(own_ledger().claims)


def rule_of(claim: str) -> Rule:
    """The rule of a claim.

    Raises:
        ValueError: it has none.
    """
    return own_ledger().rule(claim)
