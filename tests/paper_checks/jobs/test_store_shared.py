"""A folder of results that several processes write to, and one that is killed meanwhile."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
from safetensors.numpy import load

from paper_checks.jobs.store import Store
from paper_checks.jobs.values import encode
from tests.places import ROOT

KEY, OTHER = "ab" * 32, "cd" * 32
WRITER = """
import sys
import numpy as np
from pathlib import Path
from paper_checks.jobs.store import Store
from paper_checks.jobs.values import encode
store = Store(Path(sys.argv[1]), 10**9)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    store.put("ab" * 32, "sums", encode(np.full(int(sys.argv[3]), number)), 1.0, "")
assert store.troubles == [], store.troubles
"""


def writer(place, count, size):
    """A process that puts a result of this size so many times."""
    words = [sys.executable, "-c", WRITER, str(place), str(count), str(size)]
    found = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert found.stdout.readline() == "ready\n"
    return found


def whole(found):
    """The result of KEY, or None; whole in any case."""
    kept = found.get(KEY, "sums")
    if kept is not None:
        (weights,) = load(kept.content).values()
        assert len(set(weights.tolist())) == 1
    assert found.troubles == []
    return kept


def test_two_processes_put_the_same_key(tmp_path):
    found, reads = Store(tmp_path, 10**9), 0
    runs = [writer(tmp_path, 100, 1000) for _ in range(2)]
    while any(run.poll() is None for run in runs):
        reads += whole(found) is not None
    assert [run.communicate()[1] for run in runs] == ["", ""] and [run.returncode for run in runs] == [0, 0]
    assert reads > 10 and whole(found) is not None and len(list(tmp_path.iterdir())) == 1


def temporary(place):
    return {path.name for path in place.iterdir() if path.suffix == ".tmp"}


def test_a_process_killed_while_it_writes_leaves_no_damaged_result(tmp_path):
    """Killed when there is a file that it writes; most of these are left half, and the next one removes them at once,
    but none of one that writes now."""
    found, left = Store(tmp_path, 10**9), set()
    found.put(KEY, "sums", encode(np.full(3, 1)), 1.0, "")
    for _ in range(6):
        before, run = temporary(tmp_path), writer(tmp_path, 10**6, 500_000)
        while not temporary(tmp_path) - before and run.poll() is None:
            time.sleep(0.0001)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        assert whole(found) is not None
        left |= temporary(tmp_path)
    assert left
    found.put(OTHER, "sums", encode(1), 1.0, "")
    assert temporary(tmp_path) == set()
