"""A claim is checked without a network: where every connection to elsewhere fails, none is asked for."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.places import ROOT

GUARD = """
import os, socket
from pathlib import Path

def note(what):
    with open(os.environ["ASKED_FOR"], "a") as file:
        file.write(f"{what!r}\\n")
    raise OSError("no network in this test")

def is_here(address):
    return not isinstance(address, tuple) or address[0] in ("127.0.0.1", "::1", "localhost", "")

def guarded(method):
    def call(self, address, *more):
        if not is_here(address):
            note(address)
        return method(self, address, *more)
    return call

for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
original = socket.getaddrinfo
def looked_up(host, *more, **options):
    if host not in (None, "127.0.0.1", "::1", "localhost", socket.gethostname()):
        note(host)
    return original(host, *more, **options)
socket.getaddrinfo = looked_up
Path(os.environ["ASKED_FOR"]).touch()
"""
CLAIM = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "--claims", "T1.1", "-q"]


def environment(folder):
    (folder / "sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(folder), str(ROOT)])
    return os.environ | {"PYTHONPATH": path, "ASKED_FOR": str(folder / "asked")}


def run(command, folder):
    return subprocess.run(
        command, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=300, check=False
    )


def test_the_guard_sees_a_connection(tmp_path):
    """It is a check that can fail; 192.0.2.1 is an address of documentation, and is not asked."""
    asking = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    assert run([sys.executable, "-c", asking], tmp_path).returncode != 0
    assert "192.0.2.1" in (tmp_path / "asked").read_text()


def test_a_claim_is_checked_without_a_connection(tmp_path):
    done = run([*CLAIM, "--evidence", str(tmp_path / "evidence.json")], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "asked").read_text() == ""


def test_a_claim_is_checked_where_there_is_no_network(tmp_path):
    """In a network namespace of its own, which has no interface that is up."""
    unshare = shutil.which("unshare")
    alone = [unshare or "", "--net", "--map-root-user"]
    if unshare is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("namespaces of networks are not allowed here")
    done = run([*alone, *CLAIM, "--evidence", str(tmp_path / "evidence.json")], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
