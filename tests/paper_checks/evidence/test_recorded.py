"""Recorded evidence: bound to its code, refused when damaged, and judged like fresh evidence."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from paper_checks.claims.e import test_paper_scale as paper_checks
from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.ledger import read_ledger
from paper_checks.experiments.trainings.paper_scale import CHANGES, train_and_test
from paper_checks.experiments.trainings.settings import desk
from paper_checks.project import own_ledger
from simulate.runtime.files import digest_of_files
from tests.oracles.training_numbers import recall_run
from tests.places import ROOT

FULL = {"noise": 0.5, "correct": 0.4, "recall": 1.0, "leads": 0.5}
RUN = {
    "seed": 1,
    "history": recall_run().history,
    "tested": {
        "full": FULL,
        "without F2": {**FULL, "noise": 0.1, "correct": 0.8, "leads": 0.9},
        "without F1": {**FULL, "correct": 0.3},
    },
    "looked": {"on (q,c)": 0.9, "on (q,τ)": 0.05, "apart": 0.85, "on (q,τ) of equal": 0.1},
}
CPU = torch.device("cpu")


def record(**changes):
    return replace(recorded.new_record("E10", own_ledger().recorded_hash(), CPU, 1.5, [RUN] * 6), **changes)


def claim():
    return Assertions("E10", 1, [], own_ledger())


def test_a_record_comes_back_as_it_was(tmp_path):
    written = record()
    recorded.write_record(written, tmp_path)
    assert recorded.read_record("E10", tmp_path) == written
    assert written.device.endswith("processor")
    assert recorded.read_record("E9", tmp_path) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"claim": "E10"}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / "E10.json").write_text(text)
    with pytest.raises(ValueError, match=r"E10\.json must be a record of E10"):
        recorded.read_record("E10", tmp_path)


def test_a_record_of_another_claim_or_without_runs_is_refused(tmp_path):
    for changes in ({"claim": "E1"}, {"runs": []}):
        recorded.write_record(record(**changes), tmp_path)
        path = tmp_path / f"{changes.get('claim', 'E10')}.json"
        path.rename(tmp_path / "E10.json")
        with pytest.raises(ValueError, match=r"must be a record of E10 with runs"):
            recorded.read_record("E10", tmp_path)


def test_the_digest_depends_on_names_and_contents_of_files_in_sub_folders_too(tmp_path):
    code = ["**/*.py"]

    def now():
        return digest_of_files(tmp_path, code)

    (tmp_path / "a.py").write_text("x = 1\n")
    found = [now()]
    (tmp_path / "a.py").write_text("x = 2\n")
    found.append(now())
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    found.append(now())
    (tmp_path / "chapter" / "deeper").mkdir(parents=True)
    (tmp_path / "chapter" / "deeper" / "a.py").write_text("x = 2\n")
    found.append(now())
    (tmp_path / "chapter" / "notes.txt").write_text("not code\n")
    for folder in (".hidden", "build", "node_modules", "environment"):
        (tmp_path / folder / "deeper").mkdir(parents=True)
        (tmp_path / folder / "deeper" / "b.py").write_text("x = 3\n")
    (tmp_path / "environment" / "pyvenv.cfg").write_text("")
    assert len(set(found)) == 4 and now() == found[-1]


@pytest.mark.parametrize("patterns", [["*.rs"], ["*.py", "missing/**/*.py"], ["folder"]])
def test_a_pattern_without_a_file_is_refused(tmp_path, patterns):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"pattern \S+ must match a file in .*, it matches none"):
        digest_of_files(tmp_path, patterns)


@pytest.mark.parametrize("name", ["simulate", "theory", "paper_checks", "simulate stub"])
def test_a_file_planted_in_a_sub_folder_makes_evidence_stale(tmp_path, name):
    """Of a copy of the project; a training at the papers' size depends on simulate alone of these."""
    for folder in ("simulate", "theory", "paper_checks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    ledger = read_ledger(tmp_path / "paper_checks" / "claims.toml")
    before = ledger.code_hash(), ledger.recorded_hash()
    assert before == (own_ledger().code_hash(), own_ledger().recorded_hash())
    name, _, stub = name.partition(" ")
    (tmp_path / name / "planted" / "deeper").mkdir(parents=True)
    (tmp_path / name / "planted" / "deeper" / ("new.pyi" if stub else "new.py")).write_text("x = 1\n")
    assert ledger.code_hash() != before[0]
    assert (ledger.recorded_hash() != before[1]) == (name == "simulate")


def test_a_record_of_other_code_or_none_is_not_run(tmp_path):
    class Elsewhere:
        recorded, recorded_hash = tmp_path, own_ledger().recorded_hash

    mine = Assertions("E10", 1, [], Elsewhere())
    with pytest.raises(pytest.skip.Exception, match="no GPU run recorded yet"):
        paper_checks.usable_record(mine)
    recorded.write_record(record(code="0" * 64, date="2024-06-03"), tmp_path)
    with pytest.raises(pytest.skip.Exception, match="recorded on 2024-06-03 by other code"):
        paper_checks.usable_record(mine)
    recorded.write_record(record(), tmp_path)
    assert paper_checks.usable_record(mine) == record()


def history(name, value, steps=range(10000)):
    """The history with another value at these steps."""
    return {"history": [{**seen, name: value} if seen["step"] in steps else seen for seen in RUN["history"]]}


def answered(change, **values):
    """Other answers after a change."""
    return {"tested": {**RUN["tested"], change: {**RUN["tested"][change], **values}}}


@pytest.mark.parametrize("change", [
    history("noise", 0.55, range(11)),
    history("noise", 0.8, range(6, 21)),
    history("noise", 0.54, range(30, 10000)),
    history("recall", 1.0, [100]),
    history("recall", 0.2, [600]),
    history("recall", 0.9, [40]),
    answered("full", noise=0.2),
    answered("without F2", noise=0.3),
    answered("without F2", correct=0.45),
    answered("without F2", recall=0.9),
    answered("without F2", leads=0.6),
    answered("without F1", noise=0.3),
    answered("without F1", correct=0.4),
    *({"looked": {**RUN["looked"], name: value}} for name, value in (
        ("on (q,c)", 0.3), ("on (q,τ)", 0.3), ("apart", 0.4), ("on (q,τ) of equal", 0.5))),
])  # fmt: skip
def test_every_number_of_a_record_can_fail(change):
    paper_checks.check(claim(), record())
    with pytest.raises(AssertionError, match="5 of 6 seeds"):
        paper_checks.check(claim(), record(runs=[*[RUN] * 5, {**RUN, **change}]))


def test_training_at_any_scale_gives_what_a_record_keeps(tmp_path):
    """Two updates of a small setting: complete, plain JSON, and the same again from the checkpoint."""
    setting = replace(desk(), width=6, batch=3, steps=2)
    found = train_and_test(setting, [3, 4], "cpu", tmp_path)
    assert [run["seed"] for run in found] == [3, 4] and found[0] != found[1]
    assert set(found[0]["tested"]) >= {*CHANGES, "F2.w1 at rank 1", "F2.w2 without rank 1"}
    assert found[0]["looked"].keys() == RUN["looked"].keys()
    assert [seen["step"] for seen in found[0]["history"]] == [0, 1, 2]
    assert json.loads(json.dumps(found)) == train_and_test(setting, [3, 4], "cpu", tmp_path)
