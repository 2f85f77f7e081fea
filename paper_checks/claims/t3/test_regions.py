"""T3.5: the phase diagram over noise level and absorption: certified, exact and simulated."""

from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.exact import proved_at, proved_beside_the_boundary
from paper_checks.experiments.key_query import Simulation, check_expansion, check_simulation, direction
from paper_checks.experiments.named import in_words
from theory import Task
from theory.evaluation import alpha
from theory.key_query.certified import certify_absorbed
from theory.key_query.limits import turning_expansion
from theory.key_query.phase_diagram import CONTRASTS, contrast_value, critical_noise_level, uniform_threshold, window
from theory.key_query.step import combine, key_query_parts


@pytest.mark.claims("T3.5")
@pytest.mark.jobs.with_args(lambda n, length: [proved_beside_the_boundary.of(n, length)])
@pytest.mark.parametrize(("n", "length"), [(3, 50), (5, 11), (8, 64), (16, 256), (32, 4096)])
def test_certified_regions(claim: Assertions, n: int, length: int) -> None:
    """Both signs are proved on at least 99 % of the (α, π) square, and agree with the exact boundary π*(α)."""
    width, area, beside = proved_beside_the_boundary(n, length)
    claim.equal(f"smallest box width, N = {n}, T = {length}", Fraction(1, 512), width)
    claim.greater(f"area with both signs proved, N = {n}, T = {length}", area, Fraction(99, 100))
    for contrast, signs in beside.items():
        wrong, undecided = (sum(proved == sign * exact for exact, proved in signs) for sign in (-1, 0))
        claim.less(
            f"undecided of {len(signs)} signs beside π*, {contrast}, N = {n}, T = {length}", undecided, len(signs) / 4
        )
        name = f"{contrast}: wrong ones of {len(signs)} signs at π* ± 2, 8 and 32/512, N = {n}, T = {length}"
        claim.equal(name, 0, wrong)


@pytest.mark.claims("T3.5")
def test_of_what_vanishes_no_sign_is_proved(claim: Assertions) -> None:
    """A contrast that is 0 everywhere is undecided on every interval, down to the smallest."""
    found = certify_absorbed(3, 5, {"nothing": dict.fromkeys(CONTRASTS["attends"], 0)}, depth=5)["nothing"]
    claim.equal("signs of 0", [0] * 2**5, [sign for _, _, sign in found])


def window_width(task: Task) -> float:
    """Width of the window of π in which both hold, 0 if there is none."""
    found = window(task)
    return 0.0 if found is None else found[1] - found[0]


@pytest.mark.claims("T3.5")
def test_window_of_absorption(claim: Assertions) -> None:
    """Both hold for π in one window, whose ends leave α by (1-α)³/(α²N) and (1-α)⁴(1+2α)/(α³N²); on a middle range

    of α there is none, and for T ≫ N² there is one again at tiny α.
    """
    for task in (Task(8, 64, 0.5), Task(16, 256, 0.4), Task(32, 4096, 0.4), Task(101, 10**4, 0.7)):
        found = window(task)
        assert found is not None
        low, high = found
        inside, outside = (low + high) / 2, (low * (1 - 2.0**-40), high * (1 + 2.0**-40))
        for contrast, edge in zip(CONTRASTS, outside, strict=True):
            claim.greater(
                f"{contrast} inside ({low:.6f}, {high:.6f}), {in_words(task)}",
                contrast_value(task, contrast, inside),
                0,
            )
            claim.less(f"and not at its edge, {in_words(task)}", contrast_value(task, contrast, edge), 0, side="beyond")
    for task in (Task(8, 64, 0.1), Task(32, 4096, 0.1)):
        for step in range(17):
            values = [contrast_value(task, contrast, Fraction(step, 16)) for contrast in CONTRASTS]
            claim.less(f"no window at π = {step}/16, {in_words(task)}", min(values), 0, side="beyond")
    for n, short in ((8, 8), (16, 9), (64, 13)):
        for level in (Fraction(1, 10**6), Fraction(1, 1000), Fraction(1, 100), Fraction(1, 10)):
            values = [window_width(Task(n, length, level)) for length in (2 * n, n * n)]
            claim.less(
                f"width of the window at α = {level}, N = {n}, T = 2N and N²",
                max(values),
                0,
                strict=False,
                side="beyond",
            )
        for length in (short, 2 * n * n):  # in short contexts and from T = 2N² on there is one again at tiny α
            width = window_width(Task(n, length, Fraction(1, 10**6)))
            claim.greater(f"width of the window at α = 10⁻⁶, N = {n}, T = {length}", width, 0)
    for task in (Task(8, 1000, 1e-6), Task(16, 4096, 0.001)):
        found = window(task)
        assert found is not None
        values = [contrast_value(task, contrast, sum(found) / 2) for contrast in CONTRASTS]
        claim.greater(f"both in the middle of ({found[0]:.4f}, {found[1]:.4f}), {in_words(task)}", min(values), 0)
    stated = [(1 - alpha) ** 3 / alpha**2]
    check_expansion(claim, "α - π* of attending", turning_expansion("attends", 1), 1, stated)


POINTS = [(level, absorption) for level in (0.15, 0.45, 0.65, 0.9) for absorption in (0.05, 0.25, 0.8, 0.95)]


def point(level: float, absorption: float) -> Simulation:
    """Both contrasts at a point of the square, to 20 %."""
    task = Task(5, 13, level, 2)
    parts = key_query_parts(task)
    exact = np.array([combine(parts, terms).at(level - absorption) for terms in CONTRASTS.values()])
    directions = np.stack([direction(task, terms) for terms in CONTRASTS.values()])
    name = f"contrasts at α = {level}, π = {absorption}, N = 5, T = 13"
    drawn_as = f"contrasts at α={level}, π={absorption}, N=5, T=13"
    return Simulation(name, drawn_as, task, absorption, directions, exact, 0.2)


@pytest.mark.claims("T3.5")
@pytest.mark.jobs.with_args(lambda base_seed: [proved_at.of(POINTS), *(point(*at).job(base_seed) for at in POINTS)])
def test_phase_diagram_simulated(claim: Assertions) -> None:
    """At 16 points of the square both contrasts are estimated to 20 %, which settles both signs."""
    for (level, absorption), proved in zip(POINTS, proved_at(POINTS), strict=True):
        stated, signs = point(level, absorption), np.array([proved[contrast] for contrast in CONTRASTS])
        claim.equal(f"certified signs at α = {level}, π = {absorption}", signs, np.sign(stated.exact).astype(int))
        check_simulation(claim, stated)


@pytest.mark.claims("T3.3")
def test_brackets_are_as_wide_as_asked_for(claim: Assertions) -> None:
    """2^-40, to both sides of the level, though it is found by a guess: no end is the guess itself."""
    for n, length in ((3, 50), (5, 11), (8, 64), (16, 256)):
        low, high = critical_noise_level(n, length)
        claim.equal(f"width, N = {n}, T = {length}", Fraction(1, 2**40), high - low)


@pytest.mark.claims("T3.3")
def test_a_second_level_is_there_in_long_contexts_alone(claim: Assertions) -> None:
    """α_u is none at T = N³ and a bracket at T = 4 N³."""
    for n in (3, 8):
        claim.equal(f"none, N = {n}, T = N³", 1, int(uniform_threshold(n, n**3) is None))
        low, high = uniform_threshold(n, 4 * n**3) or (Fraction(0), Fraction(0))
        claim.less(f"lower end, N = {n}, T = 4 N³", low, high)
        claim.less(f"upper end, N = {n}, T = 4 N³", high, Fraction(1, n**3))
