"""E10: the paper's own size. Trained where `--scale paper` asks for it; else the last run's record is looked at."""

import time

import numpy as np
import pytest

from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.recorded import RecordedTrainings
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.paper_scale import Kept, train_and_test
from paper_checks.experiments.trainings.settings import paper, seeds
from simulate import resolve_device


@pytest.mark.claims("E10")
def test_paper_size(claim: Assertions, scale: str, device: str, pytestconfig: pytest.Config) -> None:
    """The noise first, recall, F2's noise, attention on the answer, at T = 256, d = 256 on tiny Shakespeare."""
    if scale == "paper":
        started, place, code = time.perf_counter(), resolve_device(device), claim.ledger.recorded_hash()
        # A checkpoint is gone on from by the code and on the device that wrote it alone.
        folder = pytestconfig.rootpath / ".evidence" / "trainings" / f"{code[:16]}-{place.type}"
        chosen = seeds(claim.base_seed, "paper scale", claim.rule.seeds)
        runs = train_and_test(paper(), chosen, device, folder)
        record = recorded.new_record("E10", code, place, time.perf_counter() - started, runs)
        recorded.write_record(record, claim.ledger.recorded)
    else:
        record = usable_record(claim)
        claim.recorded(record.date, record.device)
    check(claim, record)


def usable_record(claim: Assertions) -> RecordedTrainings:
    """The record, or a skip that says what to do."""
    record = recorded.read_record(claim.claim, claim.ledger.recorded)
    remedy = "on a GPU, pytest paper_checks -m claims --claims E10 --scale paper"
    if record is None:
        pytest.skip(f"no GPU run recorded yet: {remedy}")
    if record.code != claim.ledger.recorded_hash():
        pytest.skip(f"recorded on {record.date} by other code: {remedy}")
    return record


def check(claim: Assertions, record: RecordedTrainings) -> None:
    """The statements of E1, E2 and E4 on all trainings of the record, of which a coin passes each with 1/64."""
    kept = [Kept(run) for run in record.runs]

    def over(numbers: statements.Numbers) -> list[float]:
        values: list[float] = np.asarray(numbers(kept), dtype=np.float64).tolist()
        return values

    for tell in (statements.noise_first, statements.without_last_layer, statements.second_attention):
        tell(claim, over)
