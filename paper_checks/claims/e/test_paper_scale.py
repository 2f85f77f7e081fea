"""E10: the paper's own size. Trained where `--scale paper` asks for it; else the last run's record is looked at.

`--scale replay` makes its first updates again with the code at hand, for which it then stands too.
"""

import time
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.recorded import RecordedTrainings
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.few_trainings import NUMBERS, FewTrainings
from paper_checks.experiments.trainings.paper_scale import (
    AFTER_RECALL,
    RECALLED,
    REPLAYED,
    STEPS,
    Kept,
    UpdatesAfter,
    paper_training,
    products_on,
    replayed,
    train_and_test,
)
from paper_checks.experiments.trainings.settings import seeds
from simulate import resolve_device
from simulate.transformer.products import Products, check_products

COMMAND = "pytest paper_checks -m claims --claims E10 --scale"
ON_A_PROCESSOR = 1
"""Trainings on a processor, where one takes hours."""


@pytest.mark.claims("E10")
def test_paper_size(claim: Assertions, scale: str, device: str, pytestconfig: pytest.Config) -> None:
    """The noise first, recall, F2's noise, attention on the answer, at T = 256, d = 256 on tiny Shakespeare."""
    if scale == "paper":
        started, place, code = time.perf_counter(), resolve_device(device), claim.ledger.recorded_hash()
        products = products_on(device)
        check_made_here(products, place)
        # A checkpoint is gone on from by the code and on the device that wrote it alone.
        folder = pytestconfig.rootpath / ".evidence" / "trainings" / f"{code[:16]}-{place.type}"
        count = ON_A_PROCESSOR if place.type == "cpu" else claim.rule.seeds
        keep_larger(claim, code, count)
        chosen = [paper_training(seed, products) for seed in seeds(claim.base_seed, "paper scale", count)]
        runs = train_and_test(chosen, device, folder)
        record = recorded.new_record("E10", code, place, time.perf_counter() - started, runs)
        recorded.write_record(record, claim.ledger.recorded)
    elif scale == "replay":
        record = replay(claim)
    else:
        record = usable_record(claim)
    found = check(claim, record)
    if scale != "paper" or found:
        claim.recorded(record.date, described(record) + found)


def check_made_here(products: Products, place: torch.device) -> None:
    """A skip where the device has no such products."""
    try:
        check_products(products, place)
    except ValueError as error:
        pytest.skip(f"{error}: a GPU needs none")


def keep_larger(claim: Assertions, code: str, count: int) -> None:
    """Skip where the record of the code at hand has more trainings than this run would put in its place."""
    known = recorded.read_record(claim.claim, claim.ledger.recorded)
    if known is not None and known.code == code and len(known.runs) > count:
        path = claim.ledger.recorded / f"{claim.claim}.json"
        pytest.skip(f"{len(known.runs)} trainings are on record, more than {count}: remove {path.name} to replace them")


def described(record: RecordedTrainings) -> str:
    """On what the trainings were made."""
    kinds = " and ".join(sorted({run["products"] for run in record.runs}))
    again = f", its first {record.again['updates']} updates by {record.again['code'][:8]} too" if record.again else ""
    return f"{record.device}, {kinds} products, torch {record.versions['torch']}, code {record.code[:8]}{again}"


def any_record(claim: Assertions) -> RecordedTrainings:
    """The record, or a skip that says what to do."""
    record = recorded.read_record(claim.claim, claim.ledger.recorded)
    if record is None:
        pytest.skip(f"no training of this size recorded yet: {COMMAND} paper, on a GPU or with --device cpu")
    return record


def usable_record(claim: Assertions) -> RecordedTrainings:
    """The same of the code at hand."""
    record = any_record(claim)
    if not record.is_of(claim.ledger.recorded_hash()):
        pytest.skip(f"recorded on {record.date} by other code: {COMMAND} replay if it gives the same numbers")
    return record


def replay(claim: Assertions) -> RecordedTrainings:
    """The record, of which the code at hand has made the first updates again: every number as it was."""
    record, code = any_record(claim), claim.ledger.recorded_hash()
    for run in record.runs:
        known = [exactly(seen) for seen in run["history"] if seen["step"] <= REPLAYED]
        check_made_here(run["products"], torch.device("cpu"))
        again = [exactly(seen) for seen in replayed(run, "cpu")]
        claim.equal(f"observations of the first {REPLAYED} updates, again", known, again)
    record = recorded.made_again(record, code, REPLAYED)
    recorded.write_record(record, claim.ledger.recorded)
    return record


def exactly(seen: Mapping[str, float]) -> list[Fraction]:
    """The numbers of an observation, which are told apart to the last bit."""
    return [Fraction(seen[name]) for name in sorted(seen)]


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
