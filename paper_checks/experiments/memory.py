"""What the T4 checks share: memories trained on sampled data, their spreads, and their singular spaces."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.design import told
from paper_checks.jobs import job
from simulate import (
    AssociativeMemory,
    Trajectory,
    gaussian_embeddings,
    gradient_descent,
    orthonormal_embeddings,
    remove_direction,
    stochastic_gradient_descent,
)
from simulate.runtime.arrays import Floats
from theory.memory.sampling_noise import Moments, average_covariance
from theory.memory.spectrum import crossing_time

REPLICATES = 32
FEWER_REPLICATES = 12
"""Of runs with more than 100 entries, whose singular values are averages over many."""
SPREAD_REPLICATES = 2**12
"""Of runs whose spread is compared: a variance is then known to 2.2 %."""
BATCH = 10**4
LATEST_CROSSING = 10**5
"""Later ones take too many steps to be sampled: of `SIZES` and `LEVELS`, n = 4 with α = 0.05 and 0.1."""
SIZES = (2, 3, 4, 5, 8, 64)
TIE = (3, 0.5)
"""n and α at which all singular values are equal."""
LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))


def learning_rates(n: int, alpha: float, times: list[float]) -> tuple[Floats, NDArray[np.int64]]:
    """Step sizes whose sums pass through `times` (increasing), and the numbers of steps at which they do.

    Stable: the loss's second derivative is at most 1/(2n), so steps below 4n are; late in training it is 2α(1-α)/n, and
    only then may steps grow to 1/5 of the limit of stability, where the noise of `BATCH` pairs stays small. They start
    below n/2 and a hundredth of the first time, and grow as 2 % of the time, which keeps the path's error small against
    the spacing of log t.
    """
    rates: list[float] = []
    marks, now = [], 0.0
    for end in times:
        while now < end * (1 - 1e-12):
            most = min(0.2 * n / (alpha * (1 - alpha)), max(0.02 * now, min(n / 2, times[0] / 100)))
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
        """Half of t* and twice it; a time of some hundred steps where nothing crosses."""
        if self.crossing == 0:
            return [200.0 * self.n]
        return [self.crossing / 2, 2 * self.crossing]

    @property
    def replicates(self) -> int:
        """Of sampled training; 0 where the crossing is too late for it."""
        if self.crossing > LATEST_CROSSING:
            return 0
        return REPLICATES if self.n <= 8 else FEWER_REPLICATES


def _steps(case: "Case") -> int:
    return len(learning_rates(case.n, case.alpha, case.times)[0])


def _sampling_cost(case: "Case", base_seed: int, replicates: int = 0) -> float:
    return 1e-3 + _steps(case) * (3e-5 + 1.1e-8 * (replicates or case.replicates) * case.n * (case.n + 8))


@job("memories", cost=_sampling_cost)
def sampled(case: Case, base_seed: int, replicates: int = 0) -> Trajectory:
    """Stochastic gradient descent through the case's times, `BATCH` pairs per step; 0: as many replicates as it has."""
    rates, marks = learning_rates(case.n, case.alpha, case.times)
    seed = experiment_seed(base_seed, f"memory {case}")
    return _descent(case, rates, marks, BATCH, replicates or case.replicates, seed)


def _descent(
    case: "Case | EqualSteps", rates: Floats, marks: NDArray[np.int64], batch: int, replicates: int, seed: int
) -> Trajectory:
    return stochastic_gradient_descent(
        orthonormal_embeddings(case.n), case.alpha, rates, batch=batch, replicates=replicates, seed=seed,
        snapshots=marks, progress=False,
    )  # fmt: skip


@dataclass(frozen=True)
class EqualSteps:
    """A memory trained with batches of any size and equal steps to time 3n, looked at there and at time n."""

    n: int
    alpha: float
    batch: int
    rate: float

    @property
    def schedule(self) -> tuple[Floats, NDArray[np.int64]]:
        """As of `learning_rates`."""
        first = round(self.n / self.rate)
        return np.full(3 * first, self.n / first), np.array([first, 3 * first])


@job("memories", cost=0.3)
def equally_sampled(case: EqualSteps, base_seed: int) -> Trajectory:
    """`SPREAD_REPLICATES` independent runs."""
    rates, marks = case.schedule
    return _descent(case, rates, marks, case.batch, SPREAD_REPLICATES, experiment_seed(base_seed, f"batches {case}"))


def value_averages(logits: Floats) -> Floats:
    """Averages over the entries a (correct), b (other), s (noise) of memories (..., n+1, n), shape (..., 3)."""
    n = logits.shape[-1]
    a, s = np.einsum("...xx->...", logits[..., :n, :]) / n, logits[..., n, :].mean(axis=-1)
    b = (logits[..., :n, :].sum(axis=(-1, -2)) / n - a) / (n - 1)
    return np.stack([a, b, s], axis=-1)


def squares(logits: Floats) -> dict[str, Floats]:
    """Squared deviations from the mean over R >= 2 replicates, whose means estimate variances, shape (R,) each.

    Of entries of one column, averaged over the columns, and (with bars) of averages over all columns.
    """
    R, _, n = logits.shape
    deviations = (logits - logits.mean(axis=0)) * (R / (R - 1)) ** 0.5
    a, s = np.einsum("rxx->rx", deviations[:, :n]), deviations[:, n]
    others = ((deviations[:, :n] ** 2).sum(axis=(1, 2)) - (a**2).sum(axis=1)) / (n * (n - 1))
    entries = {"a": (a**2).mean(axis=1), "b": others, "s": (s**2).mean(axis=1), "a - s": ((a - s) ** 2).mean(axis=1)}
    mean_a, mean_s = a.mean(axis=1), s.mean(axis=1)
    return entries | {"ā": mean_a**2, "s̄": mean_s**2, "ā - s̄": (mean_a - mean_s) ** 2}


def stated_variances(moments: Moments, snapshot: int) -> dict[str, float]:
    """What `squares` estimates, by theory."""
    n, own = moments.path.shape[-1] - 1, moments.own[snapshot]
    entries, averages = own[np.ix_([0, 1, n], [0, 1, n])], average_covariance(moments)[snapshot]
    directions = {"a": (1, 0, 0), "b": (0, 1, 0), "s": (0, 0, 1), "a - s": (1, 0, -1)}
    bars = {"ā": (1, 0, 0), "s̄": (0, 0, 1), "ā - s̄": (1, 0, -1)}
    return {name: float(np.array(v) @ entries @ v) for name, v in directions.items()} | {
        name: float(np.array(v) @ averages @ v) for name, v in bars.items()
    }


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
    return _spectra(values, np.abs(right.sum(axis=-1)).argmax(axis=-1))


def _spectra(values: Floats, noise: NDArray[np.int64]) -> Spectra:
    """From the singular values and the noise's place among them."""
    at = noise[..., None]
    others = np.sort(np.where(np.arange(values.shape[-1]) == at, np.inf, values), axis=-1)[..., :-1]
    return Spectra(np.take_along_axis(values, at, axis=-1)[..., 0], others)


class Decomposed(NamedTuple):
    """Of the runs of a case: the gap of `Spectra`, shape (S, R), and how many inputs are not recalled without the one
    singular direction of the noise (at a tie of all singular values: without 1/√n)."""

    gap: Floats
    forgotten: int


@job("memories", cost=lambda n, levels, base_seed: len(levels) * (0.08 if n > 8 else 0.02))
def decomposed(n: int, levels: tuple[float, ...], base_seed: int) -> dict[float, Decomposed]:
    """Sampled training at these noise levels, where it is not too long, and every memory's decomposition, made once."""
    found = {}
    for case in (Case(n, alpha) for alpha in levels):
        if not case.replicates:
            continue
        logits = sampled(case, base_seed).logits
        left, values, right = np.linalg.svd(logits, full_matrices=False)
        noise = np.abs(right.sum(axis=-1)).argmax(axis=-1)
        gap = _spectra(values, noise).gap
        if (case.n, case.alpha) == TIE:  # no basis of the singular space is meant: the direction is 1/√n itself
            kept = logits - logits.mean(axis=-1, keepdims=True)
        else:
            values[(*np.indices(noise.shape), noise)] = 0
            kept = (left * values[..., None, :]) @ right
        found[case.alpha] = Decomposed(gap, int((kept.argmax(axis=-2) != np.arange(n)).sum()))
    return found


@job("memories", cost=0.3)
def recalled_draws(n: int, dimension: int, alpha: float, expected: int, most: int, base_seed: int) -> Floats:
    """Whether a memory with Gaussian embeddings recalls every input, 0 or 1 for each draw, until their rate is told
    from 1/2, of `most` draws at most; at α = 1/2 without the direction nearest to the noise."""
    rates, _ = learning_rates(n, alpha, [1e3])

    def draws() -> Iterator[float]:
        for draw in range(most):
            seed = experiment_seed(base_seed, f"embeddings {dimension} {draw}")
            embeddings = gaussian_embeddings(n, dimension, seed=seed).reduced()
            W = gradient_descent(embeddings, alpha, rates, progress=False).model(0).W.detach().numpy()
            if alpha == 0.5:
                left, _, right = np.linalg.svd(W, full_matrices=False)
                W = remove_direction(W, right[abs(left.T @ embeddings.outputs.numpy()[n]).argmax()])
            answers = AssociativeMemory(embeddings, W).logit_matrix().argmax(dim=0).numpy()
            yield float((answers == np.arange(n)).all())

    return told(draws(), 0.5, expected, most)


def predicted(logits: Floats) -> Floats:
    """Softmax over outputs, (..., n+1, n)."""
    return np.asarray(softmax(logits, axis=-2))
