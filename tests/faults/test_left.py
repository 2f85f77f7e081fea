"""What killed writers have left goes, what has a writer that lives stays."""

import os

import pytest

from paper_checks.jobs.store import Store
from paper_checks.jobs.values import encode
from simulate.runtime.alone import alone, is_kept, remove_left
from simulate.runtime.files import write_whole


def left_behind(path, number="0123456789abcdef"):
    """A temporary file of `path` without a writer."""
    place = path.with_name(f".{path.name}.{number}.tmp")
    place.write_bytes(b"half")
    return place


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_beside_what_was_left(tmp_path):
    path = tmp_path / "a.json"
    left_behind(path), left_behind(path, "4711"), left_behind(tmp_path / "b.json")
    others = [".a.json.tmp", ".a.json.x.tmp", "a.json.4711.tmp", ".a.json.0123456789abcdeF.tmp"]
    for name in others:
        (tmp_path / name).touch()
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == sorted(["a.json", ".b.json.0123456789abcdef.tmp", *others])


def test_folders_go_and_links_stay(tmp_path):
    mine = tmp_path / "mine"
    (tmp_path / ".a.0000000000000001.tmp" / "deep").mkdir(parents=True)
    mine.mkdir()
    (mine / "file").touch()
    (tmp_path / ".a.0000000000000002.tmp").symlink_to(mine)
    remove_left(tmp_path, "a")
    assert names(tmp_path) == [".a.0000000000000002.tmp", "mine"] and names(mine) == ["file"]
    remove_left(tmp_path / "not there", "a")


def test_what_is_written_now_stays(tmp_path):
    path = tmp_path / "a"
    lives = left_behind(path)
    with open(lives, "rb") as stream:
        assert is_kept(stream.fileno(), lives)
        write_whole(path, b"other")
        assert lives.exists()
    write_whole(path, b"other")
    assert names(tmp_path) == ["a"]


def test_a_writer_whose_empty_file_was_taken_for_one_that_was_left_begins_anew(tmp_path, monkeypatch):
    real, taken = os.path.samestat, []

    def samestat(one, other):
        taken.append(one)
        return len(taken) > 2 and real(one, other)

    monkeypatch.setattr(os.path, "samestat", samestat)
    write_whole(tmp_path / "a", b"new")
    assert len(taken) == 3 and (tmp_path / "a").read_bytes() == b"new"


def test_a_store_removes_what_killed_runs_were_writing(tmp_path):
    store, keys = Store(tmp_path, 10**6), ["ab" * 32, "cd" * 32]
    left = left_behind(tmp_path / f"{keys[0]}.safetensors")
    lives = left_behind(tmp_path / f"{keys[0]}.safetensors", "1" * 16)
    with open(lives, "rb") as stream:
        assert is_kept(stream.fileno(), lives)
        store.put(keys[1], "sums", encode(1), 1.0, "")
        assert not left.exists() and lives.exists()
    assert store.summary().results == 1 and not lives.exists() and store.troubles == []


def test_who_has_a_lock_is_said_and_no_lock_stays(tmp_path):
    path = tmp_path / "new folder" / "a"
    left_behind(tmp_path / "b")
    with alone(path):
        assert names(path.parent) == [".a.lock"]
        with pytest.raises(BlockingIOError) as refusal, alone(path):
            pass
        with alone(tmp_path / "b"):  # another file
            pass
    assert f"one writer at a time: process {os.getpid()} on " in refusal.value.strerror
    assert refusal.value.filename == str(path)
    assert names(path.parent) == [] and names(tmp_path) == ["new folder"]


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    (tmp_path / ".a.lock").write_text("process 1 on somewhere, since long ago")
    with alone(tmp_path / "a"), pytest.raises(BlockingIOError, match=f"process {os.getpid()} "), alone(tmp_path / "a"):
        pass
    assert names(tmp_path) == []


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    for content in (b"one", b"two"):
        write_whole(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "file").read_bytes() == content
    assert names(tmp_path / "there") == ["file"]


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, os.devnull):
        with pytest.raises(FileExistsError, match="must be a file, and is something else"):
            write_whole(type(tmp_path)(path), b"x")
    assert names(tmp_path) == ["pipe"]
