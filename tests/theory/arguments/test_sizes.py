"""Sizes that cannot fit or would not end are refused by name, in less than a second and before any work."""

import time
from fractions import Fraction

import numpy as np
import psutil
import pytest

import theory
from theory import Task, birth, byte_limit, general, key_query, memory, one_step

HUGE = Task(10**9, 10**6, 0.5)


def wide(M=1500):
    """A law whose own arrays fit, and not those of its moments."""
    rows, uniform = np.full((M, M), 1 / M), np.full(M, 1 / M)
    return theory.Law(rows, T=10, trigger=0, alpha=0.5, first=uniform, noise=1)


REFUSED = [
    (lambda: theory.entry_labels(HUGE), "matrices of N = 1000000000 take .* bytes and .* are available"),
    (lambda: one_step.assemble(HUGE, dict.fromkeys(theory.ENTRY_CLASSES, 1), float), "matrices of N = 1000000000"),
    (lambda: theory.gradient_mean(HUGE, "feed_forward"), "N must be at most"),
    (lambda: theory.key_query_gradient(HUGE), "N must be at most"),
    (lambda: theory.Law.of_task(HUGE), "arrays of a law with M = 1000000001 tokens take"),
    (lambda: general.token_laws(Task(10**5, 10, 0.5)), "arrays of a law with M = 100001 tokens take"),
    (lambda: general.count_moments(wide()), "arrays of a law with M = 1500 tokens take"),
    (lambda: general.noise_threshold(Task(5, 9, 0.5), bits=10**18), r"bits must be an integer in 1\.\.256"),
    (lambda: birth.context_signal(HUGE), "N must be smaller"),
    (lambda: birth.uniform_scores(birth.InductionTask(5, 10**9)), "T must be at most"),
    (lambda: birth.population_weights(birth.InductionTask(10**9, 5), 1, 1), "N = 1000000000"),
    (lambda: memory.logits(10**9, 0.3, 1.0), "n = 1000000000: the logits take"),
    (lambda: memory.singular_vectors(10**9), "n = 1000000000: the singular vectors take"),
    (lambda: memory.sampled_moments(10**9, 0.3, [1.0], 5, [1]), "n = 1000000000: the covariances take"),
    (lambda: one_step.noise_margin_guarantee(8, 10**18, Fraction(1, 2)), r"samples must be an integer in 1\.\.512"),
    (lambda: one_step.short_context_limit(10**18), r"length must be an integer in 2\.\.16"),
    (lambda: one_step.noise_threshold(8, 16, bits=10**18), r"bits must be an integer in 1\.\.256"),
    (lambda: one_step.copying_threshold(8, 10**18), "T=1000000000000000000 is too large for exact=True"),
    (lambda: key_query.threshold_series("attends", 3, 10**18), r"terms must be an integer in 1\.\.12"),
    (lambda: key_query.Box(10**18, 0, 0), "level must be an integer in 0"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_a_size_is_refused_before_any_work(call, words):
    start = time.process_time()
    with pytest.raises(ValueError, match=words):
        call()
    assert time.process_time() - start < 1


def test_a_limit_of_the_process_counts(monkeypatch):
    """Of RLIMIT_AS, what is taken already is taken off."""

    class Process:
        vms = 3 * 2**28

        def rlimit(self, resource):
            assert resource == psutil.RLIMIT_AS
            return 2**30, 2**30

        def memory_info(self):
            return self

    monkeypatch.setattr(psutil, "Process", Process)
    assert byte_limit.available_bytes() == 2**28
    with pytest.raises(ValueError, match=r"tables take 268435457 bytes and 268435456 are available; take fewer"):
        byte_limit.require_bytes("tables", 2**28 + 1, "take fewer")
    byte_limit.require_bytes("tables", 2**28, "take fewer")


def test_small_requests_ask_nobody(monkeypatch):
    monkeypatch.setattr(byte_limit, "available_bytes", lambda: 0)
    byte_limit.require_bytes("tables", 2**20, "take fewer")
