"""Speed, recorded and not asserted: `pytest tests/test_benchmarks.py --benchmark-only`.

Each ratio is of medians of calls that alternate within one test, so that a noisy machine slows both sides alike; it is
kept in the benchmark's `extra_info` and printed at the end.
"""

import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from numpy.random import SFC64, Generator
from torch.nn import functional

import theory
from paper_checks.experiments.trainings.paper_scale import paper_training
from paper_checks.witnesses.literal_sampler import literal_sample
from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import Chain, gradient_moments, initialised, sample
from tests.places import ROOT
from theory import Task

TASK = Task(64, 256, 0.5)
BATCH = 2**15
TOKENS = BATCH * TASK.T


@pytest.fixture(scope="module")
def summary(request):
    """Lines that the terminal shows after the last benchmark."""
    lines = []
    yield lines
    plugins = request.config.pluginmanager
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        for line in lines:
            plugins.get_plugin("terminalreporter").ensure_newline()
            plugins.get_plugin("terminalreporter").write_line(line)


def medians(*calls, rounds=9):
    """The median time in seconds of each of `calls`, called in turn."""
    times = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(rounds):
        for call, record in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            record.append(time.perf_counter() - start)
    return [statistics.median(record) for record in times]


def note(benchmark, summary, name, **values):
    benchmark.extra_info.update(values)
    summary.append(f"{name}: " + ", ".join(f"{key} = {value:.3g}" for key, value in values.items()))


@pytest.mark.benchmark(group="uniform chain, 64 ordinary tokens, T = 256")
def test_uniform_sampling_against_its_random_numbers(benchmark, summary):
    generator = Generator(SFC64(1))
    drawn, numbers = medians(
        lambda: sample(TASK, BATCH, seed=1), lambda: generator.integers(0, TASK.N, (BATCH, TASK.T), dtype=np.uint16)
    )
    rate = TOKENS / drawn
    note(benchmark, summary, "sample / its random numbers", ratio=drawn / numbers, tokens_per_second=rate)
    benchmark(sample, TASK, BATCH, seed=1)


@pytest.mark.benchmark(group="general chain, 65 tokens, T = 256")
def test_general_sampling_against_the_literal_sampler(benchmark, summary):
    chain = Chain(np.random.default_rng(0).dirichlet(np.full(TASK.M, 0.3), TASK.M))
    few = 20
    fast, literal = medians(
        lambda: sample(TASK, BATCH, seed=1, chain=chain), lambda: literal_sample(TASK, few, seed=1, chain=chain)
    )
    rate, slow_rate = TOKENS / fast, few * TASK.T / literal
    note(benchmark, summary, "general chain / literal, rates", ratio=rate / slow_rate, tokens_per_second=rate)
    benchmark(sample, TASK, BATCH, seed=1, chain=chain)


@pytest.mark.benchmark(group="gradient moments of both layers, 64 ordinary tokens, T = 256")
def test_gradient_moments_against_sampling(benchmark, summary):
    def both():
        for layer in ("feed_forward", "attention_value"):
            gradient_moments(TASK, layer, BATCH, seed=1, workers=1)

    moments, drawn = medians(both, lambda: sample(TASK, BATCH, seed=1))
    note(benchmark, summary, "moments of both layers / sample", ratio=moments / drawn, seconds=moments)
    benchmark(both)


@pytest.mark.benchmark(group="pooling, 7 ordinary tokens, T = 11")
def test_pooling_against_plain_moments(benchmark, summary):
    task, samples, labels = Task(7, 11, 0.3), 2**20, np.arange(128).reshape(8, 16) % 11

    def moments(labels=None):
        return gradient_moments(task, "attention_value", samples, seed=1, workers=1, labels=labels)

    pooled, plain = medians(lambda: moments(labels), moments)
    note(benchmark, summary, "pooled moments / plain moments", ratio=pooled / plain, seconds=pooled)
    benchmark(moments, labels)


@pytest.mark.benchmark(group="exact matrices, N = 1000, T = 10^6")
def test_exact_matrices_of_a_large_task(benchmark, summary):
    task = Task(1000, 10**6, 0.3)

    def matrices():
        for layer in ("feed_forward", "attention_value"):
            theory.gradient_mean(task, layer)
            theory.gradient_variance(task, layer)

    (seconds,) = medians(matrices, rounds=5)
    note(benchmark, summary, "four exact matrices", seconds=seconds)
    benchmark(matrices)


@pytest.mark.benchmark(group="one update of the two-layer transformer, T = 256, d = 256, both layers of width 4d")
def test_an_update_at_the_papers_size_against_every_position(benchmark, summary):
    """128 of the paper's 512 sequences: both sides are linear in the batch."""
    training = paper_training(seed=1)
    model, batch = initialised(training.architecture, seed=1), training.law.sample(128, seed=1)
    optimiser = training.optimiser.over([weight for weight in model.parameters() if weight.requires_grad])
    at = batch.repeated

    def update(logits):
        optimiser.zero_grad()
        functional.cross_entropy(logits, batch.following[at]).backward()
        optimiser.step()

    def where_needed():
        update(model(batch.tokens, at))

    def everywhere():
        update(literal_logits(model, batch.tokens)[at])

    with torch.no_grad():
        apart = float((model(batch.tokens, at) - literal_logits(model, batch.tokens)[at]).abs().max())
    assert apart <= 1e-5
    literal, fast = medians(everywhere, where_needed, rounds=3)
    note(benchmark, summary, "every position / where needed", ratio=literal / fast, seconds=fast, logits_apart=apart)
    benchmark.pedantic(where_needed, rounds=1)


@pytest.mark.benchmark(group="sweep of pocket Pythia, 6 layers, 4 roles, 8 ranks, 24 + 24 prompts")
def test_sweep_against_one_model_per_cell(benchmark, summary):
    """A full sweep, against loading the folder, truncating and asking anew in every cell (one layer and rank of them,
    the time of a cell does not depend on layer and rank)."""
    from transformers import AutoModelForCausalLM

    from simulate.language.models import load_language_model
    from simulate.laser.reduction import truncated
    from simulate.laser.sweeps import Cell, sweep
    from simulate.pocket.shipped import pocket_folders
    from simulate.prompts.sets import fact_prompts, recall_prompts
    from simulate.prompts.tokens import encode, measure

    steps = next(iter(pocket_folders().values()))
    folder = steps[max(steps)]
    loaded = load_language_model(folder)
    sets = {
        "recall": encode(recall_prompts(24, seed=1), loaded.tokenizer),
        "facts": encode(fact_prompts(24, seed=1), loaded.tokenizer),
    }
    cells = list(sweep(loaded.model, sets, progress=False).cells)
    sampled = [cell for cell in cells if cell.layer == 3 and cell.rank == 8]

    def anew(load):
        for cell in sampled:
            model = truncated(load(folder), cell.choice)
            for encoded in sets.values():
                measure(model, encoded)

    whole, checked, plain = medians(
        lambda: sweep(loaded.model, sets, progress=False),
        lambda: anew(lambda place: load_language_model(place).model),
        lambda: anew(lambda place: AutoModelForCausalLM.from_pretrained(place).eval()),
        rounds=3,
    )
    benchmark.pedantic(lambda: sweep(loaded.model, sets, progress=False), rounds=1)
    assert Cell(3, "mlp_in", 8) in sampled
    one = whole / len(cells)
    note(
        benchmark, summary, "sweep of pocket Pythia", milliseconds_per_cell=1e3 * one,
        load_truncate_ask_over_sweep=checked / len(sampled) / one,
        plain_load_truncate_ask_over_sweep=plain / len(sampled) / one,
    )  # fmt: skip


@pytest.mark.benchmark(group="help of a command, a process of its own")
@pytest.mark.parametrize("words", [(), ("verify",), ("draw", "training", "curves"), ("gsm8k",), ("scope", "T3.4")])
def test_help(benchmark, summary, words):
    """CPU seconds, user and system, of the process; the maps' help has sizes and settings of theory's."""

    def shown():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "paper_checks", *words, "--help"]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    seconds = statistics.median(shown() for _ in range(5))
    note(benchmark, summary, " ".join(["paper-checks", *words, "--help"]), cpu_seconds=seconds)
    benchmark.pedantic(shown, rounds=1)
