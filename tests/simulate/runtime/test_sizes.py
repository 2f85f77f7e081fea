"""What takes memory by its arguments estimates it before any work, and names the argument and its value."""

import time
import tracemalloc

import numpy as np
import pytest
import torch

from paper_checks.witnesses.literal_sampler import literal_sample
from simulate import (
    Architecture,
    Chain,
    Hidden,
    OneLayer,
    Optimiser,
    Recall,
    Training,
    Transformer,
    TwoLayer,
    counted_gradient,
    gaussian_embeddings,
    gaussian_grams,
    gradient_descent,
    gradient_moments,
    initialised,
    key_query_moments,
    orthonormal_embeddings,
    projected_moments,
    sample,
    sample_induction,
    sample_stream,
    stochastic_gradient_descent,
    train,
    two_layer_gradient,
)
from simulate.prompts import halves
from simulate.runtime import byte_limit
from theory import Task

THERE = 2**34
"""Bytes that a machine has; more than any of the calls below gets."""
HUGE = 10**18
TASK = Task(3, 8, 0.5)
LAW = Recall.of_task(TASK)
TOKENS = torch.zeros(1, 5, dtype=torch.int64)
FOUR = orthonormal_embeddings(4)


def training(**options):
    return Training(
        Architecture(4, 8, 5), LAW, Optimiser("SGD", {"lr": 0.1}), **{"batch": 2, "steps": 1, "seed": 0, **options}
    )


LARGE = training(batch=HUGE)


def descend(**options):
    return stochastic_gradient_descent(FOUR, 0.3, [1.0] * 5, **{"batch": 2, "replicates": 2, "seed": 0, **options})


CALLS = {
    "sample batch": (lambda: sample(TASK, HUGE, seed=0), "batch = 10{18}"),
    "sample T": (lambda: sample(Task(3, HUGE, 0.5), 1, seed=0), "T = 10{18}"),
    "sample_stream chunk": (lambda: sample_stream(TASK, HUGE, seed=0, chunk=HUGE), "chunk = 10{18}"),
    "literal_sample batch": (lambda: literal_sample(TASK, HUGE, seed=0), "batch = 10{18}"),
    "literal_sample T": (lambda: literal_sample(Task(3, HUGE, 0.5), 1, seed=0), "T = 10{18}"),
    "Recall.of_task": (lambda: Recall.of_task(Task(10**9, 5, 0.5)), "task of N = 10{9}"),
    "Recall.sample": (lambda: LAW.sample(HUGE, seed=0), "batch = 10{18}"),
    "Chain.from_text": (lambda: Chain.from_text("".join(map(chr, range(10**5, 2 * 10**5)))), "text of 10{5}"),
    "OneLayer": (lambda: OneLayer(Task(10**9, 5, 0.5)), "M = 10{8}1"),
    "counted_gradient": (
        lambda: counted_gradient(Task(10**9, 5, 0.5), "feed_forward", TOKENS, TOKENS[:, 0]),
        "M = 10{8}1",
    ),
    "gradient_moments M": (lambda: gradient_moments(Task(10**9, 5, 0.5), "feed_forward", 9, seed=0), "M = 10{8}1"),
    "gradient_moments T": (lambda: gradient_moments(Task(3, HUGE, 0.5), "feed_forward", 9, seed=0), "T = 10{18}"),
    "projected_moments T": (
        lambda: projected_moments(Task(3, HUGE, 0.5), "feed_forward", np.ones((4, 8)), 9, seed=0),
        "T = 10{18}",
    ),
    "key_query_moments T": (
        lambda: key_query_moments(Task(3, HUGE, 0.5), np.ones((4, 8)), np.full(4, 0.25), 9, seed=0),
        "T = 10{18}",
    ),
    "TwoLayer N": (lambda: TwoLayer(10**6, 5), "N = 10{6}"),
    "TwoLayer T": (lambda: TwoLayer(5, HUGE), "T = 10{18}"),
    "sample_induction": (lambda: sample_induction(3, 5, HUGE, seed=0), "batch = 10{18}"),
    "two_layer_gradient samples": (lambda: two_layer_gradient(TwoLayer(3, 5), "W_O", 10**18, seed=0), "batch = 10{18}"),
    "two_layer_gradient blocks": (
        lambda: two_layer_gradient(TwoLayer(3, 5), "W_O", 10**9, blocks=10**9, seed=0),
        "blocks = 10{9}",
    ),
    "gaussian_grams N": (lambda: gaussian_grams(10**5, 5, 5, seed=0), "N = 10{5}"),
    "gaussian_grams T": (lambda: gaussian_grams(5, 10**5, 5, seed=0), "T = 10{5}"),
    "gaussian_grams width": (lambda: gaussian_grams(5, 5, HUGE, seed=0), "width = 10{18}"),
    "orthonormal_embeddings": (lambda: orthonormal_embeddings(10**6), "n = 10{6}"),
    "gaussian_embeddings n": (lambda: gaussian_embeddings(HUGE, 5, seed=0), "n = 10{18}"),
    "gaussian_embeddings dimension": (lambda: gaussian_embeddings(5, HUGE, seed=0), "dimension = 10{18}"),
    "gradient_descent": (
        lambda: gradient_descent(orthonormal_embeddings(100), 0.3, np.ones(10**6), snapshots=np.arange(10**6)),
        "10{6} snapshots",
    ),
    "stochastic_gradient_descent": (lambda: descend(replicates=2 * 10**7), "replicates = 20{7}"),
    "stochastic_gradient_descent far": (lambda: descend(replicates=HUGE), "replicates = 10{18}"),
    "initialised width": (lambda: initialised(Architecture(3, 5, 10**5), seed=0), "width=10{5}"),
    "initialised hidden": (lambda: initialised(Architecture(3, 5, 4, F1=Hidden(HUGE)), seed=0), "size=10{18}"),
    "initialised tokens": (lambda: initialised(Architecture(HUGE, 5, 4), seed=0), "tokens=10{18}"),
    "Transformer length": (lambda: Transformer(Architecture(5, HUGE, 4)), "length=10{18}"),
    "train": (lambda: train(LARGE), "batch = 10{18}"),
    "halves": (lambda: halves(HUGE), "count = 10{18}"),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_cannot_fit_is_refused_before_any_work(name, monkeypatch):
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: THERE)
    call, words = CALLS[name]
    tracemalloc.start()
    try:
        start = time.process_time()  # not what other processes take
        with pytest.raises(ValueError, match=rf"{words}.* take \d+ bytes and {THERE} are available; "):
            call()
        seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seconds < 1 and peak < 2**26


def test_a_limit_of_the_process_counts(monkeypatch):
    """What `theory` says is available, RLIMIT_AS included, is so here."""
    monkeypatch.setattr("theory.byte_limit.available_bytes", lambda: THERE)
    with pytest.raises(ValueError, match=rf"weights take {THERE + 1} bytes and {THERE} are available; use fewer"):
        byte_limit.require_bytes("weights", THERE + 1, byte_limit.CPU, "use fewer")
    byte_limit.require_bytes("weights", THERE, byte_limit.CPU, "use fewer")


def test_descriptions_take_no_memory():
    """Only what is made of them does."""
    assert Architecture(HUGE, HUGE, HUGE, Hidden(HUGE)).entries > HUGE
    assert training(steps=HUGE).steps == HUGE
