"""Two do the same at the same time, and one of them may be killed meanwhile."""

import hashlib
import random
import re
import time

import pytest

from .shim import contents

SEED, TRIALS, QUICK = 20261129, 60, 8
FREE = {"kind": "free"}
SAME = {
    "training": "one writer at a time",
    "store": "",
    "record": "",
    "badges": "",
    "picture": "",
    "report_command": "",
    "sweep": "one writer at a time",
    "claims": "one writer at a time",
}
"""What two do, and how the second is refused; it waits, or there is nothing to wait for, where it is not."""
SLOW = ("picture", "report_command", "sweep", "claims")


def is_whole(folder):
    """Whether the page of a report has all that it refers to, each asset with the content of its name."""
    named = re.findall(r"assets/([\w.-]+)", (folder / "index.html").read_text(encoding="utf-8"))
    return bool(named) and all(
        (folder / "assets" / name).is_file()
        and hashlib.sha256((folder / "assets" / name).read_bytes()).hexdigest()[:16] == name.split(".")[1]
        for name in named
    )


def soon():
    """When two children both are there."""
    return {"start": time.monotonic() + 0.15}


def test_two_reports_in_one_folder_one_of_them_killed(server, tmp_path, full, counted):
    """Of 60 trials 16 left a page without its assets, before there was a lock."""
    draw, killed, trials = random.Random(SEED), 0, TRIALS if full else QUICK
    for trial in range(trials):
        folder, at = tmp_path / str(trial), draw.randint(1, 45)
        before = draw.choice(["", "old report"])
        if before:
            assert server.run("report", folder, before=before, kind="free")["error"] is None
        together = {"folder": folder} | soon()
        names = draw.sample(["report", "other report"], 2)
        one, other = server.all_of({"name": names[0], **FREE, **together},
                                   {"name": names[1], "kind": "kill", "at": at, **together})  # fmt: skip
        assert (one["status"], one.get("error")) == (0, None), (trial, one)
        killed += other["status"] == -9
        assert other["status"] in (0, -9), (trial, other)
        assert is_whole(folder / "report"), (trial, at, names)
        assert server.run("report", folder, kind="free")["error"] is None
        left = [name for name in contents(folder, bool) if name.rpartition("/")[2].startswith(".")]
        assert is_whole(folder / "report") and left == [] and len(contents(folder / "report", bool)) == 6
    assert killed > trials // 4
    counted["pairs of writers"] += trials
    counted["pairs of writers, one of them killed"] += killed


@pytest.mark.parametrize("name", SAME)
def test_two_of_the_same(server, tmp_path, full, counted, name):
    if name in SLOW and not full:
        pytest.skip("with --trust-full")
    calm = server.run(name, tmp_path / "calm", kind="free")
    refused, trials = 0, 10 if full else 2
    for trial in range(trials):
        folder = tmp_path / str(trial)
        pieces = [{"name": name, "folder": folder, **FREE, **soon()} for _ in range(2)]
        found = server.all_of(*pieces)
        errors = [one["error"] for one in found if one["error"] is not None]
        assert all(one["status"] == 0 and not one["traceback"] for one in found), (trial, found)
        assert len(errors) < 2 and (not errors or (SAME[name] and SAME[name] in errors[0][1])), (trial, errors)
        assert all(one["value"] == calm["value"] for one in found if one["error"] is None), (trial, found)
        refused += len(errors)
        assert server.run(name, folder, kind="free")["value"] == calm["value"]
        left = [one for one in contents(folder, bool) if one.rpartition("/")[2].startswith(".")]
        assert left == [], (trial, left)
    assert (refused > 0) == bool(SAME[name])
    counted["pairs of writers"] += trials


def test_records_and_pilots_of_two_runs(server, tmp_path, full, counted):
    """The record is one of the two, whole; of pilots none is lost."""
    trials = 10 if full else 2
    for trial in range(trials):
        for name in ("record", "pilots"):
            folder = tmp_path / f"{name} {trial}"
            together = {"folder": folder, **FREE, **soon()}
            found = server.all_of({"name": name, **together}, {"name": f"other {name}", **together})
            assert all((one["status"], one["error"]) == (0, None) for one in found), found
            assert sorted(contents(folder, bool)) == {
                "record": ["evidence", "evidence/claims.json"], "pilots": ["E1.json"]
            }[name]  # fmt: skip
        text = (tmp_path / f"pilots {trial}" / "E1.json").read_text()
        assert all(f'"{name}"' in text for name in ("one", "two", "three", "four")), trial
    counted["pairs of writers"] += 2 * trials
