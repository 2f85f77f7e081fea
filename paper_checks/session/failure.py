"""What a failed check says: the claim's sentence, both numbers, and the line that runs it alone with its seed."""

import shlex
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.filled import placeholders
from paper_checks.evidence.ledger import Claim
from paper_checks.report.table import COLUMNS
from paper_checks.report.wording import expected, found, relation, score, tolerance


def explained(claim: Claim, evidence: Iterable[Evidence], again: str) -> list[str]:
    """Lines on a failed check of `claim`; `again` is the command that runs it alone."""
    made = list(evidence)
    lines = textwrap.wrap(f"{placeholders(claim.statement, made)[0]} ({claim.source})", COLUMNS)
    wrong = [item for item in made if not item.passed]
    for item in wrong:
        lines += [f"{item.name}: {item.message}", f"  {_numbers(item)}"]
    if not wrong:
        lines.append("No comparison disagreed: the check itself stopped, see above.")
    return [*lines, f"Run it alone: {again}"]


def _numbers(item: Evidence) -> str:
    """What was found and expected, how far off that is, and how much of the tolerance that took, as far as known."""
    words = [f"found {found(item)}", f"expected {relation(item)} {expected(item)}"]
    words += [f"{score(item)} off"] if item.z is not None else []
    return ", ".join([*words, f"used {tolerance(item)} of its tolerance"] if "%" in tolerance(item) else words)


def rerun(node: str, ledger: Sequence[str], seed: int, given: Sequence[str]) -> str:
    """The command that runs one check with the seed of this run, and with all that its numbers depend on; `ledger` are
    the options that name the ledger, if it must be named."""
    return shlex.join(["pytest", node, "-m", "claims", *ledger, "--seed", str(seed), *given])


def depends_on(option: Callable[[str], Any], defaults: Mapping[str, object]) -> list[str]:
    """The options that were given of those, with their defaults, on which the numbers of checks depend."""
    given = {name: option(name) for name in defaults}
    return [part for name, value in given.items() if value != defaults[name] for part in (name, str(value))]
