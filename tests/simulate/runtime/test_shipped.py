"""Shipped data are as they were shipped, or refused by name; all that is shipped has its digest."""

import re
import shutil

import pytest

from simulate.runtime import shipped
from simulate.runtime.files import file_digest
from simulate.runtime.shipped import DATA, PATTERNS, SUMS, require_shipped, shipped_file

FOLDER = "pocket/seed-4/step-2000"
LEFT_OUT = {SUMS, "pocket/README.md"}
"""The file of the digests, and a text for people."""


@pytest.fixture
def data(tmp_path):
    """Data of which one folder of a model is whole."""
    shutil.copytree(DATA / FOLDER, tmp_path / FOLDER)
    for name in (SUMS, "tinyshakespeare_bigrams.csv"):
        shutil.copy(DATA / name, tmp_path)
    yield tmp_path
    shipped._check.cache_clear()
    shipped._sums.cache_clear()


def test_every_file_of_the_data_has_its_digest():
    there = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()} - LEFT_OUT
    assert (
        there
        == set(shipped._sums(DATA))
        == {path.relative_to(DATA).as_posix() for pattern in PATTERNS for path in DATA.glob(pattern)}
    )


def test_what_is_shipped_is_accepted(data):
    assert shipped_file("tinyshakespeare_bigrams.csv", data) == data / "tinyshakespeare_bigrams.csv"
    require_shipped(FOLDER, data)


@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / FOLDER).iterdir()))
def test_a_changed_or_missing_file_of_a_model_is_named(data, name):
    path = data / FOLDER / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} must be as it was shipped"):
        require_shipped(FOLDER, data)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
        require_shipped(FOLDER, data)


def test_a_file_that_was_not_shipped_is_named(data):
    (data / FOLDER / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"adapter_config\.json must not be there, it was not shipped"):
        require_shipped(FOLDER, data)


def test_digests_that_were_changed_with_a_file_are_refused(data):
    path = data / "tinyshakespeare_bigrams.csv"
    before = file_digest(path)
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    sums = data / SUMS
    sums.write_bytes(sums.read_bytes().replace(before.encode(), file_digest(path).encode()))
    with pytest.raises(ValueError, match=f"{SUMS} must be as it was shipped"):
        shipped_file(path.name, data)


def test_a_file_is_hashed_once_in_a_process(data, monkeypatch):
    hashed = []
    monkeypatch.setattr(shipped, "file_digest", lambda path: hashed.append(path) or file_digest(path))
    for _ in range(3):
        require_shipped(FOLDER, data)
    assert len(hashed) == len(set(hashed)) == len(list((data / FOLDER).iterdir()))
