"""Bad input to simulate is refused by name, value and what is accepted, before any work."""

import tracemalloc

import numpy as np
import pytest
import torch

from paper_checks.witnesses.literal_sampler import literal_sample
from simulate import (
    Chain,
    OneLayer,
    gradient_moments,
    key_query_moments,
    projected_moments,
    resolve_device,
    sample,
    sample_stream,
)
from simulate.runtime import byte_limit
from tests.oracles.simulate import BAD_COUNTS
from theory import Task

TASK = Task(3, 8, 0.3, 1)
DIRECTION = np.ones((4, 8))
UNIFORM = np.full((4, 4), 0.25)

DRAWS = {
    "sample": lambda task=TASK, n=10, **kw: sample(task, n, **{"seed": 0, **kw}),
    "sample_stream": lambda task=TASK, n=10, **kw: sample_stream(task, n, **{"seed": 0, **kw}),
    "literal_sample": lambda task=TASK, n=10, **kw: literal_sample(task, n, **{"seed": 0, **kw}),
}
LAYERED = {
    "gradient_moments": lambda task=TASK, n=10, layer="feed_forward", **kw: gradient_moments(
        task, layer, n, **{"seed": 0, **kw}
    ),
    "projected_moments": lambda task=TASK, n=10, layer="feed_forward", direction=DIRECTION, **kw: projected_moments(
        task, layer, direction, n, **{"seed": 0, **kw}
    ),
}
ESTIMATES = {
    **LAYERED,
    "key_query_moments": lambda task=TASK, n=10, **kw: key_query_moments(
        task, DIRECTION, UNIFORM[0], n, **{"seed": 0, **kw}
    ),
}
every_call = pytest.mark.parametrize("call", {**DRAWS, **ESTIMATES}.values(), ids=[*DRAWS, *ESTIMATES])
every_draw = pytest.mark.parametrize("call", DRAWS.values(), ids=DRAWS)
every_estimate = pytest.mark.parametrize("call", ESTIMATES.values(), ids=ESTIMATES)


def negative_entry():
    transition = UNIFORM.copy()
    transition[2] = [-0.25, 0.5, 0.5, 0.25]
    return transition


BAD_CHAINS = [
    (np.full((3, 3), 1 / 3), ValueError, r"chain must have shape \(M, M\) = \(4, 4\), got \(3, 3\)"),
    (UNIFORM[:3], ValueError, r"chain must have shape \(M, M\) = \(4, 4\), got \(3, 4\)"),
    (UNIFORM[0], ValueError, r"chain must have shape \(M, M\) = \(4, 4\), got \(4,\)"),
    (UNIFORM * 1.01, ValueError, "chain must sum to 1 .* off by 1.000e-02"),
    (UNIFORM * (1 - 1e-12), ValueError, "chain must sum to 1"),
    (np.where(np.eye(4) == 1, np.nan, 0.25), ValueError, "chain must be finite"),
    (np.where(np.eye(4) == 1, np.inf, 0.25), ValueError, "chain must be finite"),
    (negative_entry(), ValueError, "chain must be >= 0, its least entry is -0.25"),
    ("uniform", TypeError, "chain must be a simulate.sequences.Chain or an array of real numbers or None"),
    (UNIFORM.astype(complex), TypeError, "chain must be a real array, got dtype complex128"),
    (UNIFORM.astype(object), TypeError, "chain must be a real array, got dtype object"),
    ([[1.0], [0.5, 0.5]], ValueError, "chain must be a real array of rectangular shape"),
    (np.eye(4), ValueError, r"4 recurrent classes .* Chain\(transition, initial="),
    (Chain(np.full((3, 3), 1 / 3)), ValueError, r"chain must have shape \(M, M\) = \(4, 4\), got \(3, 3\)"),
]
BAD_INITIALS = [
    ([0.5, 0.5], ValueError, r"initial must have shape \(4,\), got \(2,\)"),
    (UNIFORM, ValueError, r"initial must be an array of shape \(M,\)"),
    ([0.5, 0.5, 0.5, 0.5], ValueError, "initial must sum to 1"),
    ([1.5, -0.5, 0.0, 0.0], ValueError, "initial must be >= 0"),
    ([np.nan, 0.5, 0.5, 0.0], ValueError, "initial must be finite"),
    (["a", "b", "c", "d"], TypeError, "initial must be a real array"),
]
BAD_SEEDS = [
    (-1, ValueError, "seed must be an integer >= 0, got -1"),
    (1.0, TypeError, "seed must be an integer >= 0, got 1.0"),
    (None, TypeError, "seed must be an integer"),
    (True, TypeError, "seed must be an integer"),
    ("1", TypeError, "seed must be an integer"),
]
BAD_DEVICES = [
    ("gpu", ValueError, "device must be .* got 'gpu'"),
    ("cuda:", ValueError, "device must be .* got 'cuda:'"),
    ("cuda:x", ValueError, "device must be .* got 'cuda:x'"),
    ("auto:0", ValueError, "device must be .* got 'auto:0'"),
    ("cpu:0", ValueError, "device must be .* got 'cpu:0'"),
    ("cuda:99", ValueError, "device 'cuda:99' is not available"),
    (0, TypeError, "device must be .* got 0"),
    (None, TypeError, "device must be .* got None"),
]


@every_call
@pytest.mark.parametrize(("chain", "error", "message"), BAD_CHAINS)
def test_chains(call, chain, error, message):
    with pytest.raises(error, match=message):
        call(chain=chain)


@pytest.mark.parametrize(("initial", "error", "message"), BAD_INITIALS)
def test_initial_distributions(initial, error, message):
    with pytest.raises(error, match=message):
        Chain(UNIFORM, initial)


def test_a_chain_cannot_change_after_validation():
    transition = UNIFORM.copy()
    chain = Chain(transition)
    transition[:] = -1
    assert (chain.transition == 0.25).all()
    for array in (chain.transition, chain.initial):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_counts_divided_by_their_total_are_accepted():
    """Rounding in rows of thousands of quotients stays within the bound, and a single stray entry of 1e-9 does not."""
    counts = np.random.default_rng(0).integers(1, 1000, (1500, 1500))
    rows = counts / counts.sum(axis=1, keepdims=True)
    Chain(rows, rows[0])
    rows[7, 7] += 1e-9
    with pytest.raises(ValueError, match="transition must sum to 1"):
        Chain(rows, rows[0])


@every_call
@pytest.mark.parametrize(("seed", "error", "message"), BAD_SEEDS)
def test_seeds(call, seed, error, message):
    with pytest.raises(error, match=message):
        call(seed=seed)


@every_call
def test_seeds_may_be_large_or_of_numpys_integer_types(call):
    call(seed=2**200)
    call(seed=np.int64(3))


@every_call
@pytest.mark.parametrize("task", [None, 3, (3, 8, 0.3)])
def test_tasks(call, task):
    with pytest.raises(TypeError, match=r"task must be a theory\.Task( or a theory\.Law)?, got"):
        call(task=task)


@every_draw
@pytest.mark.parametrize(("batch", "error"), BAD_COUNTS)
def test_batches(call, batch, error):
    with pytest.raises(error, match="batch must be an integer >= 1, got"):
        call(n=batch)


@pytest.mark.parametrize(("chunk", "error"), BAD_COUNTS[:-1])
def test_chunks(chunk, error):
    with pytest.raises(error, match="chunk must be an integer >= 1 or None, got"):
        sample_stream(TASK, 10, seed=0, chunk=chunk)


@every_estimate
@pytest.mark.parametrize(("samples", "error"), [*BAD_COUNTS, (1, ValueError)])
def test_samples(call, samples, error):
    with pytest.raises(error, match="samples must be an integer >= 2, got"):
        call(n=samples)


@every_estimate
@pytest.mark.parametrize(("workers", "error"), BAD_COUNTS[:-1])
def test_workers(call, workers, error):
    with pytest.raises(error, match=r"workers must be an integer in 1\.\.1024 or None, got"):
        call(workers=workers)


@pytest.mark.parametrize("call", LAYERED.values(), ids=LAYERED)
@pytest.mark.parametrize("layer", ["attention", "", None, 0, ["feed_forward"]])
def test_layers(call, layer):
    with pytest.raises(ValueError, match="layer must be 'feed_forward' or 'attention_value', got"):
        call(layer=layer)


DEVICE_CALLS = [
    DRAWS["sample"],
    DRAWS["sample_stream"],
    ESTIMATES["gradient_moments"],
    lambda device: resolve_device(device),
]


@pytest.mark.parametrize("call", DEVICE_CALLS, ids=["sample", "sample_stream", "gradient_moments", "resolve_device"])
@pytest.mark.parametrize(("device", "error", "message"), BAD_DEVICES)
def test_devices(call, device, error, message):
    with pytest.raises(error, match=message):
        call(device=device)


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_missing_gpu_is_named(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"device '{device}' is not available: this machine has 0 usable CUDA devices"):
        sample(TASK, 10, seed=0, device=device)


def test_devices_resolve(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("cpu") == resolve_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="device 'cuda:2' is not available: this machine has 2"):
        resolve_device("cuda:2")


def test_oversize_batches(monkeypatch):
    needed = 8 * 11 * (8 + 2)  # ten sequences and one in the making: eight tokens, correct token and target, int64
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: needed - 1)
    with pytest.raises(ValueError, match=f"batch = 10 .* take {needed} bytes .* sample_stream .* gradient_moments"):
        sample(TASK, 10, seed=0)
    with pytest.raises(ValueError, match=f"chunk = 10 .* take {needed} bytes"):
        sample_stream(TASK, 30, seed=0, chunk=10)
    assert [len(part.target) for part in sample_stream(TASK, 30, seed=0, chunk=9)] == [9, 9, 9, 3]
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: needed)
    assert len(sample(TASK, 10, seed=0).target) == 10


def test_oversize_tasks_are_refused_before_any_work():
    for task, words in (
        (Task(10**6, 5, 0.5), "M = 1000001 tokens.*bytes"),
        (Task(3, 10**15, 0.5), "T = 1000000000000000.*bytes"),
    ):
        with pytest.raises(ValueError, match=words):
            gradient_moments(task, "attention_value", 10, seed=0)
    with pytest.raises(ValueError, match=r"T = 1000000000000000.*bytes"):
        projected_moments(Task(3, 10**15, 0.5), "attention_value", np.ones((4, 8)), 10, seed=0)
    with pytest.raises(ValueError, match=r"M = 1000001 tokens.*bytes"):
        OneLayer(Task(10**6, 5, 0.5))
    with pytest.raises(ValueError, match=r"task must have N at most 2\^62"):
        sample(Task(2**70, 5, 0.5), 1, seed=0)


def test_a_batch_beyond_this_machine_is_refused_before_it_is_allocated():
    tracemalloc.start()
    with pytest.raises(ValueError, match="bytes"):
        sample(TASK, 10**15, seed=0)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


BAD_LABELS = [
    (np.zeros((4, 7), dtype=int), ValueError, r"labels must have shape \(M, 2M\) = \(4, 8\), got \(4, 7\)"),
    (np.zeros(32, dtype=int), ValueError, "labels must have shape"),
    (np.zeros((4, 8)), TypeError, "labels must be an integer array, got dtype float64"),
    (np.zeros((4, 8), dtype=bool), TypeError, "labels must be an integer array, got dtype bool"),
    (np.full((4, 8), -1), ValueError, "labels must be class numbers in 0..1048575, got -1..-1"),
]


@pytest.mark.parametrize(("labels", "error", "message"), BAD_LABELS)
def test_labels(labels, error, message):
    with pytest.raises(error, match=message):
        gradient_moments(TASK, "feed_forward", 10**6, seed=0, labels=labels)


def test_labels_need_two_full_blocks():
    labels, least = np.zeros((4, 8), dtype=int), 2 * 2**15  # 2^18 tokens to a block, eight to a sequence
    with pytest.raises(ValueError, match=f"samples must be at least {least} .* got {least - 1}"):
        gradient_moments(TASK, "feed_forward", least - 1, seed=0, labels=labels)
    assert gradient_moments(TASK, "feed_forward", least, seed=0, labels=labels).pooled.blocks == 2


BAD_DIRECTIONS = [
    (np.ones((4, 7)), ValueError, "direction must have shape"),
    (np.full((4, 8), np.nan), ValueError, "direction must be finite"),
    (np.full((4, 8), "x"), TypeError, "direction must be a real array"),
    (np.ones((4, 8), dtype=complex), TypeError, "direction must be a real array"),
]


@pytest.mark.parametrize(("direction", "error", "message"), BAD_DIRECTIONS)
def test_directions(direction, error, message):
    with pytest.raises(error, match=message):
        projected_moments(TASK, "feed_forward", direction, 10, seed=0)
