"""Processors are those that a process may use; what is promised for any number of threads holds with one and two."""

import json
import os
import subprocess
import sys

from paper_checks.jobs.processes import Processes
from simulate.runtime.threads import default_threads, limit_threads, processors


def test_processors_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert processors() == default_threads() == Processes().count == 3
    with limit_threads(2):
        assert (processors(), default_threads()) == (3, 2)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == default_threads() == 1


NUMBERS = """
import hashlib, json, sys
import numpy as np, torch
import simulate, theory
from simulate.runtime.threads import limit_threads

threads = int(sys.argv[1])
torch.set_num_threads(threads)
task, length, copying = theory.Task(7, 23, 0.3, 2), 2**16, np.zeros((8, 16))
copying[:7, :7] = np.eye(7)

def digest(*numbers):
    return hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in numbers)).hexdigest()

def of(found):
    return digest(found.mean, found.variance, found.standard_error, found.variance_standard_error)

model = simulate.TwoLayer(11, 13)
for matrix in (model.W_O, model.W_K1, model.W_K2):
    matrix.data.copy_(torch.randn(matrix.shape, generator=torch.Generator().manual_seed(7)) / 5)
values, p, layer = theory.gradient_mean(task, "attention_value"), np.full(8, 1 / 8), "attention_value"
with limit_threads(threads):
    batch = simulate.sample(task, length, seed=1)
    found = {
        "sample": digest(batch.tokens, batch.correct, batch.target),
        "gradient_moments": of(simulate.gradient_moments(task, layer, length, seed=1)),
        "projected_moments": of(simulate.projected_moments(task, layer, copying, length, seed=1)),
        "key_query_moments": of(simulate.key_query_moments(task, values, p, length, seed=1)),
        "two_layer_gradient": digest(simulate.two_layer_gradient(model, "W_K2", 2**12, seed=1, blocks=4).blocks),
    }
print(json.dumps(found))
"""
"""Digests of what is promised bit for bit for any number of workers."""


def test_numbers_are_the_same_on_one_and_on_two_threads():
    found = []
    for threads in ("1", "2"):
        known = os.environ | {
            name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        }
        words = [sys.executable, "-c", NUMBERS, threads]
        found.append(json.loads(subprocess.run(words, env=known, capture_output=True, text=True, check=True).stdout))
    assert found[0] == found[1] and len(set(found[0].values())) == 5
