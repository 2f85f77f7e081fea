"""A store gives back what was put, within its limit, shared by processes; what is damaged is a miss, and said."""

import json
import os
import re
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from safetensors.numpy import load

from paper_checks.jobs import Scheduler, running, store
from paper_checks.jobs.store import Kept, Store, default_store, folder, shown
from paper_checks.jobs.values import encode
from simulate.runtime import files

from .sums import noted, square
from .test_scheduler import processes  # noqa: F401

KEY, OTHER = "ab" * 32, "cd" * 32
VALUE = {"history": [{"step": 1, "loss": 0.5}], "weights": np.arange(7.0)}
CONTENT = encode(VALUE)


@pytest.fixture
def kept(tmp_path):
    """A store with a result."""
    found = Store(tmp_path / "results", 10**6)
    found.put(KEY, "trainings", CONTENT, 1.5, "here")
    return found


def file_of(found, key=KEY):
    return found.folder / f"{key}.safetensors"


def key(number):
    return f"{number:064x}"


def size_of(found):
    return sum(path.stat().st_size for path in found.folder.iterdir())


def test_what_is_put_is_there_for_other_runs(kept):
    found = Store(kept.folder, 10**6).get(KEY, "trainings")
    assert found == Kept(CONTENT, 1.5, found.made) and kept.get(OTHER, "trainings") is None
    made = datetime.fromisoformat(found.made)
    assert made.tzinfo is not None and 0 <= (datetime.now(UTC) - made).total_seconds() < 100
    assert kept.troubles == [] and [path.name for path in kept.folder.iterdir()] == [f"{KEY}.safetensors"]


def test_a_file_is_one_that_safetensors_reads_and_says_what_it_is(kept):
    file = file_of(kept).read_bytes()
    assert np.array_equal(load(file)["000000"], VALUE["weights"])
    metadata = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])["__metadata__"]
    assert json.loads(metadata["value"])["~"] == "dict" and re.fullmatch("[0-9a-f]{64}", metadata["sha256"])
    known = json.loads(metadata["result"])
    assert known == {"key": KEY, "kind": "trainings", "seconds": 1.5, "made": known["made"], "surroundings": "here"}


@pytest.mark.parametrize("kind", ["", 'a "kind"', '"value":', "ä\n\\"])
def test_kinds_of_any_text(kept, kind):
    for number in range(9):  # of all lengths modulo 8
        kept.put(key(number), kind + "x" * number, CONTENT, 0.0, "")
        assert kept.get(key(number), kind).content == CONTENT
        assert load(file_of(kept, key(number)).read_bytes()).keys() == {"000000"}


def test_what_is_no_value_is_no_result(kept):
    with pytest.raises(ValueError, match=r"content must be an encoded value, got b'\{\}'"):
        kept.put(OTHER, "trainings", b"{}", 1.0, "")
    for wrong in ("", "x" * 64, KEY.upper(), f"../{KEY}"):
        with pytest.raises(ValueError, match="key must be 64 hexadecimal digits, got "):
            kept.get(wrong, "trainings")


def flipped(number):
    def change(content):
        changed = bytearray(content)
        changed[number % len(changed)] ^= 1 << number % 8
        return bytes(changed)

    return change


DAMAGES = {
    "empty": lambda content: b"",
    "a byte short": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "the start alone": lambda content: content[:50],
    "a byte more": lambda content: content + b"\0",
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: content[:-8] + bytes(8),
    "another's": lambda content: b"\x89PNG" + content,
    "a value without the rest": lambda content: CONTENT,
    "text": lambda content: b"no result\n" * 100,
}
FLIPPED = {f"bit {number}": flipped(number) for number in range(0, 700, 13)}


@pytest.mark.parametrize("damage", [*DAMAGES, "every bit"])
def test_what_is_damaged_is_removed_counted_and_said(kept, damage):
    whole = file_of(kept).read_bytes()
    changes = FLIPPED if damage == "every bit" else {damage: DAMAGES[damage]}
    for change in changes.values():
        file_of(kept).write_bytes(change(whole))
        assert kept.get(KEY, "sums") is None and not file_of(kept).exists()
    if len(changes) == 1:
        assert kept.troubles == ["cache: 1 damaged result made anew (sums, abababababab)"]
    else:
        named = "; ".join(["sums, abababababab"] * 3)
        assert kept.troubles == [f"cache: 54 damaged results made anew ({named}; and 51 more)"]
    kept.put(KEY, "sums", CONTENT, 1.5, "here")
    assert kept.get(KEY, "sums").content == CONTENT


def test_the_result_of_another_key_is_damaged(kept):
    file_of(kept).rename(file_of(kept, OTHER))
    assert kept.get(OTHER, "sums") is None and kept.get(KEY, "sums") is None
    assert kept.troubles == ["cache: 1 damaged result made anew (sums, cdcdcdcdcdcd)"]
    assert list(kept.folder.iterdir()) == []


def test_the_limit_holds_after_every_result_and_what_was_used_last_stays(tmp_path):
    found, content = Store(tmp_path / "results", 100_000), encode(np.zeros(1000))
    for number in range(40):
        found.put(key(number), "sums", content, 1.0, "")
        assert size_of(found) <= 100_000
        for path in found.folder.iterdir():  # an hour ago, one after the other
            os.utime(path, (time.time() - 3600 + int(path.name[:64], 16),) * 2)
        assert found.get(key(0), "sums") is not None  # used now, every time
    there = {int(path.name[:64], 16) for path in found.folder.iterdir()}
    assert 0 in there and there - {0} == set(range(41 - len(there), 40)) and len(there) >= 10
    assert found.troubles == []


def test_the_limit_counts_what_other_runs_put(tmp_path):
    runs, content = [Store(tmp_path / "results", 100_000) for _ in range(3)], encode(np.zeros(1000))
    for number in range(60):
        runs[number % 3].put(key(number), "sums", content, 1.0, "")
        assert size_of(runs[0]) <= 100_000
    assert runs[0].summary().results >= 10


def test_the_folder_is_counted_when_others_have_changed_it_and_else_not(tmp_path, monkeypatch):
    counted, count = [], Store._files
    monkeypatch.setattr(Store, "_files", lambda self: counted.append(self) or count(self))
    one, other = (Store(tmp_path / "results", 10**6) for _ in range(2))
    for number in range(10):
        one.put(key(number), "sums", CONTENT, 1.0, "")
    assert counted == [one]
    other.put(key(10), "sums", CONTENT, 1.0, "")
    one.put(key(11), "sums", CONTENT, 1.0, "")
    assert counted == [one, other, one]


def test_a_result_that_is_put_again_counts_once(tmp_path):
    one = Store(tmp_path / "one", 10**6)
    one.put(KEY, "sums", CONTENT, 1.0, "")
    found = Store(tmp_path / "results", 3 * one.summary().bytes)
    for number in [0, *[1] * 20]:
        found.put(key(number), "sums", CONTENT, 1.0, "")
    assert found.get(key(0), "sums") is not None


def test_what_is_larger_than_the_limit_is_not_kept_and_leaves_the_others(tmp_path):
    found = Store(tmp_path / "results", 2000)
    found.put(KEY, "sums", CONTENT, 1.0, "")
    for number in range(2):
        found.put(key(number), "trainings", encode(np.zeros(1000)), 1.0, "")
    assert found.get(KEY, "sums") is not None and found.summary().results == 1
    (said,) = found.troubles
    assert re.fullmatch(r"cache: results of trainings are not kept, of 8\.\d+ KiB: the limit is 1\.95 KiB", said)


def plant(place):
    """Files that are not a store's."""
    place.mkdir(exist_ok=True)
    names = ["notes.txt", f"{KEY}.json", f"{KEY[1:]}.safetensors", ".hidden.tmp", f".{KEY}.safetensors.x.tmp"]
    for name in names:
        (place / name).write_bytes(b"not ours")
        os.utime(place / name, (0, 0))
    (place / "folder").mkdir()
    (place / f"{OTHER}.safetensors").symlink_to(place / "notes.txt")
    return {*names, "folder", f"{OTHER}.safetensors"}


def test_what_is_not_ours_stays(tmp_path):
    others, found = plant(tmp_path), Store(tmp_path, 5000)
    for number in range(20):
        found.put(key(number), "sums", CONTENT, 1.0, "")
    assert size_of(found) > found.summary().bytes > 0
    removed = found.empty()
    assert removed.results > 1 and {path.name for path in tmp_path.iterdir()} == others
    assert found.summary().results == 0 and found.empty().results == 0


def test_summary(kept):
    kept.put(OTHER, "sums", CONTENT, 1.0, "")
    file_of(kept, key(1)).write_bytes(b"damaged")
    found = kept.summary()
    size = file_of(kept).stat().st_size
    assert found.kinds == {"trainings": (1, size), "sums": (1, file_of(kept, OTHER).stat().st_size), "damaged": (1, 7)}
    assert found.results == 3 and found.bytes == size_of(kept)
    assert found.oldest <= found.newest and found.oldest == kept.get(KEY, "x").made
    assert Store(kept.folder / "none", 1).summary() == store.Summary()


def test_what_another_run_has_removed_is_a_miss(kept, monkeypatch):
    """It goes between the listing and the reading."""
    kept.put(OTHER, "sums", CONTENT, 1.0, "")
    listed = kept._files()
    next(listed)
    for path in list(kept.folder.iterdir()):
        path.unlink()
    assert list(listed) == [] and kept.get(KEY, "sums") is None and kept.troubles == []
    kept.put(KEY, "sums", CONTENT, 1.0, "")
    found = list(kept._files())
    file_of(kept).unlink()
    monkeypatch.setattr(kept, "_files", lambda: iter(found))
    assert kept.summary().results == 0 and kept.empty().results == 0


@pytest.mark.parametrize(("number", "words"), [(28, "No space left on device"), (30, "Read-only file system")])
def test_what_cannot_be_written_is_said_once(kept, monkeypatch, number, words):
    def full(source, target):
        raise OSError(number, words)

    monkeypatch.setattr(files.os, "replace", full)
    for _ in range(3):
        kept.put(OTHER, "sums", CONTENT, 1.0, "")
    assert kept.troubles == [f"cache: results are not kept, {kept.folder} cannot be written: {words}"]
    assert kept.get(KEY, "sums").content == CONTENT and len(list(kept.folder.iterdir())) == 1


def test_a_read_only_folder_is_read(kept, monkeypatch):
    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    file_of(kept, OTHER).write_bytes(b"damaged")
    for name in ("utime", "replace"):
        monkeypatch.setattr(os, name, refused)
    monkeypatch.setattr(folder.Path, "unlink", refused)
    assert kept.get(KEY, "sums").content == CONTENT and kept.get(OTHER, "sums") is None
    assert len(kept.troubles) == 2 and kept.troubles[0].endswith("cannot be removed: Permission denied")


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    found = Store(tmp_path / "file" / "results", 1000)
    assert found.get(KEY, "sums") is None
    found.put(KEY, "sums", CONTENT, 1.0, "")
    assert [one.split(" cannot be ")[1] for one in found.troubles] == [
        "read: Not a directory",
        "written: Not a directory",
    ]


def test_the_environment_says_where_and_how_much(monkeypatch, tmp_path, cache):
    assert default_store().folder == cache and default_store().limit == 2 * 2**30
    for text, limit in (("500M", 500 * 2**20), ("2g", 2 * 2**30), ("1KB", 1024), (" 12 ", 12), ("1T", 2**40)):
        monkeypatch.setenv(store.LIMIT, text)
        assert default_store().limit == limit
    for text in ("0", "0M", "-1", "1.5G", "much", "5X", "M"):
        monkeypatch.setenv(store.LIMIT, text)
        with pytest.raises(ValueError, match=f"PAPER_CHECKS_CACHE_SIZE: a number of bytes .* is needed, got '{text}'"):
            default_store()
    monkeypatch.delenv(store.LIMIT)
    monkeypatch.delenv(store.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_store().folder.name == "results" and "distributional" in str(default_store().folder)
    with pytest.raises(ValueError, match="limit must be >= 1 byte, got 0"):
        Store(tmp_path, 0)


def test_sizes_for_people():
    sizes = {0: "0 B", 1023: "1.02e+03 B", 1536: "1.5 KiB", 2**31: "2 GiB"}
    assert {size: shown(size) for size in sizes} == sizes


def test_a_session_reuses_what_another_one_made_unless_it_is_fresh(processes, tmp_path):  # noqa: F811
    log, seen = str(tmp_path / "log"), []
    for fresh in (False, False, True):
        scheduler = Scheduler(processes, 2, Store(tmp_path / "results", 10**6), fresh)
        with running(scheduler), scheduler.uses.asking("T1.1"):
            assert square(3, log) == 9
        (used,) = scheduler.uses.of("T1.1")
        seen.append((scheduler.made, used.made is None))
    assert seen == [(1, True), (0, False), (1, True)] and noted(log, "begin") == ["3", "3"]
