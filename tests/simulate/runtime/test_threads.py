"""Processors are those that a process may use."""

import os

from paper_checks.jobs.processes import Processes
from simulate.runtime.threads import default_threads, limit_threads, processors


def test_processors_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert processors() == default_threads() == Processes().count == 3
    with limit_threads(2):
        assert (processors(), default_threads()) == (3, 2)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == default_threads() == 1
