"""E10: the paper's own size. Trained where `--scale paper` asks for it; else the last run's record is looked at."""

import time

import numpy as np
import pytest

from simulate import resolve_device

from . import recorded
from .paper_scale import train_and_test
from .recall_settings import paper, seeds
from .recorded import Record
from .recorder import Recorder


@pytest.mark.claims("E10")
def test_paper_size(claim: Recorder, scale: str, device: str, pytestconfig: pytest.Config) -> None:
    """The noise first, recall, F2's noise, attention on the answer, at T = 256, d = 256 on tiny Shakespeare."""
    if scale == "paper":
        started, place, code = time.perf_counter(), resolve_device(device), recorded.code_hash()
        # A checkpoint is gone on from by the code and on the device that wrote it alone.
        folder = pytestconfig.rootpath / ".evidence" / "trainings" / f"{code[:16]}-{place.type}"
        chosen = seeds(claim.base_seed, "paper scale", claim.rule.seeds)
        runs = train_and_test(paper(), chosen, device, folder)
        record = recorded.new_record("E10", code, place, time.perf_counter() - started, runs)
        recorded.write_record(record)
    else:
        record = usable_record()
        claim.recorded(record.date, record.device)
    check(claim, record)


def usable_record() -> Record:
    """The record, or a skip that says what to do."""
    record = recorded.read_record("E10")
    remedy = "on a GPU, pytest paper_checks -m claims --claims E10 --scale paper"
    if record is None:
        pytest.skip(f"no GPU run recorded yet: {remedy}")
    if not record.is_current:
        pytest.skip(f"recorded on {record.date} by other code: {remedy}")
    return record


def check(claim: Recorder, record: Record) -> None:
    """The claims of E1, E2 and E4, seed by seed."""
    runs = record.runs
    early = [max(seen["noise"] for seen in run["history"] if seen["step"] <= 10) for run in runs]
    claim.replicated("largest P(τ) up to step 10", "noise_by_10", +1, early)
    at_50 = [seen["recall"] for run in runs for seen in run["history"] if seen["step"] == 50]
    claim.replicated("recall at step 50", "recall_at_50", -1, at_50)
    whole, less = ([run["tested"][name] for run in runs] for name in ("full", "without F2"))
    claim.replicated("recall at the end", "recall_at_end", +1, [answer["recall"] for answer in whole])
    claim.replicated("P(τ) without F2", "noise_without_F2", -1, [answer["noise"] for answer in less])
    gain = np.subtract([answer["correct"] for answer in less], [answer["correct"] for answer in whole])
    claim.replicated("P(c) without F2 less P(c)", "correct_gain", +1, gain)
    ends = [run["history"][-1] for run in runs]
    claim.replicated("attention on (q,c)", "on_correct", +1, [seen["on (q,c)"] for seen in ends])
    claim.replicated("attention on (q,τ)", "on_noise", -1, [seen["on (q,τ)"] for seen in ends])
