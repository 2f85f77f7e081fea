"""Noise levels, margins, copying, signals and sample counts of laws: their parts, their edges and what is refused."""

from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy

from theory import Law, Task
from theory.general import between_triggers, copying, counts, margins, samples, signal
from theory.general.levels import CELLS, Interpolant, _changes, chebyshev_levels, exact_sign_changes, levels_with_ends

THIRD = Fraction(1, 3)
CYCLE = [[0, 1, 0, 0], [0, 0, 1, 0], [THIRD, 0, THIRD, THIRD], [1, 0, 0, 0]]
LAW = Law(CYCLE, T=9, trigger=0, alpha=Fraction(2, 5), first=[0, THIRD, 2 * THIRD, 0], noise=3)
ABSORBING = Law([[0, 1, 0], [0, 1, 0], [1, 0, 0]], T=5, trigger=0, alpha=0.3, first=[1, 0, 0], noise=2)


def random_law(M, T, seed, noise=0):
    draws = np.random.default_rng(seed)
    return Law(draws.dirichlet(np.ones(M), size=M), T=T, trigger=1, alpha=0.3, noise=noise)


def polynomial(roots):
    found = flint.fmpq_poly([1])
    for root in roots:
        found *= flint.fmpq_poly([-flint.fmpq(root.numerator, root.denominator), 1])
    return found


def test_exact_changes_are_those_of_the_roots():
    """A double root and roots outside (0, 1) are no changes."""
    roots = [Fraction(1, 7), Fraction(1, 2), Fraction(1, 2), Fraction(6, 7), Fraction(3, 2), Fraction(-1, 2)]
    found = polynomial(roots)
    changes = exact_sign_changes([found], lambda at: found(flint.fmpq(at.numerator, at.denominator)) > 0)
    assert [change.direction for change in changes] == [1, -1]
    for change, root in zip(changes, (Fraction(1, 7), Fraction(6, 7)), strict=True):
        assert change.low < root < change.high
        assert change.high - change.low <= Fraction(1, 2**60)


POINTS = pytest.mark.parametrize(
    ("levels_of", "through"),
    [(chebyshev_levels, Interpolant.of), (levels_with_ends, Interpolant.with_ends)],
    ids=["inside", "with ends"],
)


@POINTS
def test_certified_changes_are_those_of_the_roots(levels_of, through):
    levels = levels_of(8)
    values = np.array([(levels - 0.2) * (levels - 0.5) * (levels - 0.9), 1 + levels, 0.3 - levels]).T
    fit = through(values, 1e-14)
    found = fit.refined(fit.sign_changes())
    assert [[change.direction for change in one] for one in found] == [[1, -1, 1], [], [-1]]
    for change, root in zip(found[0] + found[2], (0.2, 0.5, 0.9, 0.3), strict=True):
        assert root - 1e-11 < change.low < root < change.high < root + 1e-11


@POINTS
@pytest.mark.parametrize("power", [2, 3])
def test_roots_that_are_met_flatly_are_not_certified(power, levels_of, through):
    values = (levels_of(8)[:, None] - 0.4) ** power
    assert through(values, 1e-14).sign_changes() == [None]


@POINTS
def test_polynomials_of_lower_degree_are_met_within_the_error(levels_of, through):
    for points in (2, 5, 17):
        values = np.array([levels_of(points) ** power for power in range(points)]).T
        fit = through(values, 0.0)
        for level in np.linspace(0, 1, 23):
            assert (abs(fit.at(np.full(points, level)) - level ** np.arange(points)) <= fit.error).all()


def test_points_with_ends_are_among_those_of_twice_as_many_cells():
    assert abs(levels_with_ends(17) - levels_with_ends(33)[::2]).max() <= 2.0**-53


def test_what_may_lie_within_the_error_is_not_certified():
    assert Interpolant.of(np.full((8, 1), 1e-9), 1e-8).sign_changes() == [None]


def test_laws_of_tokens_are_those_of_the_counts():
    for law in (LAW, random_law(6, 40, 1)):
        exact = [law.is_exact] * law.is_exact + [False]
        for flag in exact:
            found, stated = between_triggers.token_laws(law, flag), counts.count_moments(law, flag)
            for one, other in ((found.visits, stated.mean), (found.last, stated.last)):
                assert np.abs((one - other).astype(float)).max() <= (0 if flag else 1e-12)
    polynomials = between_triggers.polynomial_laws(LAW)
    at = np.frompyfunc(lambda entry: entry(flint.fmpq(2, 5)), 1, 1)
    assert (counts.fractions(at(polynomials.visits)) == between_triggers.token_laws(LAW, exact=True).visits).all()
    assert (counts.fractions(at(polynomials.last)) == between_triggers.token_laws(LAW, exact=True).last).all()


def test_long_sequences_are_left_to_the_counts():
    law = random_law(4, between_triggers.POSITIONS, 2)
    near, far = (between_triggers.token_laws(replace(law, T=law.T + more)) for more in (0, 1))
    np.testing.assert_allclose(near.last, far.last, rtol=1e-9)
    np.testing.assert_allclose(far.last, between_triggers.long_run_shares(law), rtol=1e-9)
    low, high = (margins.noise_threshold(replace(law, T=law.T + more)) for more in (0, 1))
    assert low == pytest.approx(high, rel=1e-8)
    with pytest.raises(ValueError, match=r"T must be at most 4096 .* got 4097"):
        margins.margin_sign_changes(replace(law, T=law.T + 1))


def test_visits_between_triggers_are_first_passages():
    """V by its definition: one step on from each token, in fractions."""
    visits = between_triggers.visits_between_triggers(LAW)
    onward = np.array(CYCLE, dtype=object) @ np.where(np.arange(4)[:, None] == 0, 0, visits)
    for z in (1, 2, 3):
        assert (visits[z, 1:] == np.eye(4, dtype=int)[z, 1:] + onward[z, 1:]).all()
    assert visits[0].tolist() == [1, 0, 0, 0]
    assert visits[:, 0].tolist() == [1] * 4
    long = counts.count_moments(replace(LAW, T=60000).in_floats).mean / 60000
    np.testing.assert_allclose(between_triggers.long_run_shares(LAW).astype(float), long, atol=1e-3)


@pytest.mark.parametrize("function", [between_triggers.visits_between_triggers, margins.limiting_noise_margins,
                                      copying.limiting_lifts, signal.limiting_copying_signal])  # fmt: skip
def test_chains_that_need_not_meet_the_trigger_have_no_long_run(function):
    with pytest.raises(ValueError, match="law must have a chain that leads to the trigger from every token"):
        function(ABSORBING)


def test_sequences_that_cannot_occur_have_no_margin():
    law = replace(ABSORBING, T=2)
    assert np.isnan(margins.noise_margins(law)).tolist() == [False, True, True]
    exact = Law([[0, 1, 0], [0, 1, 0], [1, 0, 0]], T=2, trigger=0, alpha=THIRD, first=[1, 0, 0], noise=2)
    assert [margin is None for margin in margins.noise_margins(exact, exact=True)] == [False, True, True]


@pytest.mark.parametrize("function", [margins.noise_margins, margins.threshold_bounds, margins.noise_threshold,
                                      margins.margin_sign_changes, samples.noise_samples])  # fmt: skip
def test_noise_that_leaves_no_token_out_has_no_margin(function):
    with pytest.raises(ValueError, match="noise must leave a token out"):
        function(random_law(3, 5, 3, noise=[0.2, 0.3, 0.5]))


def test_floats_have_the_thresholds_of_fractions():
    """One noise token and two; by certified floats, by roots of polynomials, and by bisection."""
    for noise in (3, [0, 0, THIRD, 2 * THIRD]):
        law = replace(LAW, noise=noise)
        (exact,), (certified,) = margins.margin_sign_changes(law), margins.margin_sign_changes(law.in_floats)
        assert certified.low <= exact.low
        assert exact.high <= certified.high
        for found in (law, law.in_floats):
            low, high = margins.noise_threshold(found, bits=30)
            assert low <= exact.high
            assert exact.low <= high
            assert high - low < 1e-7


def test_a_law_without_ordinary_answers_has_no_threshold():
    """Whoever is the answer is the noise: no other token leads at any level."""
    law = replace(LAW, answers=[0, 0, 0, 1])
    assert margins.threshold_bounds(law) == margins.noise_threshold(law) == (0, 0)
    assert margins.margin_sign_changes(law) == []


def test_copying_levels_of_floats_are_those_of_fractions():
    for exact, found in zip(copying.copying_levels(LAW), copying.copying_levels(LAW.in_floats), strict=True):
        assert len(exact) == len(found)
        for one, other in zip(exact, found, strict=True):
            assert one.direction == other.direction
            assert max(one.low, other.low) <= min(one.high, other.high)


def test_the_uniform_task_has_the_golden_level():
    """(27) at r = Mρ = 1 for N → ∞."""
    law = Law.of_task(Task(200, 2, 0.5))
    found = copying.approximate_copying_levels(law, np.ones(law.M))
    assert found[1] == pytest.approx((3 - 5**0.5) / 2, abs=1 / 200)
    assert np.isnan(found[-1])


def test_a_constant_gradient_has_no_signal_to_noise_ratio():
    law = replace(ABSORBING, alpha=1.0)
    assert np.isnan(signal.signal_to_noise(law, "feed_forward")[0, law.q])
    assert np.isinf(signal.signal_bound(law)[2])


@pytest.mark.parametrize("rate", [0, 1, 1.5, float("nan")])
def test_rates_are_between_0_and_1(rate):
    for call in (lambda: samples.noise_samples(LAW, rate), lambda: samples.answer_samples(LAW, 1, rate)):
        with pytest.raises(ValueError, match="rate must be a real number in"):
            call()


def test_no_number_of_samples_helps_below_the_threshold():
    low, _ = margins.noise_threshold(LAW)
    assert samples.noise_samples(replace(LAW, alpha=low)) == (0, None)
    few, enough = samples.noise_samples(replace(LAW, alpha=Fraction(9, 10)))
    assert 0 <= few < enough


def test_an_answer_that_is_no_target_needs_more_than_any_number():
    law = replace(LAW, answers=[0, 0, 1, 0])
    assert samples.answer_samples(law, 1).enough is None


def test_causes_of_a_copying_signal():
    """(22) is mean²/variance of (7) at (k, E(k)), k no noise; (20) the same for a feature that is always 1."""
    M, u, m, lift, v, sigma = sympy.symbols("M u m lambda v sigma", positive=True)
    first, second = m, m**2 * (1 + v)  # E[f | c=k], E[f² | c=k]
    mean = u * first - first / lift / M
    variance = (1 - 2 / M) * u * second + second / sigma / M**2 - mean**2
    leading = u * (1 - 1 / (M * u * lift)) ** 2 / (1 + v)
    stated = leading / (1 + 1 / (M**2 * u * sigma) - 2 / M - leading)
    assert sympy.simplify(mean**2 / variance - stated) == 0
    always = (mean**2 / variance).subs({lift: 1, v: 0, sigma: 1})  # f = 1, u the target's probability
    assert sympy.simplify(always - u / (1 - u) * (1 - 1 / (M * u)) ** 2) == 0


def test_level_of_copying_without_memory():
    """(27) solves (1-α) M ρ (1 + (1-α) r) = 1 in (0, 1), and is (3-√5)/2 at M ρ = r = 1."""
    r, weight = sympy.symbols("r w", positive=True)
    kept = (sympy.sqrt(1 + 4 * r / weight) - 1) / (2 * r)  # 1 - α*
    assert sympy.simplify(weight * kept * (1 + r * kept) - 1) == 0
    assert sympy.simplify((1 - kept).subs({r: 1, weight: 1}) - (3 - sympy.sqrt(5)) / 2) == 0


def test_where_signals_are_as_strong_in_the_limit():
    """(23): u/(1-u) = α/(1-α) at u = (1-α)/A."""
    level, answers = sympy.symbols("alpha A", positive=True)
    u = (1 - level) / answers
    difference = sympy.factor(u / (1 - u) - level / (1 - level))
    roots = sympy.solve(sympy.numer(difference), level)
    assert {sympy.simplify(root) for root in roots} - {1} == {1 / (answers + 1)}


@pytest.mark.parametrize("number", [28, 30])
def test_failures_that_are_proved_are_no_fewer_than_the_exact_ones(number):
    """(31): pairs whose exact chance is not computed enter by their bound."""
    answers = 1 / np.arange(1, 13) ** 3.0
    law = Law(np.full((13, 13), 1 / 13), T=9, trigger=0, alpha=0.6, answers=[*answers / answers.sum(), 0.0], noise=12)
    steps = samples.NoiseSteps.of(law)
    bounds = steps.bounds(number)
    every = np.ones(bounds.shape, dtype=bool)
    exact = steps.tails(number, every).reshape(bounds.shape).sum(axis=1)  # for each token that can come before
    assert (bounds <= 1e-7).any() and (bounds > 1e-7).any()
    over = steps.most_failures(number, 0.0) - exact
    assert ((over >= 0) & (over <= bounds.shape[1] * 1e-7)).any()


def test_changes_from_what_is_certain_in_each_cell():
    """A function above 0 on both sides of cells that do not tell has no change there; one that rises from above, with
    an end that does not tell, has no certain one; from below it has."""
    cells = np.arange(CELLS)
    rising = steep = np.ones(CELLS, dtype=bool)

    def found(above, uncertain, ends):
        return _changes(above, ~uncertain, rising, steep, ends)

    middle, last = cells == 9, cells == CELLS - 1
    assert found(cells >= 0, middle, (1, 1)) == []
    assert found(cells >= 0, last, (1, 0)) is None
    assert [one.direction for one in found(cells > 9, middle, (-1, 1))] == [1]
    assert [one.direction for one in found(cells < 0, last, (-1, 0))] == [1]
