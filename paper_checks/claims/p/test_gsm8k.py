"""P6: what the command gsm8k found on 8B models, given with --gsm8k; without it the claim is not run.

The results are those of an earlier run on another machine: files that hold every answer, the weights' sha256, prompts
and versions. Both must be of one of the claim's models, with nothing but the truncation between them.
"""

from typing import Any

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.named import gsm8k_files
from simulate.gsm8k.results import SIGNS, changes, comparable


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results without truncation and with it."""
    given = request.config.getoption("--gsm8k")
    if given is None:
        pytest.skip("no 8B weights, no GPU: on a GPU, paper-checks gsm8k twice, then --gsm8k")
    return comparable(*gsm8k_files(given))


@pytest.mark.claims("P6")
def test_few_shots_gain_and_eight_lose(claim: Assertions, results: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """The change of accuracy on the same problems: up at 1 and 2 shots, down at 8; last number of each answer."""
    whole, cut = results
    record = cut["shots"]["8"]
    claim.recorded(record["date"], record["device"])
    for shots, side in SIGNS.items():
        change = changes(whole, cut, shots)["flexible"]
        details = {"gained": change.gained, "lost": change.lost, "truncation": cut["configuration"]["truncation"]}
        claim.sign(f"{shots} shots: change of accuracy", side, change.difference, change.standard_error, **details)
