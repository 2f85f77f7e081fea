"""P6: what `python -m paper_checks.run_gsm8k` found on 8B models, given with --gsm8k; without it the claim is not run.

The results are those of an earlier run on another machine: files that hold every answer, the weights' sha256, prompts
and versions. Both must be of one of the claim's models, with nothing but the truncation between them.
"""

from pathlib import Path
from typing import Any

import pytest

from .gsm8k import MODELS
from .gsm8k_results import changes, read_results, require_same
from .recorder import Recorder

SIDES = {1: +1, 2: +1, 8: -1}
"""Shots, and whether LASER is claimed to help."""


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results without truncation and with it."""
    given = request.config.getoption("--gsm8k")
    if given is None:
        pytest.skip("needs 8B weights and a GPU (paper_checks.run_gsm8k, then --gsm8k)")
    paths = [Path(name) for name in given.split(",")]
    if len(paths) != 2:
        raise ValueError(f"--gsm8k must be two files, BASELINE.json,LASER.json, got {given!r}")
    return comparable(*paths)


def comparable(before: Path, after: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two files of results of one of the claim's models that differ in the truncation alone.

    Raises:
        ValueError: other files.
    """
    whole, cut = read_results(before), read_results(after)
    if whole["source"]["model"] not in MODELS:
        raise ValueError(f"{before.name} must be of {', '.join(MODELS)}, it is of {whole['source']['model']}")
    fixed = {name: value for name, value in whole["configuration"].items() if name != "truncation"}
    require_same(after, cut, fixed)
    if whole["configuration"]["truncation"] is not None or cut["configuration"]["truncation"] is None:
        raise ValueError(f"{before.name} must be of the model as it is, {after.name} of the truncated one")
    lacking = [shots for shots in SIDES for found in (whole, cut) if str(shots) not in found["shots"]]
    if lacking:
        raise ValueError(f"both files must have 1, 2 and 8 shots, missing {sorted(set(lacking))}")
    return whole, cut


@pytest.mark.claims("P6")
def test_few_shots_gain_and_eight_lose(claim: Recorder, results: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """The change of accuracy on the same problems: up at 1 and 2 shots, down at 8; last number of each answer."""
    whole, cut = results
    record = cut["shots"]["8"]
    claim.recorded(record["date"], record["device"])
    for shots, side in SIDES.items():
        change = changes(whole, cut, shots)["flexible"]
        details = {"gained": change.gained, "lost": change.lost, "truncation": cut["configuration"]["truncation"]}
        claim.sign(f"{shots} shots: change of accuracy", side, change.difference, change.standard_error, **details)
