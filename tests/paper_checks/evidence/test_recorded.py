"""Recorded evidence: bound to its code, refused when damaged, and judged like fresh evidence."""

import json
import shutil
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest
import torch

from paper_checks.claims.e import test_paper_scale as paper_checks
from paper_checks.evidence import recorded
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.ledger import read_ledger
from paper_checks.experiments.trainings import paper_scale
from paper_checks.experiments.trainings.few_trainings import observed
from paper_checks.experiments.trainings.observers import RecallObserver
from paper_checks.experiments.trainings.paper_scale import CHANGES, UpdatesAfter, paper_training, train_and_test
from paper_checks.project import own_ledger
from simulate import Hidden
from simulate.runtime.checkpoints import read_checkpoint
from simulate.runtime.files import digest_of_files
from simulate.transformer.products import has_bfloat16
from tests.oracles.training_numbers import recall_run
from tests.places import ROOT

FULL = {"noise": 0.5, "correct": 0.4, "recall": 1.0, "leads": 0.5}
HISTORY = recall_run(steps=paper_scale.STEPS).history
RUN = {
    "seed": 1,
    "products": "float32",
    "history": HISTORY,
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
    """Of a copy of the project; what is on record depends on named files alone."""
    for folder in ("simulate", "theory", "paper_checks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    ledger = read_ledger(tmp_path / "paper_checks" / "claims.toml")
    before = ledger.code_hash(), ledger.recorded_hash()
    assert before == (own_ledger().code_hash(), own_ledger().recorded_hash())
    name, _, stub = name.partition(" ")
    (tmp_path / name / "planted" / "deeper").mkdir(parents=True)
    (tmp_path / name / "planted" / "deeper" / ("new.pyi" if stub else "new.py")).write_text("x = 1\n")
    assert ledger.code_hash() != before[0] and ledger.recorded_hash() == before[1]


def test_a_record_is_of_all_files_that_its_numbers_go_through(tmp_path):
    """Of this project's modules that E10's training loads, those are left out through which no number goes: checks of
    arguments, files, devices, progress, the faces, and what other experiments are made of."""
    folders = ("simulate", "theory", "paper_checks")
    for folder in folders:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    ledger = read_ledger(tmp_path / "paper_checks" / "claims.toml")
    before = ledger.recorded_hash()
    for name in ("simulate/transformer/products.py", "simulate/transformer/training.py", "simulate/sequences/recall.py",
                 "simulate/truncation.py", "paper_checks/experiments/trainings/observers.py"):  # fmt: skip
        path = tmp_path / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "# changed\n", encoding="utf-8")
        assert ledger.recorded_hash() != before, name
        path.write_text(text, encoding="utf-8")
    others = tmp_path / "paper_checks" / "experiments" / "trainings"
    for name in ("runs", "settings", "recall", "statements", "few_trainings"):
        (others / f"{name}.py").write_text("# changed\n")
    assert ledger.recorded_hash() == before


def test_a_record_of_other_code_or_none_is_not_run(tmp_path):
    class Elsewhere:
        recorded, recorded_hash = tmp_path, own_ledger().recorded_hash

    mine = Assertions("E10", 1, [], Elsewhere())
    with pytest.raises(pytest.skip.Exception, match="no training of this size recorded yet"):
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
    history("recall", 0.2, [paper_scale.STEPS]),
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


def test_a_run_that_ended_elsewhere_than_by_its_rule_fails():
    short = RUN | {"history": HISTORY[:-1]}
    with pytest.raises(AssertionError, match="last update, by the stopping rule"):
        paper_checks.check(claim(), record(runs=[*[RUN] * 5, short]))
    with pytest.raises(AssertionError, match="last update, by the stopping rule"):
        paper_checks.check(claim(), record(runs=[RUN | {"products": "bfloat16"}]))


ROUNDED = RUN | {"products": "bfloat16", "history": [seen for seen in HISTORY if seen["step"] <= 780]}
"""Recall is there at 280, 500 updates before."""


def test_one_training_is_an_observation_and_never_more():
    heard = claim()
    words = paper_checks.check(heard, record(runs=[ROUNDED]))
    assert words == "; ONE training, which by the rule of seeds decides nothing: 19 of 19 statements observed"
    assert {one.kind for one in heard.evidence[1:]} == {"observed"}
    assert all("in ONE training: " in one.message for one in heard.evidence[1:])


def test_what_one_training_contradicts_is_said_and_does_not_decide():
    heard = claim()
    words = paper_checks.check(heard, record(runs=[ROUNDED | answered("full", noise=0.7)]))
    assert "18 of 19 statements observed; not |P(τ) - α| of the full model: 0.2, not below 0.16" in words
    (missed,) = [one for one in heard.evidence if one.side == "beyond" and "NOT observed" in one.message]
    assert missed.passed and missed.message == "NOT observed in ONE training: 0.2, not below 0.16"


def test_a_number_that_is_none_fails_and_never_reached_is_on_the_wrong_side():
    assert not observed("x", 1.0, +1, [float("nan")]).passed
    never = observed("x", 1.0, -1, [float("inf")])
    assert never.passed and never.side == "beyond" and never.estimate is None
    assert observed("x", 1.0, -1, [0.5, 0.9], side="beyond").side == "beyond"
    with pytest.raises(ValueError, match="values must be of 1 to 4 trainings"):
        observed("x", 1.0, +1, [2.0] * 5)


@pytest.mark.parametrize(("scale", "runs", "is_recorded"), [
    ("desk", [ROUNDED], True), ("desk", [RUN] * 6, True), ("paper", [ROUNDED], True), ("paper", [RUN] * 6, False),
])  # fmt: skip
def test_a_run_of_one_training_is_recorded_and_not_verified(monkeypatch, tmp_path, scale, runs, is_recorded):
    """Also in the run that makes it; six are verified there."""
    asked = []
    monkeypatch.setattr(paper_checks, "check_products", lambda *given: None)
    monkeypatch.setattr(paper_checks, "train_and_test", lambda *given: asked.append(given) or runs)
    monkeypatch.setattr(paper_checks.recorded, "write_record", lambda *given: None)
    monkeypatch.setattr(paper_checks.recorded, "read_record", lambda *given: record(runs=runs))
    properties = []
    heard = Assertions("E10", 1, properties, own_ledger())
    paper_checks.test_paper_size(heard, scale, "cpu", SimpleNamespace(rootpath=tmp_path))
    said = [value for key, value in properties if key == "recorded"]
    assert bool(said) == is_recorded and all(("ONE training" in one) == (len(runs) == 1) for one in said)
    if scale == "paper":
        ((trainings, device, folder),) = asked
        assert [one.products for one in trainings] == ["bfloat16"] and device == "cpu"
        assert folder.parent == tmp_path / ".evidence" / "trainings"


def test_a_processor_without_the_products_is_not_run(monkeypatch, tmp_path):
    monkeypatch.setattr("simulate.transformer.products.has_bfloat16", lambda: False)
    with pytest.raises(pytest.skip.Exception, match="products must be 'float32' on this processor, which has neither"):
        paper_checks.test_paper_size(claim(), "paper", "cpu", SimpleNamespace(rootpath=tmp_path))


def small(seed, steps=2, **changes):
    """The paper's training with little work."""
    full = paper_training(seed)
    architecture = replace(full.architecture, width=6, F1=Hidden(7), F2=Hidden(6))
    return replace(full, architecture=architecture, batch=3, steps=steps, **changes)


def test_training_at_any_scale_gives_what_a_record_keeps(tmp_path):
    """Two updates of a small model: complete, plain JSON, and the same again from the checkpoint."""
    trainings = [small(3), small(4)]
    found = train_and_test(trainings, "cpu", tmp_path)
    assert [run["seed"] for run in found] == [3, 4] and found[0] != found[1]
    assert set(found[0]["tested"]) >= {*CHANGES, "F2.w1 at rank 1", "F2.w2 without rank 1"}
    assert found[0]["looked"].keys() == RUN["looked"].keys()
    assert [seen["step"] for seen in found[0]["history"]] == [0, 1, 2]
    assert (found[0]["products"], found[0]["updates"]) == ("float32", 2)
    assert json.loads(json.dumps(found)) == train_and_test(trainings, "cpu", tmp_path)


def test_the_rule_that_ends_a_training_counts_from_the_first_observation_of_recall():
    seen = [{"step": step, "recall": recall} for step, recall in ((0, 0.1), (30, 0.8), (60, 0.5), (80, 0.9), (90, 0))]
    assert [UpdatesAfter("recall", 0.8, 50)(one) for one in seen] == [False] * 5
    rule = UpdatesAfter("recall", 0.8, 50)
    assert [rule(one) for one in seen] == [False, False, False, True, True]


@pytest.mark.skipif(not has_bfloat16(), reason="not run: the processor has no bfloat16 products")
def test_with_bfloat16_a_training_ends_by_the_rule_whether_or_not_it_was_interrupted(monkeypatch, tmp_path):
    """Recall is there from the start, and the training ends two updates later, of four; the third look is cut short."""
    for name, value in (("RECALLED", 0.0), ("AFTER_RECALL", 2), ("CHECKPOINTS", 1)):
        monkeypatch.setattr(paper_scale, name, value)
    training, look, calls = small(3, steps=4, products="bfloat16"), RecallObserver.__call__, count(1)
    (whole,) = train_and_test([training], "cpu", tmp_path / "whole")
    assert (whole["updates"], whole["products"]) == (2, "bfloat16")

    def interrupted(observer, model):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return look(observer, model)

    monkeypatch.setattr(RecallObserver, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_and_test([training], "cpu", tmp_path)
    assert read_checkpoint(tmp_path / "3.safetensors").step == 1
    assert train_and_test([training], "cpu", tmp_path) == [whole]
