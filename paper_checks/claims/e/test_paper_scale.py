"""E10: the paper's own size. Trained where `--scale paper` asks for it; else the last run's record is looked at."""

import time

import numpy as np
import pytest

from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.recorded import RecordedTrainings
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.few_trainings import NUMBERS, FewTrainings
from paper_checks.experiments.trainings.paper_scale import (
    AFTER_RECALL,
    RECALLED,
    STEPS,
    Kept,
    UpdatesAfter,
    paper_training,
    products_on,
    train_and_test,
)
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
        keep_larger(claim, code, count)
        chosen = [paper_training(seed, products) for seed in seeds(claim.base_seed, "paper scale", count)]
        runs = train_and_test(chosen, device, folder)
        record = recorded.new_record("E10", code, place, time.perf_counter() - started, runs)
        recorded.write_record(record, claim.ledger.recorded)
    else:
        record = usable_record(claim)
    found = check(claim, record)
    if scale == "desk" or found:
        claim.recorded(record.date, described(record) + found)


def keep_larger(claim: Assertions, code: str, count: int) -> None:
    """Skip where the record of the code at hand has more trainings than this run would put in its place."""
    known = recorded.read_record(claim.claim, claim.ledger.recorded)
    if known is not None and known.code == code and len(known.runs) > count:
        path = claim.ledger.recorded / f"{claim.claim}.json"
        pytest.skip(f"{len(known.runs)} trainings are on record, more than {count}: remove {path.name} to replace them")


def described(record: RecordedTrainings) -> str:
    """On what the trainings were made."""
    kinds = " and ".join(sorted({run["products"] for run in record.runs}))
    return f"{record.device}, {kinds} products, torch {record.versions['torch']}, code {record.code[:8]}"


def usable_record(claim: Assertions) -> RecordedTrainings:
    """The record, or a skip that says what to do."""
    record = recorded.read_record(claim.claim, claim.ledger.recorded)
    remedy = "pytest paper_checks -m claims --claims E10 --scale paper, on a GPU or with --device cpu"
    if record is None:
        pytest.skip(f"no training of this size recorded yet: {remedy}")
    if record.code != claim.ledger.recorded_hash():
        pytest.skip(f"recorded on {record.date} by other code: {remedy}")
    return record


def check(claim: Assertions, record: RecordedTrainings) -> str:
    """The statements of E1, E2 and E4 on all trainings of the record: a coin passes each with 1/64 on six. Of too few
    for a verdict the observations; returns what is to be said of these."""
    kept = [Kept(run) for run in record.runs]
    claim.equal("last update, by the stopping rule", [last_update(run) for run in kept], [made(run) for run in kept])

    def over(numbers: statements.Numbers) -> list[float]:
        values: list[float] = np.asarray(numbers(kept), dtype=np.float64).tolist()
        return values

    few = FewTrainings(claim) if len(kept) in NUMBERS else None
    for tell in (statements.noise_first, statements.without_last_layer, statements.second_attention):
        tell(few or claim, over)
    return f"; {few.summary}" if few else ""


def made(run: Kept) -> int:
    """The last update of a training."""
    return int(run.history[-1]["step"])


def last_update(run: Kept) -> int:
    """After which it had to end: of bfloat16 products by `UpdatesAfter`, else and at the latest after STEPS."""
    rule = UpdatesAfter("recall", RECALLED, AFTER_RECALL)
    ends = [int(seen["step"]) for seen in run.history if run.run["products"] == "bfloat16" and rule(seen)]
    return min([*ends, STEPS])
