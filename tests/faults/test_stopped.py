"""Work is stopped at every file operation, and the disk is full from every one on: files are old or new, whole; the
next run goes on or begins anew to the same numbers, and leaves nothing else.
"""

import json
import re
import shutil

import pytest

from paper_checks.jobs.store.folder import NAME

from .shim import contents, is_shown

scenarios = pytest.importorskip("tests.faults.scenarios", reason="needs the extra report", exc_type=ModuleNotFoundError)

QUICK = {
    "training": ("",),
    "store": ("",),
    "record": ("", "old record"),
    "pilots": ("",),
    "report": ("", "old report"),
    "badges": ("",),
}
"""What is tried in every run, and what is there before."""
SLOW = {
    "training": ("old training",),
    "report_command": ("",),
    "picture": ("", "old picture"),
    "claims": ("",),
    "sweep": ("",),
    "model": ("",),
}
MOST = 4
"""Points of one piece of work in an ordinary run, from the first operation to the last."""
COMMANDS = ("report_command", "picture", "claims")
CASES = [(name, before) for table in (QUICK, SLOW) for name, all_before in table.items() for before in all_before]


class Tried:
    """One piece of work: what comes of it undisturbed, and at which operations it is disturbed."""

    def __init__(self, server, name, before, place, full):
        self.server, self.name, self.before, self.place = server, name, before, place
        self.number = 0
        calm, folder = self.run(watch=True)
        assert (calm["status"], calm["error"]) == (0, None), calm
        self.value, self.operations, self.there = calm["value"], calm["names"], calm["there"]
        self.names = self.kinds_of(folder)
        count = len(self.operations)
        step = 1 if full else max(1, -(-count // MOST))
        self.points = sorted({*range(1, count + 1, step), count})
        self.found = {"points": 0, "damaged files": 0, "different results": 0, "leftovers": 0}

    def run(self, folder=None, **more):
        """Do it in a new folder, or go on in one."""
        if folder is None:
            self.number += 1
            folder = self.place / str(self.number)
            more["before"] = self.before
        return self.server.run(self.name, folder, **more), folder

    def kinds_of(self, folder):
        """Names of what is there; without digests of times, and without keys, of which others may be left."""
        names = sorted(contents(folder, bool))
        if self.name == "store":
            return sorted({NAME.sub("a result", name) for name in names})
        return [re.sub(r"[.][0-9a-f]{16}[.]", ".", name) for name in names] if self.name == "claims" else names

    def damaged(self, folder):
        """Files that are neither old nor new."""
        found = json.loads(json.dumps(contents(folder, scenarios.CONTENT.get(self.name, scenarios.sha256))))
        return [name for name, value in found.items() if is_shown(name) and value not in self.there.get(name, [value])]

    def judge(self, folder):
        """Look at what a fault has left, then go on from there."""
        self.found["points"] += 1
        self.found["damaged files"] += len(self.damaged(folder))
        self.found["damaged files"] += len(scenarios.TOGETHER.get(self.name, lambda _: [])(folder))
        after, _ = self.run(folder, kind="free")
        self.found["different results"] += (after["status"], after["error"], after["value"]) != (0, None, self.value)
        left, wanted = self.kinds_of(folder), self.names
        self.found["leftovers"] += sum(name not in wanted for name in left)
        self.found["damaged files"] += sum(name not in left for name in wanted)
        shutil.rmtree(folder)


@pytest.fixture
def tried(request, server, tmp_path, full):
    name, before = request.param
    if before not in QUICK.get(name, ()) and not full:
        pytest.skip("with --trust-full")
    return Tried(server, name, before, tmp_path, full)


@pytest.mark.parametrize("tried", CASES, indirect=True, ids=[" after an ".join(filter(None, case)) for case in CASES])
def test_a_kill_at_any_operation(tried, counted):
    for point in tried.points:
        done, folder = tried.run(kind="kill", at=point)
        assert done["status"] == -9, (point, done)
        tried.judge(folder)
    assert tried.found == {
        "points": len(tried.points), "damaged files": 0, "different results": 0, "leftovers": 0
    }  # fmt: skip
    counted["kills"] += len(tried.points)
    counted.update({"damaged files": 0, "different results": 0, "leftovers": 0})


@pytest.mark.parametrize("tried", CASES, indirect=True, ids=[" after an ".join(filter(None, case)) for case in CASES])
def test_a_disk_that_is_full_from_any_operation_on(tried, counted):
    refused = 0
    for point in tried.points:
        done, folder = tried.run(kind="full", at=point)
        assert done["status"] == 0 and not done["traceback"], (point, done)
        if done["error"] is not None:
            refused += 1
            status, said = done["error"]
            assert status != 0 and "Traceback" not in said, (point, said)
            assert "No space left on device" in said, (point, said)
            assert tried.name == "claims" or len(said.splitlines()) == 1, (point, said)
        else:
            assert done["value"] == tried.value, point
        half = [name for name in contents(folder, bool) if name.endswith((".tmp", ".lock"))]
        assert half == [], (point, half)
        tried.judge(folder)
    assert refused > 0 or tried.name == "store"  # results that cannot be kept are a note, not an end
    assert tried.found == {
        "points": len(tried.points), "damaged files": 0, "different results": 0, "leftovers": 0
    }  # fmt: skip
    counted["disk-full points"] += len(tried.points)
