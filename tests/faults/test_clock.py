"""The clock goes back while results are kept and locks are held."""

import time

import pytest

from paper_checks.jobs.store import Store
from paper_checks.jobs.values import encode
from simulate.runtime.alone import alone

CONTENT = encode([1.0] * 100)


@pytest.mark.parametrize("back", [1, 3600, 10**7])
def test_results_that_were_used_last_stay(tmp_path, monkeypatch, back):
    """Of the store's limit four results are left; the last four that were put are there, and every one right after."""
    now, keys = time.time_ns(), [f"{number:064x}" for number in range(12)]
    first = Store(tmp_path, 10**6)
    for key in keys[:4]:
        first.put(key, "sums", CONTENT, 1.0, "")
    size = next(tmp_path.iterdir()).stat().st_size
    monkeypatch.setattr(time, "time_ns", lambda: now - back * 10**9)
    monkeypatch.setattr(time, "time", lambda: now / 1e9 - back)
    second = Store(tmp_path, 5 * size)
    for number, key in enumerate(keys[4:], 5):
        second.put(key, "sums", CONTENT, 1.0, "")
        assert second.get(key, "sums").content == CONTENT
        there = {path.stem for path in tmp_path.iterdir()}
        assert there == set(keys[number - len(there) : number]) and 4 <= len(there) <= 5
    assert second.troubles == []


def test_a_lock_asks_no_wall_clock(tmp_path, monkeypatch):
    with alone(tmp_path / "file"):
        monkeypatch.setattr(time, "time", lambda: 0.0)
        monkeypatch.setattr(time, "time_ns", lambda: 0)
        for _ in range(2):
            with pytest.raises(BlockingIOError, match=r"process .* is at it"), alone(tmp_path / "file", 0.05):
                pass
    with alone(tmp_path / "file"):
        pass
    assert list(tmp_path.iterdir()) == []
