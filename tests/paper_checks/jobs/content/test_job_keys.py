"""A key is a function of what a result depends on: the same in every process, another for anything else."""

import itertools
import json
import os
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from paper_checks.jobs import job
from tests.paper_checks.jobs.sums import square, sum_of_squares
from tests.places import ROOT

from .kinds import MANY, Box, Pair, Plain, Point, another, anything, applied, double
from .test_values import VALUES

KEYS = """
import json
from tests.paper_checks.jobs.content.kinds import MANY
print(json.dumps([[job.identity, job.code, job.key] for job in MANY]))
"""


def test_keys_are_the_same_in_every_process():
    """Whatever the order of its sets."""
    here = [[one.identity, one.code, one.key] for one in MANY]
    for seed in ("0", "4711"):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        words = [sys.executable, "-c", KEYS]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=True)
        assert json.loads(done.stdout) == here
    assert [[one.identity, one.code, one.key] for one in pickle.loads(pickle.dumps(MANY))] == here


OTHER = (
    0, 1, True, False, None, 1.0, 0.0, -0.0, "1", "", [], (), {}, [1], (1,), [[1]], {"a": 1}, {"a": 1, "b": 2},
    {"b": 2, "a": 1}, Fraction(1), Fraction(1, 2), 0.5, 2**64, float("nan"), float("inf"), Point(1), Point(1.0),
    Point(1, 1), Pair(1, 1), (1, 1), Box([]), Box([], Box([])), Plain, Pair, double, "double", np.float64(1),
    np.int64(1), np.float32(1), np.array(1.0), np.array([1.0]), np.array([[1.0]]), np.zeros(2), np.zeros((2, 0)),
    np.zeros((0, 2)), np.array([1, 2]), np.array([1, 2], np.int32), np.array([1, 2], object), torch.tensor([1, 2]),
    torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.bfloat16), np.array([1 + 0j]), np.array([1.0, 0.0]),
)  # fmt: skip


def test_other_arguments_are_other_jobs():
    keys = [anything.of(value).key for value in OTHER] + [anything.of(0, value).key for value in OTHER[1:]]
    assert len(set(keys)) == len(keys) - 1 and anything.of(0, None).key == anything.of(0).key


@given(VALUES)
@settings(max_examples=50, deadline=None)
def test_the_same_arguments_are_the_same_job(value):
    again = pickle.loads(pickle.dumps(value))
    assert anything.of(again).key == anything.of(value).key != another.of(value).key


def test_a_call_is_the_same_job_however_it_is_written():
    calls = [square.of(3, "log"), square.of(3, "log", 0.0), square.of(number=3, log="log"), square.of(3, log="log")]
    assert len({one.identity for one in calls}) == len({one.key for one in calls}) == 1
    assert calls[0].arguments == (3, "log", 0.0)
    with pytest.raises(TypeError, match="missing a required argument: 'log'"):
        square.of(3)


def test_other_functions_code_and_surroundings_are_other_keys(monkeypatch):
    one, keys = applied.of(double, 3), set()
    for name, value in ((None, None), ("code_digest", lambda module: "other"), ("surroundings", lambda: "elsewhere")):
        with monkeypatch.context() as patch:
            if name is not None:
                patch.setattr(sys.modules[job.__module__], name, value)
            keys.add(applied.of(double, 3).key)
    keys |= {anything.of(double, 3).key, applied.of(square, 3).key}
    assert len(keys) == 5 and applied.of(double, 3).key == one.key in keys


def test_the_modules_of_arguments_count():
    home = "tests.paper_checks.jobs"
    assert applied.of(double, 3).modules == (f"{home}.content.kinds",)
    assert applied.of(square, 3).modules == (f"{home}.content.kinds", f"{home}.sums")
    assert anything.of([{"a": (sum_of_squares,)}]).modules == (f"{home}.content.kinds", f"{home}.sums")
    assert anything.of(np.sin).modules == (f"{home}.content.kinds",)  # numpy's version is among the surroundings
    codes = {one.code for one in (applied.of(double, 3), applied.of(square, 3), square.of(3, ""))}
    assert len(codes) == 3


def test_what_cannot_be_an_argument_is_named():
    with pytest.raises(
        TypeError, match=r"arguments of tests\.paper_checks\.jobs\.content\.kinds:anything: value\[1\]\['a'\] must"
    ):
        anything.of(0, {"a": {1}}).identity  # noqa: B018
    for one, other in itertools.pairwise((lambda x: x, lambda x: x + 1)):
        for function in (one, other):
            with pytest.raises(TypeError, match="must be a class or function at the top of a module"):
                applied(function, 1)


def test_a_job_says_what_it_is():
    assert repr(square.of(3, "x" * 100)) == f"tests.paper_checks.jobs.sums:square(3, '{'x' * 59}, 0.0)"
    assert repr(anything.of(3**20000)) == "tests.paper_checks.jobs.content.kinds:anything(<int>, None)"
    assert square.of(3, "log", 2.5).cost == 2.5 and anything.of(1).cost == 0.01
    assert [one.key for one in sum_of_squares.of((3, 4), "log").inputs] == [
        square.of(number, "log").key for number in (3, 4)
    ]


def test_what_is_no_job():
    def nested():
        pass

    for function in (nested, lambda: 0, Plain.Inner.__new__):
        with pytest.raises(TypeError, match="a job must be a function at the top of a module, got "):
            job("x")(function)

    def named(*, a):
        pass

    named.__qualname__ = "named"
    with pytest.raises(TypeError, match="must not have parameters by name alone"):
        job("x")(named).of(a=1)


def test_here_each_job_is_done_once_until_it_is_forgotten(tmp_path):
    log = str(tmp_path / "log")
    assert [square(3, log), square(3, log), sum_of_squares((3, 4), log)] == [9, 9, 25]
    assert len((tmp_path / "log").read_text().splitlines()) == 5
    square.cache_clear()
    assert square(3, log) == 9 and len((tmp_path / "log").read_text().splitlines()) == 7
