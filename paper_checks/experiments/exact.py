"""Exact pieces that checks ask for, as jobs: enumerations, certificates, tables. Comparisons stay in the checks."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from paper_checks.jobs import job
from paper_checks.witnesses import enumeration
from theory import Task
from theory.birth import accuracy
from theory.birth.three_steps import InductionTask, Reads
from theory.key_query.certified import Regions, certify, certify_absorbed
from theory.key_query.phase_diagram import CONTRASTS, ranking_contrasts
from theory.key_query.step import combine, key_query_parts
from theory.memory import gradient_flow as flow
from theory.memory import spectrum
from theory.one_step import sample_complexity

from .induction import size_of_match
from .memory import spectra


@job("enumerations", cost=0.6)
def enumerated_steps(tasks: list[Task]) -> list[list[np.ndarray]]:
    """K of every task, at uniform p, absorbed p and π = 1/5, by brute force."""
    return [
        [enumeration.key_query_gradient(task, share) for share in (None, Fraction(task.alpha), Fraction(1, 5))]
        for task in tasks
    ]


class Proved(NamedTuple):
    """Of a subdivision: its smallest width, the area with both signs proved, and (exact, proved) signs by contrast."""

    width: Fraction
    area: Fraction
    signs: dict[str, list[tuple[int, int]]]


@job("certificates", cost=0.4)
def proved_beside_the_boundary(n: int, length: int) -> Proved:
    """The square of (α, π) subdivided until both signs are proved, to 1/512; see `signs_beside_the_boundary`."""
    regions = certify(n, length)
    width = min(box.width for box in regions.boxes)
    return Proved(width, regions.decided(), signs_beside_the_boundary(regions))


def signs_beside_the_boundary(regions: Regions) -> dict[str, list[tuple[int, int]]]:
    """(exact, proved) signs at π* ± 2, 8 and 32/512 inside the square, at 32 noise levels."""
    found: dict[str, list[tuple[int, int]]] = {contrast: [] for contrast in CONTRASTS}
    for level in (Fraction(2 * column + 1, 64) for column in range(32)):
        classes = key_query_parts(Task(regions.N, regions.T, level))
        for contrast, terms in CONTRASTS.items():
            parts = combine(classes, terms)
            for steps in (-32, -8, -2, 2, 8, 32):
                absorption = float(level) + parts.in_context / parts.noise + steps / 512
                if 0 < absorption < 1:
                    exact = int(np.sign(parts.at(float(level) - absorption)))
                    found[contrast].append((exact, regions.box_at(level, Fraction(absorption)).signs[contrast]))
    return found


@job("certificates", cost=0.2)
def proved_at(points: list[tuple[float, float]]) -> list[dict[str, int]]:
    """The proved sign of each contrast at each point of the square, N = 5, T = 13."""
    regions = certify(5, 13)
    return [dict(regions.box_at(Fraction(level), Fraction(absorption)).signs) for level, absorption in points]


class Crossing(NamedTuple):
    """Of one memory: its top space at late times, t* (0 if nothing crosses), and (whether after t*, t, σ - D)."""

    top: str
    time: float
    gaps: list[tuple[bool, float, float]]


@job("exact tables", cost=0.35)
def gaps_beside_crossings(n: int, levels: tuple[float, ...]) -> list[Crossing]:
    """Of the flow at these noise levels, by numpy's decomposition, close to t* on both sides and far from it."""
    found = []
    for alpha in levels:
        top, crossing = flow.top_space(n, alpha), spectrum.crossing_time(n, alpha)
        late = [factor * max(crossing, 1.0) for factor in (1e2, 1e5, 1e8)]
        seen = {True: [1.001 * crossing if crossing else 0.001, *late], False: [0.999 * crossing, 0.01 * crossing]}
        looks = [(after, t) for after, times in seen.items() for t in times if after or crossing]
        gaps = [(after, t, float(spectra(flow.logits(n, alpha, t)).gap)) for after, t in looks]
        found.append(Crossing(top, crossing, gaps))
    return found


@job("exact tables", cost=0.3)
def score_gaps(tasks: list[InductionTask], read: tuple[Reads, ...]) -> list[list[np.ndarray]]:
    """Equation (5) of B3's accuracy, for every task and choice of what is read."""
    return [[accuracy.score_gaps(task, reads) for reads in read] for task in tasks]


@job("exact tables", cost=0.6)
def wrong_rows(
    tasks: list[InductionTask], matches: tuple[float, ...], read: tuple[Reads, ...]
) -> list[list[list[int]]]:
    """Rows of W_K¹ that do not find the previous token, for every task: by what is read, then by the match."""
    return [
        [accuracy.wrong_rows(task, size_of_match(task, match, reads), reads) for reads in read for match in matches]
        for task in tasks
    ]


@job("certificates", cost=0.4)
def ranked_up_to(sizes: tuple[tuple[int, int], ...]) -> list[Fraction]:
    """For every (N, T) the noise level up to which followers of the trigger are proved to rank first at absorbed p."""
    found = []
    for n, length in sizes:
        contrasts = {"K[P(q)]": CONTRASTS["attends"]} | ranking_contrasts(Task(n, length, Fraction(1, 2)))
        regions = certify_absorbed(n, length, contrasts)
        found.append(min(map(_proved_to, regions.values())))
    return found


def _proved_to(intervals: list[tuple[Fraction, Fraction, int]]) -> Fraction:
    """The level up to which intervals of a positive sign follow each other from 0 on."""
    reached = Fraction(0)
    for low, high, sign in intervals:
        if low != reached or sign <= 0:
            break
        reached = high
    return reached


@job("exact tables", cost=0.4)
def in_context_signals(tasks: list[Task]) -> list[dict[tuple[str, str], float]]:
    """Signed squared signal-to-noise ratios of T2.5's pairs."""
    return [sample_complexity.in_context_signal_to_noise(task) for task in tasks]
