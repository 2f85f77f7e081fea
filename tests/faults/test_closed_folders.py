"""Folders that are read-only, or of somebody else: one line that says so, and nothing is written."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from .shim import contents

WORDS = {"read-only": "Read-only file system", "foreign": "Permission denied"}
NAMES = ("training", "store", "record", "pilots", "report", "badges", "report_command", "picture", "sweep", "claims")
SLOW = ("report_command", "picture", "sweep", "claims")


def is_refused(name, found, words):
    """One line with these words and a status that is not 0; of a store, whose results are then not kept, nothing."""
    assert found["status"] == 0 and not found["traceback"], found
    if name == "store":
        return found["error"] is None
    status, said = found["error"]
    lines = [line for line in said.splitlines() if line.strip()]
    return status != 0 and len(lines) == 1 and any(one in lines[0] for one in (words, "folder that can be written to"))


@pytest.mark.parametrize("kind", WORDS)
@pytest.mark.parametrize("name", NAMES)
def test_what_the_system_refuses_is_one_line(server, tmp_path, full, counted, name, kind):
    if name in SLOW and not full:
        pytest.skip("with --trust-full")
    found = server.run(name, tmp_path / "closed", kind=kind)
    assert is_refused(name, found, WORDS[kind]), found
    assert contents(tmp_path / "closed", bool) == {}
    counted["closed folders"] += 1


@pytest.fixture
def of_somebody_else():
    """A folder in which the child cannot write: of another user, for whom it changes the user if this one is root."""
    place = Path(tempfile.mkdtemp(prefix="faults-"))  # not in pytest's, which is closed to others
    place.chmod(0o755)
    folder = place / "theirs"
    folder.mkdir()
    folder.chmod(0o755 if os.geteuid() == 0 else 0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(place)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "claims"])  # imports what nobody may not read
def test_a_folder_of_somebody_else_is_one_line(server, of_somebody_else, full, counted, name):
    if name in SLOW and not full:
        pytest.skip("with --trust-full")
    found = server.run(name, of_somebody_else, kind="free", user=os.geteuid() == 0)
    assert is_refused(name, found, "Permission denied"), found
    assert contents(of_somebody_else, bool) == {}
    counted["closed folders"] += 1


def test_what_is_there_of_somebody_else_is_read(server, of_somebody_else):
    """Results that another user keeps are used; what is made anew is not kept."""
    of_somebody_else.chmod(0o755)
    calm = server.run("store", of_somebody_else, kind="free")
    before = contents(of_somebody_else, bool)
    found = server.run("store", of_somebody_else, kind="free", user=os.geteuid() == 0)
    assert (found["status"], found["value"], found["error"]) == (0, calm["value"], None)
    assert contents(of_somebody_else, bool) == before
