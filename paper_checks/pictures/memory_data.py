"""What the pictures of the memories show, as numbers: theory's, and beside them what numpy or a simulation finds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from paper_checks.evidence import experiment_seed
from paper_checks.experiments import induction as experiments
from paper_checks.experiments.memory import spectra
from simulate import gaussian_grams
from simulate.runtime.arrays import Floats
from theory.birth import accuracy
from theory.birth.three_steps import BASIC, InductionTask, Reads
from theory.birth.weights import population_weights
from theory.memory import spectrum
from theory.memory.gradient_flow import logits, top_space

SIZES = (2, 3, 4, 8)
EXPONENTS = (1, 2, 3, 4, 6, 8)
"""The map draws the lines t* = 10^k for these k."""
NEAR = 0.01
"""Relative distance from a line of the map at which numpy is asked for the top space."""
LATEST = 1e308

READS = {"E1": BASIC, "E1+E": Reads(keys=("E1", "E"))}
WIDTHS = (256, 512, 1024, 2048, 4096)
FRESH = 2**14
"""Sequences on which an accuracy is measured."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Singular values along one flow: theory's at `times`, numpy's at `seen_times`."""

    n: int
    alpha: Fraction
    times: Floats
    correct: Floats
    noise: Floats
    crossing: float
    """t*, or 0."""
    early: str
    late: str
    seen_times: Floats
    seen_correct: Floats
    """Shape (times, n-1)."""
    seen_noise: Floats

    def contradictions(self) -> list[str]:
        """Where numpy's singular values are not theory's, beyond a small multiple of (n+1) roundings of the largest."""
        wrong = []
        for t, noise, correct in zip(self.seen_times, self.seen_noise, self.seen_correct, strict=True):
            exact = spectrum.singular_values(self.n, self.alpha, float(t))
            error = max(abs(noise - exact.noise), np.abs(correct - exact.correct).max())
            if not error <= 16 * (self.n + 1) * np.finfo(np.float64).eps * max(exact):
                wrong.append(f"n = {self.n}, t = {t:.4g}: numpy's singular values are off theory's by {error:.1e}")
        return wrong


def curves(n: int, alpha: Fraction, start: float, end: float, points: int = 48, dots: int = 7) -> Curves:
    """Singular values at `points` times evenly spaced in log t, at t* and where s = 0; `dots` times for numpy."""
    crossing, turning = spectrum.crossing_time(n, alpha), spectrum.positive_noise_time(n, alpha)
    special = [time for time in (crossing, turning) if start < time < end]
    times = np.unique([*np.geomspace(start, end, points), *special])
    found = [spectrum.singular_values(n, alpha, float(t)) for t in times]
    correct, noise = (np.array([getattr(values, name) for values in found]) for name in ("correct", "noise"))
    inner = np.geomspace(start, end, dots + 2)[1:-1]
    seen = spectra(np.stack([logits(n, alpha, float(t)) for t in inner]))
    early, late = spectrum.early_top_space(n, alpha), top_space(n, alpha)
    return Curves(n, alpha, times, correct, noise, crossing, early, late, inner, seen.correct, seen.noise)


def all_curves(alpha: Fraction) -> list[Curves]:
    """`curves` for n in SIZES over one range of times that holds every t*.

    Raises:
        ValueError: a t* exceeds the largest float.
    """
    special = [f(n, alpha) for n in SIZES for f in (spectrum.crossing_time, spectrum.positive_noise_time)]
    start = min([0.1, *(time / 10 for time in special if time)])
    end = min(max(1e5, *(100 * time for time in special)), LATEST)
    return [curves(n, alpha, start, end) for n in SIZES]


class Stretch(NamedTuple):
    """An interval of α at one n, the space on top early and late, and bounds on t*, both 0 where t* = 0."""

    left: float
    right: float
    early: str
    late: str
    least: float
    most: float


@dataclass(frozen=True)
class Row:
    """One n of the map: 1/√(n+1), the α at which t* = t, by ascending α, and checks by numpy beside those lines."""

    n: int
    edge: float
    lines: tuple[tuple[float, float], ...]
    """Pairs (t, α)."""
    checks: int
    contradictions: tuple[str, ...]

    def stretches(self) -> list[Stretch]:
        """The intervals between the lines, over (0, 1)."""
        cuts = {0.0: math.inf, 1.0: math.inf, self.edge: 0.0} | {alpha: t for t, alpha in self.lines}
        ends, found = sorted(cuts), []
        for left, right in pairwise(ends):
            middle = (left + right) / 2
            early, late = spectrum.early_top_space(self.n, middle), top_space(self.n, middle)
            least, most = (0.0, 0.0) if early == late else sorted((cuts[left], cuts[right]))
            found.append(Stretch(left, right, early, late, least, most))
        return found


def row(n: int) -> Row:
    """The lines t* = 10^k, where √(n+1) s - D changes sign in α at fixed t, and numpy's top space beside them."""
    edge = 1 / math.sqrt(n + 1)
    times = [10.0**k for k in EXPONENTS]
    # At n = 3 nothing crosses: the same space is on top at every time, on either side of α = 1/2.
    places = [(t, edge if n == 3 else _level_of_crossing(n, edge, t)) for t in times]
    wrong = []
    for t, alpha in places:
        for side, expected in ((-1, "correct"), (1, "noise")):
            beside = alpha + side * NEAR * min(alpha, 1 - alpha)
            seen = seen_top(n, beside, t)
            if seen != expected:
                wrong.append(f"n = {n}, alpha = {beside:.6g}, t = {t:g}: theory has {expected}, numpy {seen} on top")
    lines = () if n == 3 else tuple(sorted(places, key=lambda place: place[1]))
    return Row(n, edge, lines, 2 * len(places), tuple(wrong))


def _level_of_crossing(n: int, edge: float, t: float) -> float:
    """The α at which t* = t, to 1e-6 in log-odds, in which the gap is nearly linear at late times."""
    far = math.log(t) + 5  # by the late law t* > t there

    def gap(odds: float) -> float:
        return spectrum.singular_gap(n, float(expit(odds)), t)

    return float(expit(brentq(gap, far if n == 2 else -far, logit(edge), xtol=1e-6)))


def seen_top(n: int, alpha: float, t: float) -> str:
    """The space of the largest singular value in numpy's decomposition of W(t)."""
    return "noise" if spectra(logits(n, alpha, t)).gap > 0 else "correct"


class Accuracy(NamedTuple):
    """Accuracy of simulated steps at one width (None: infinite), per draw of embeddings and of sequences."""

    width: int | None
    draws: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the draws."""
        return float(np.mean(self.draws))

    @property
    def standard_error(self) -> float:
        """Of the mean, from the spread of the draws."""
        return float(np.std(self.draws, ddof=1) / len(self.draws) ** 0.5)


@dataclass(frozen=True, eq=False)
class ThreeSteps:
    """Theory's three matrices in the blocks that were learned, rows keys (outputs in W_O), columns queries."""

    task: InductionTask
    keys: str
    blocks: dict[str, Floats]
    """"W_O2[E]" and "W_K2[E1, E]", "W_K2[E, E]" of shape (N, N), "W_K1[P, P]" of shape (T, T)."""
    exact: dict[str, Fraction]
    """Accuracy on the sequence law by what keys read."""
    wrong: int
    """Errors of these weights on FRESH sequences, of those on which theory has none."""
    looked_at: int
    widths: list[Accuracy]

    def contradictions(self) -> list[str]:
        """What a simulation of these weights has against theory."""
        return (
            [f"{self.wrong} of {self.looked_at} sequences that theory recalls were not recalled"] if self.wrong else []
        )


def found_rows(name: str, block: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Columns of a block that have a task, the row of the largest entry in each, and whether it is the right one.

    Token k belongs to token k, position t to position t-1, t >= 2; later positions are not attended to.
    """
    size = len(block)
    if name.startswith("W_K1"):
        columns = np.arange(1, size)
        seen = np.where(np.tri(size, dtype=bool).T, block, -np.inf)
        rows = seen.argmax(axis=0)[1:]
        return columns, rows, rows == columns - 1
    rows = block.argmax(axis=0)
    return np.arange(size), rows, rows == np.arange(size)


def step_sizes(task: InductionTask, keys: str) -> tuple[float, float]:
    """Sizes of the steps on W_K² and W_K¹, times o: those that suffice, or their like where the first trigger fails.

    Raises:
        ValueError: with keys that read E1 and E no step size recalls every sequence, or the match is not learned.
    """
    sufficient = accuracy.sufficient_sizes(task, READS["E1+E"])
    accuracy.basic_accuracy(task)
    if keys == "E1+E":
        return sufficient
    size = experiments.size_of_match(task, 1.01 * 4 / 3 * math.log(task.T - 1), BASIC)
    return size, experiments.sharp_last_size(task, size, BASIC, 12.0, task.T)


def three_steps(
    task: InductionTask, keys: str, draws: int, samples: int, seed: int, advance: Callable[[], None]
) -> ThreeSteps:
    """Theory's matrices for one choice of READS, and simulations of them and of the steps at finite width.

    Args:
        task, keys: the law and the name of what is read.
        draws: simulated runs per width in WIDTHS and at infinite width; 0 for none.
        samples: sequences per simulated gradient.
        seed: base seed.
        advance: called after each simulated run.

    Raises:
        ValueError: no step size builds the head.
    """
    reads, sizes = READS[keys], step_sizes(task, keys)
    blocks = _blocks(task, *sizes, reads)
    model = experiments.population_model(task, *sizes, reads)
    recalled, position = experiments.recalled(model, FRESH, experiment_seed(seed, f"recall {keys}"))
    expected = position >= (2 if keys == "E1" else 1)
    widths: list[Accuracy] = []
    for width in (*WIDTHS, None) if draws else ():
        found = []
        for draw in range(draws):
            found.append(_simulated(task, sizes, reads, width, samples, experiment_seed(seed, f"{width} {draw}")))
            advance()
        widths.append(Accuracy(width, tuple(found)))
    exact = {"E1": accuracy.basic_accuracy(task), "E1+E": Fraction(1)}
    return ThreeSteps(task, keys, blocks, exact, int((~recalled[expected]).sum()), int(expected.sum()), widths)


def _blocks(task: InductionTask, size: float, last: float, reads: Reads) -> dict[str, Floats]:
    N, F = task.N, task.N + task.T
    weights = population_weights(task, size, last, reads)
    blocks: dict[str, Floats] = {"W_O2[E]": weights.W_O[:, :N], "W_K2[E1, E]": weights.W_K2[F : F + N, :N]}
    if "E" in reads.keys:
        blocks["W_K2[E, E]"] = weights.W_K2[:N, :N]
    return blocks | {"W_K1[P, P]": weights.W_K1[N:, N:]}


def _simulated(
    task: InductionTask, sizes: tuple[float, float], reads: Reads, width: int | None, samples: int, seed: int
) -> float:
    grams = None if width is None else gaussian_grams(task.N, task.T, width, seed=seed)
    model = experiments.simulated_model(task, *sizes, reads, samples, seed, grams)
    return float(experiments.recalled(model, FRESH, seed + 9)[0].mean())
