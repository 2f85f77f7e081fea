"""A warm process that forks a child for every piece of work: `python -m tests.faults.server NAME,…`.

A line of JSON is a list of pieces, done at the same time, of {"name", "folder", "kind", "at", "before", "start",
"user", "watch"}; the answer is a list of {"status", "names", "value", "error", "traceback", "there"}.
"""

import gc
import json
import os
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from tests.faults.claims_run import FailedError
from tests.faults.scenarios import BEFORE, CONTENT, SCENARIOS, prepared, sha256
from tests.faults.shim import Shim, contents, is_shown

NOBODY = 65534


def done(piece, answer):
    """In a child: do the work, and write what came of it."""
    folder, content = Path(piece["folder"]), CONTENT.get(piece["name"], sha256)
    folder.mkdir(exist_ok=True)
    if piece.get("before"):
        BEFORE[piece["before"]](folder)
    there = {}

    def seen():
        for name, value in contents(folder, content).items():
            if is_shown(name):
                there.setdefault(name, []).append(value)

    kind = piece.get("kind", "count")
    if piece.get("user"):
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    if kind == "count" and piece.get("watch"):
        seen()
    shim = Shim(folder, kind, piece.get("at", 0), seen if kind == "count" and piece.get("watch") else lambda: None)
    if kind != "free":
        shim.install()
    while time.monotonic() < piece.get("start", 0.0):
        pass
    found = {"value": None, "error": None, "traceback": False}
    try:
        found["value"] = SCENARIOS[piece["name"]](folder)
    except FailedError as failed:
        found["error"] = [failed.args[0], failed.args[1]]
    except (OSError, ValueError) as error:
        found["error"] = [2, str(error)]
    except BaseException:
        found["error"], found["traceback"] = [1, traceback.format_exc()], True
    shim.kind, shim.seen = "count", lambda: None
    if piece.get("watch"):
        seen()
    found |= {"names": shim.names, "there": there}
    answer.write(json.dumps(found).encode())
    answer.flush()


def forked(piece):
    answer = tempfile.TemporaryFile()  # noqa: SIM115 (read when the child has ended)
    child = os.fork()
    if child:
        return child, answer
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        done(piece, answer)
    except BaseException:
        traceback.print_exc()
        os._exit(9)
    os._exit(0)


def answered(pieces):
    running = [forked(piece) for piece in pieces]
    found = []
    for child, answer in running:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answer.seek(0)
        text = answer.read()
        answer.close()
        found.append({"status": status} | (json.loads(text) if text else {}))
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # a fork where libraries have threads
    prepared(sys.argv[1].split(","))
    gc.disable()  # a child lives for moments: what it does not touch is not copied
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line))), flush=True)
