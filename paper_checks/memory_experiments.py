"""What the T4 checks share: memories trained on sampled data, and their singular spaces."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from simulate import Trajectory, gradient_descent, orthonormal_embeddings, stochastic_gradient_descent
from theory.memory_spectrum import crossing_time

from .recorder import experiment_seed

Floats = NDArray[np.float64]

REPLICATES = 12
BATCH = 10**8
SIZES = (2, 3, 4, 5, 8, 64)
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))


def learning_rates(n: int, alpha: float, times: list[float]) -> tuple[Floats, NDArray[np.int64]]:
    """Step sizes whose sums pass through `times` (increasing), and the numbers of steps at which they do.

    Stable: the loss's second derivative is at most 1/(2n), so steps below 4n are; late in training it is 2α(1-α)/n, and
    only then may steps grow to 3/4 of the limit of stability. They start below n/2 and a hundredth of the first time,
    and grow as 2 % of the time, which keeps the path's error small against the spacing of log t.
    """
    rates: list[float] = []
    marks, now = [], 0.0
    for end in times:
        while now < end * (1 - 1e-12):
            most = min(0.75 * n / (alpha * (1 - alpha)), max(0.02 * now, min(n / 2, times[0] / 100)))
            steps = max(1, int(np.ceil((end - now) / most)))
            rate = (end - now) / steps
            rates.append(rate)
            now += rate
        marks.append(len(rates))
        now = end
    return np.array(rates), np.array(marks)


@dataclass(frozen=True)
class Case:
    """One memory, the time of its crossing (0 if there is none), and the times at which it is looked at."""

    n: int
    alpha: float

    @cached_property
    def crossing(self) -> float:
        """t*."""
        return crossing_time(self.n, self.alpha)

    @property
    def times(self) -> list[float]:
        """Half of t* and beyond it; a time of some hundred steps where nothing crosses."""
        if self.crossing == 0:
            return [200.0 * self.n]
        return [self.crossing / 2, self.crossing * (4 if self.crossing < 10**5 else 1.1)]


@cache
def sampled(case: Case, base_seed: int) -> Trajectory:
    """Stochastic gradient descent through the case's times."""
    rates, marks = learning_rates(case.n, case.alpha, case.times)
    seed = experiment_seed(base_seed, f"memory {case}")
    embeddings = orthonormal_embeddings(case.n)
    return stochastic_gradient_descent(
        embeddings, case.alpha, rates, batch=BATCH, replicates=REPLICATES, seed=seed, snapshots=marks, progress=False
    )


@cache
def full_batch(case: Case) -> Trajectory:
    """Gradient descent with the same step sizes."""
    rates, marks = learning_rates(case.n, case.alpha, case.times)
    return gradient_descent(orthonormal_embeddings(case.n), case.alpha, rates, snapshots=marks, progress=False)


@dataclass(frozen=True)
class Spectra:
    """Singular values of memories (..., n+1, n): the noise's (right vector nearest to 1/√n), the others, ascending."""

    noise: Floats
    correct: Floats

    @property
    def gap(self) -> Floats:
        """The noise's singular value minus the mean of the others."""
        gap: Floats = self.noise - self.correct.mean(axis=-1)
        return gap


def spectra(logits: Floats) -> Spectra:
    """By numpy's decomposition of every matrix."""
    _, values, right = np.linalg.svd(logits, full_matrices=False)
    overlap = np.abs(right.sum(axis=-1))
    noise = overlap.argmax(axis=-1)[..., None]
    others = np.sort(np.where(np.arange(values.shape[-1]) == noise, np.inf, values), axis=-1)[..., :-1]
    return Spectra(np.take_along_axis(values, noise, axis=-1)[..., 0], others)


def predicted(logits: Floats) -> Floats:
    """Softmax over outputs, (..., n+1, n)."""
    return np.asarray(softmax(logits, axis=-2))
