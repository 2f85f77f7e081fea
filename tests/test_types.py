"""What mypy says about a program outside the project that uses the public faces, right and wrong."""

import re
import subprocess
import sys

import pytest

from tests.places import ROOT

PROGRAM = """\
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray

import simulate
import theory
from simulate import laser, transformer
from simulate import memory as memories
from theory import birth, key_query, memory, one_step

task = theory.Task(N=8, T=16, alpha=Fraction(1, 2))
layer: theory.Layer = "attention_value"
moment: theory.Moment = "variance"
Entry = tuple[str, str]

assert_type(theory.class_values(task, layer, "mean"), Mapping[Entry, float])
assert_type(theory.class_values(task, layer, moment, exact=True), Mapping[Entry, Fraction])
assert_type(one_step.feed_forward_margins(task), dict[str, float])
assert_type(one_step.feed_forward_margins(task, exact=True), dict[str, Fraction])
assert_type(key_query.ranking_gap(task, 0.25), float)
assert_type(memory.logits(8, Fraction(3, 10), t=10**6), NDArray[np.float64])
assert_type(memory.top_space(8, 0.3), str)
assert_type(birth.output_association(birth.InductionTask(N=20, T=16)), Fraction)

assert_type(simulate.sample(task, 10, seed=1).tokens, torch.Tensor)
found = simulate.gradient_moments(task, layer, 1000, seed=1)
assert_type(found.standard_error, NDArray[np.float64])
assert_type(simulate.truncate(torch.ones(3, 2), 1, keep="bottom"), torch.Tensor)
assert_type(simulate.truncate(found.mean, fraction=Fraction(1, 2)), NDArray[Any])
architecture = transformer.Architecture(9, 16, width=8, F2=transformer.Hidden(16, "linear"), positions="learned")
model = transformer.initialised(architecture, seed=1)
assert_type(transformer.without(model, "F2"), transformer.Transformer)
assert_type(memories.orthonormal_embeddings(4), memories.Embeddings)
role: laser.Role = "mlp_in"
assert_type(laser.Choice(role, layer=-1, fraction=0.01).keep, simulate.Keep)

theory.gradient_mean(task, "attention")  # arg-type
theory.gradient_mean(9, layer)  # arg-type
theory.closed_form(layer, "median", "k", "E(k)")  # arg-type
one_step.noise_threshold("8", 16)  # arg-type
memory.logits(8, "0.3", t=1.0)  # arg-type
simulate.gradient_moments(task, "feed-forward", 1000, seed=1)  # arg-type
simulate.truncate(found.mean, 2, keep="middle")  # arg-type
transformer.Architecture(9, 16, width=8, positions="fixed")  # arg-type
transformer.Hidden(16, "gelu")  # arg-type
laser.Choice("mlp", -1, 4)  # arg-type
simulate.what_is_not_there  # attr-defined
assert_type(one_step.feed_forward_margins(task), dict[str, Fraction])  # assert-type
"""
"""With the code of mypy's error after each line that is wrong; a type that is `Any` is not the type asserted."""


def errors_of(program, folder):
    """{line: code of mypy's error}, with this project's settings, so that its cache serves."""
    path = folder / "outside.py"
    path.write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--hide-error-context", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stdout + done.stderr
    errors = [re.fullmatch(r".*outside\.py:(\d+): error: .*  \[(.*)\]", line) for line in done.stdout.splitlines()[:-1]]
    assert all(errors), done.stdout
    return {int(error[1]): error[2] for error in errors}


def test_types_hold_and_wrong_uses_are_refused_line_by_line(tmp_path):
    lines = enumerate(PROGRAM.splitlines(), 1)
    expected = {number: line.partition("  # ")[2] for number, line in lines if "  # " in line}
    assert errors_of(PROGRAM, tmp_path) == expected


@pytest.mark.parametrize("package", ["theory", "simulate", "paper_checks"])
def test_packages_say_that_they_have_types(package):
    assert (ROOT / package / "py.typed").is_file()
