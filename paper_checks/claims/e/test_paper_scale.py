"""E10: the paper's own size. Trained where `--scale paper` asks for it; else the last run's record is looked at."""

import time

import numpy as np
import pytest

from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.recorded import RecordedTrainings
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.few_trainings import NUMBERS, FewTrainings
from paper_checks.experiments.trainings.paper_scale import Kept, paper_training, products_on, train_and_test
from paper_checks.experiments.trainings.settings import seeds
from simulate import resolve_device
from simulate.transformer.products import check_products

ON_A_PROCESSOR = 1
"""Trainings on a processor, where one takes hours."""


@pytest.mark.claims("E10")
def test_paper_size(claim: Assertions, scale: str, device: str, pytestconfig: pytest.Config) -> None:
    """The noise first, recall, F2's noise, attention on the answer, at T = 256, d = 256 on tiny Shakespeare."""
    if scale == "paper":
        started, place, code = time.perf_counter(), resolve_device(device), claim.ledger.recorded_hash()
        products = products_on(device)
        try:
            check_products(products, place)
        except ValueError as error:
            pytest.skip(f"{error}: a GPU needs none")
        # A checkpoint is gone on from by the code and on the device that wrote it alone.
        folder = pytestconfig.rootpath / ".evidence" / "trainings" / f"{code[:16]}-{place.type}"
        count = ON_A_PROCESSOR if place.type == "cpu" else claim.rule.seeds
        chosen = [paper_training(seed, products) for seed in seeds(claim.base_seed, "paper scale", count)]
        runs = train_and_test(chosen, device, folder)
        record = recorded.new_record("E10", code, place, time.perf_counter() - started, runs)
        recorded.write_record(record, claim.ledger.recorded)
    else:
        record = usable_record(claim)
    if scale == "desk" or len(record.runs) in NUMBERS:
        claim.recorded(record.date, described(record))
    check(claim, record)


def described(record: RecordedTrainings) -> str:
    """On what the trainings were made, and how few they are."""
    kinds = " and ".join(sorted({run["products"] for run in record.runs}))
    words = f"{record.device}, products of {kinds}, torch {record.versions['torch']}, code {record.code[:8]}"
    few = NUMBERS.get(len(record.runs))
    return words if few is None else f"{words}; {few}: an observation, from which no share of seeds follows"


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
    """The statements of E1, E2 and E4 on all trainings of the record: a coin passes each with 1/64 on six. Of too few
    for a verdict, as observations."""
    kept = [Kept(run) for run in record.runs]

    def over(numbers: statements.Numbers) -> list[float]:
        values: list[float] = np.asarray(numbers(kept), dtype=np.float64).tolist()
        return values

    hearer = FewTrainings(claim) if len(kept) in NUMBERS else claim
    for tell in (statements.noise_first, statements.without_last_layer, statements.second_attention):
        tell(hearer, over)
