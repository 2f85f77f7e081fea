"""Jobs as claims have them, and who kills the workers that do them: when each begins, and when its result is here."""

import os
import random
import signal
import threading
import time
from collections import defaultdict
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path

import numpy as np

import simulate
from paper_checks.jobs import job
from simulate import Architecture, Hidden, Optimiser, Recall, Training
from tests.paper_checks.jobs.sums import note
from theory import Task

TASK = Task(12, 24, 0.5)
TRAINING = Training(
    Architecture(13, 24, 48, Hidden(192), Hidden(192)),
    Recall.of_task(TASK, count=1),
    Optimiser("SGD", {"lr": 0.03, "momentum": 0.9, "weight_decay": 1e-4}),
    batch=64,
    steps=1,
    seed=0,
)


@job("moments", cost=0.5)
def moments(layer: str, seed: int, log: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of gradients."""
    note(log, f"begin moments-{layer}-{seed} {time.monotonic()}")
    found = simulate.gradient_moments(TASK, layer, 400_000, seed=seed)
    return found.mean, found.variance


@job("trainings", cost=1.0)
def training(steps: int, seed: int, log: str) -> dict[str, np.ndarray]:
    """The weights after a training."""
    note(log, f"begin training-{steps}-{seed} {time.monotonic()}")
    found = simulate.train(Training(**vars(TRAINING) | {"steps": steps, "seed": seed}), progress=False)
    return {name: weight.detach().numpy() for name, weight in found.model.named_parameters()}


@job("key-query steps", cost=0.5, inputs=lambda seed, log: [moments.of("attention_value", seed, log)])
def key_query_step(seed: int, log: str) -> np.ndarray:
    """A key-query gradient at the values of another job."""
    note(log, f"begin step-{seed} {time.monotonic()}")
    mean, _ = moments("attention_value", seed, log)
    return simulate.key_query_moments(TASK, mean, np.full(13, 1 / 13), 50_000, seed=seed).mean


def jobs_of_claims(log):
    """A handful."""
    steps = [key_query_step.of(seed, log) for seed in (1, 2)]
    return [
        *steps,
        *(moments.of(layer, 3, log) for layer in ("feed_forward", "attention_value")),
        *(training.of(40, seed, log) for seed in range(4)),
    ]


class Seen(Executor):
    """An executor whose results are noted with the time at which they are here."""

    def __init__(self, executor):
        self.executor, self.times = executor, {}

    def submit(self, fn, /, *args, **kwargs):
        """See `Executor`."""
        future = self.executor.submit(fn, *args, **kwargs)
        future.add_done_callback(lambda done: self._note(args[0], done))
        return future

    def _note(self, job, done):
        if not done.cancelled() and done.exception() is None:
            self.times[_name(job)] = time.monotonic()


def _name(job):
    *arguments, _ = job.arguments
    short = {"moments": "moments", "training": "training", "key_query_step": "step"}[job.name.partition(":")[2]]
    return "-".join(map(str, [short, *arguments]))


def begun(log):
    """When each job was begun, by its name."""
    times = defaultdict(list)
    for line in Path(log).read_text(encoding="utf-8").splitlines():
        _, _, name, when = line.split()
        times[name].append(float(when))
    return times


def again(log, seen):
    """Jobs that were begun when their result was here already."""
    return [name for name, times in begun(log).items() if name in seen.times and max(times) > seen.times[name]]


class Killer(threading.Thread):
    """Kills workers in the middle of a job: shortly after one has been begun, the process that did, so many times."""

    def __init__(self, log, kills, seed):
        super().__init__(daemon=True)
        self.log, self.left, self.draws = Path(log), kills, random.Random(seed)

    def run(self):
        """Until all were killed."""
        seen = 0
        while self.left:
            time.sleep(0.01)
            lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
            if len(lines) > seen:
                seen = len(lines)
                time.sleep(self.draws.uniform(0, 0.3))
                with suppress(ProcessLookupError):
                    os.kill(int(lines[-1].split()[0]), signal.SIGKILL)
                    self.left -= 1
