"""The cache command: what is kept, by kind, where and how much; emptied of results alone."""

import re

import numpy as np

from paper_checks.jobs.store import LIMIT, default_store
from paper_checks.jobs.values import encode
from tests.oracles.picture_commands import command

main = command("cache")


def fill(count=3):
    store = default_store()
    for number in range(count):
        kind = "trainings" if number else "exact tables"
        store.put(f"{number:064x}", kind, encode(np.zeros(1000)), 1.0, "here")
    return store


def test_it_says_where_what_and_how_much(capsys, cache, monkeypatch):
    monkeypatch.setenv(LIMIT, "500M")
    store = fill()
    assert main([]) == 0
    said = capsys.readouterr().out
    size = store.summary().bytes / 1024
    assert re.search(r"exact tables +│ +1 │ +8\.\d+ KiB", said) and re.search(r"trainings +│ +2 │ +16\.\d+ KiB", said)
    assert f"Kept in {cache}: 3 results, {size:.3g} KiB; the limit is 500 MiB." in said
    made = store.summary()
    assert said.endswith(f"The oldest was made at {made.oldest}, the newest at {made.newest}.\n")


def test_it_empties_what_is_ours(capsys, cache):
    fill(1)
    (cache / "notes.txt").write_text("mine")
    assert main(["--empty"]) == 0
    said = capsys.readouterr().out
    assert re.search(rf"Removed from {cache}: 1 result, 8\.\d+ KiB\.\n$", said) and "oldest" not in said
    assert [path.name for path in cache.iterdir()] == ["notes.txt"]
    assert main(["--empty"]) == 0 and capsys.readouterr().out == f"Removed from {cache}: no results.\n"
    assert main([]) == 0 and capsys.readouterr().out == f"Kept in {cache}: no results; the limit is 2 GiB.\n"


def test_a_cache_that_is_not_there_has_no_results_and_is_not_made(capsys, cache):
    assert main([]) == 0 and "no results" in capsys.readouterr().out and not cache.exists()


def test_what_cannot_be_done_is_one_line(capsys, cache, monkeypatch):
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text("a file")
    assert main([]) == 2
    assert capsys.readouterr().err == f"{cache}: Not a directory\n"
    monkeypatch.setenv(LIMIT, "much")
    assert main([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("paper-checks cache: error: PAPER_CHECKS_CACHE_SIZE: a number of bytes") and "'much'" in said
