"""The criterion's parts, bound and limit, as fractions where they can be; and who else says what turns where."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.witnesses.general.enumeration import frequency_part
from paper_checks.witnesses.general.small_laws import small_laws
from theory import Law, Task, gradient_mean, key_query_gradient
from theory.general import WithinSequences, attractions, criterion, decomposition, mix, turns
from theory.general.criterion import answer_parts, gradient_rounding
from theory.general.mixture import _interpolant
from theory.key_query import critical_noise_level
from theory.law import stationary_law

LAWS = small_laws(48, 20)


def dense_law(seed, M=4, **changed):
    """A rational law all of whose probabilities are positive."""
    random = np.random.default_rng(seed)

    def rows(*shape):
        weights = random.integers(1, 20, size=shape).astype(object)
        return weights * Fraction(1) / weights.sum(axis=-1, keepdims=True)

    numbers = {"T": 5, "trigger": 1, "alpha": Fraction(2, 7), "answers": rows(M), "noise": rows(M)} | changed
    return Law(rows(M, M), **numbers)


@pytest.mark.parametrize(("kind", "law"), LAWS, ids=[f"{number} {kind}" for number, (kind, _) in enumerate(LAWS)])
def test_parts_and_bound_as_fractions(kind, law):
    """(35), (36), (39) are exact and (41) is not exceeded, for every feature."""
    inside, parts = WithinSequences.of(law, exact=True), decomposition(law, exact=True)
    assert (parts.frequency == frequency_part(law)).all()
    average = np.repeat((law.answers @ inside.means)[None], law.M, axis=0)
    apart = replace(inside, moments=replace(inside.moments, covariance=0 * inside.moments.covariance))
    pairs = np.concatenate([average[:, : law.M] + average[:, law.M :]] * 2, axis=1)[:, : law.M]
    spread = np.array([inside.moments.covariance[c] @ pairs[c] for c in range(law.M)])
    between = law.answers @ np.concatenate([spread, spread], axis=1) / Fraction(law.T) ** 2
    assert (parts.frequency == law.answers @ apart.applied(average) - between).all()
    rest = law.answers @ inside.applied(answer_parts(law, inside.means))
    assert (rest == parts.answers).all()
    rounding, leading = gradient_rounding(law.in_floats), parts.strength * (law.answers @ apart.applied(average))
    for feature, found in enumerate(attractions(law, np.eye(2 * law.M))):
        assert found.bound == pytest.approx(stated_bound(law, inside, feature) + rounding, rel=1e-6, abs=1e-9)
        assert abs(found.leading - float(leading[feature])) <= rounding
        assert abs(found.gradient - float(parts.gradient[feature])) <= rounding
        assert abs(found.frequency - float(parts.strength * parts.frequency[feature])) <= rounding
        assert abs(float(rest[feature])) <= found.bound
        assert not found.is_decided or found.frequency * parts.gradient[feature] > 0


def stated_bound(law, inside, feature):
    """B of (41), each Σ_c applied to its own vectors as fractions."""
    rest = answer_parts(law, inside.means)
    one = np.repeat(np.eye(2 * law.M, dtype=int)[feature][None], law.M, axis=0)
    products = inside.applied(one)[:, feature] * (rest * inside.applied(rest)).sum(axis=1)
    return sum(float(share) * float(product) ** 0.5 for share, product in zip(law.answers, products, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_what_absorption_takes_away(seed):
    """K - K(absorbed) = Σ_c ρ_c Σ_c G_Vᵀ(p_y - 1/M), which is the noise rows of G_V where the answers are uniform."""
    for answers in (None, [Fraction(k, 10) for k in (1, 2, 3, 4)]):
        law = dense_law(seed, answers=answers)
        values = gradient_mean(law, "attention_value", exact=True)
        seen = (law.output - Fraction(1, law.M)) @ values
        if answers is None:
            assert (seen == law.alpha * law.noise @ values).all()
        inside = WithinSequences.of(law, exact=True)
        part = law.answers @ inside.applied(np.repeat(seen[None], law.M, axis=0))
        difference = key_query_gradient(law, exact=True) - key_query_gradient(law, "absorbed", exact=True)
        assert (part == difference).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_averaged_chain_is_no_mixture(seed):
    """(38): the law of the chain with row q averaged weights each f_c by the mean distance of two triggers."""
    law = dense_law(seed)
    given = np.array([stationary_law(chain) for chain in law.chains])
    averaged = law.chain.copy()
    averaged[law.q] = law.output
    weights = law.answers / given[:, law.q]
    assert (stationary_law(averaged) == weights @ given / weights.sum()).all()
    assert (stationary_law(averaged) != law.answers @ given).any()


def long_run(law):
    """κ C[E(a)] and κ C[P(a)] of (37)."""
    f, chains = np.array([stationary_law(chain) for chain in law.chains]), law.chains
    mixture = law.answers @ f
    before = np.array([(f[c] * mixture) @ chains[c] for c in range(law.M)])  # f_c[a] E[f(z_{t-1}) | z_t = a, c]
    after = f * np.array([chain @ mixture for chain in chains])
    own = f * (mixture - 2 * (f @ mixture)[:, None])
    strength = ((law.output - 1 / law.M) ** 2).sum()
    return strength * law.answers @ np.concatenate([own + before, own + after], axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_long_sequences(seed):
    """C tends to (37), off by a constant over T."""
    law, limit = dense_law(seed).in_floats, long_run(dense_law(seed).in_floats)
    off = []
    for T in (10**3, 10**5):
        found = attractions(replace(law, T=T), np.eye(2 * law.M))
        off.append(T * (np.array([one.frequency for one in found]) - limit))
    assert np.abs(off[1]).max() < 10
    np.testing.assert_allclose(off[0], off[1], rtol=0, atol=0.02 * np.abs(off[1]).max())


@pytest.mark.parametrize("N", [20, 40])
@pytest.mark.parametrize("alpha", [0.1, 0.6])
def test_copying_on_the_uniform_chain(N, alpha):
    """(40): where c is never q, R[P(q)] is that term times 1 - 3/(N+1), at every α and up to an order of 1/T."""
    tokens = np.append(np.ones(N), 0) / N
    answers = np.append(0, np.append(np.ones(N - 1), 0)) / (N - 1)
    rows = np.tile(tokens, (N + 1, 1))
    law = Law(rows, T=10**7, trigger=0, alpha=alpha, first=tokens, answers=answers, noise=N)
    found = criterion(law).follower
    assert found.copying == pytest.approx((1 - alpha) ** 4 / ((N - 1) * (N + 1) ** 2), rel=1e-6)
    assert found.gradient - found.frequency == pytest.approx(found.copying * (1 - 3 / (N + 1)), rel=1e-5)


def test_the_uniform_chain_turns_at_its_critical_level():
    """α_c(16, 256) of T3.3, by exact arithmetic, lies between the proved ends; K[E(τ)] < 0 all along."""
    law = Law.of_task(Task(16, 256, 0.5))
    found = turns(lambda alpha: replace(law.in_floats, alpha=alpha), 0.3, 0.9)
    ((low, high, direction),) = found.follower.exact
    exact = critical_noise_level(16, 256)
    assert low < exact[0] < exact[1] < high and direction == -1
    assert not found.noise.exact


def test_each_point_of_an_interpolant_is_asked_for_once():
    """The 33 that it takes have the first 17 among them."""
    law, asked = Law.of_task(Task(4, 40, 0.5)).in_floats, []
    fit = _interpolant(lambda share: asked.append(share) or replace(law, alpha=0.1 + 0.89 * share))
    assert len(asked) == len(fit.coefficients) == 33


def test_a_family_is_asked_between_its_ends():
    """0.03 + (0.29 - 0.03) is above 0.29."""
    law, asked = dense_law(1).in_floats, []
    turns(lambda alpha: asked.append(alpha) or replace(law, alpha=alpha), 0.03, 0.29)
    assert min(asked) == 0.03 and max(asked) == 0.29


def test_mixtures_end_at_their_laws():
    one, other = dense_law(1), dense_law(2)
    for share, law in ((0, one), (1, other)):
        mixed = mix(one, other, share)
        for name in ("chain", "first", "answers", "noise"):
            np.testing.assert_array_equal(getattr(mixed, name), getattr(law.in_floats, name))
    middle = mix(one, other, 0.25)
    np.testing.assert_allclose(middle.chain, 0.75 * one.in_floats.chain + 0.25 * other.in_floats.chain, rtol=1e-15)


@pytest.mark.parametrize(
    ("share", "changed", "message"),
    [
        (1.5, {}, "share must be"),
        (0.5, {"T": 6}, "same T, got 5 and 6"),
        (0.5, {"alpha": Fraction(1, 2)}, "same alpha"),
        (0.5, {"trigger": 0}, "same trigger, got 1 and 0"),
    ],
)
def test_laws_that_do_not_mix(share, changed, message):
    with pytest.raises(ValueError, match=message):
        mix(dense_law(1), dense_law(2, **changed), share)


def test_bad_directions_and_ranges():
    law = dense_law(1)
    with pytest.raises(ValueError, match=r"directions must have shape \(D, 8\), got \(1, 4\)"):
        attractions(law, np.ones((1, 4)))
    with pytest.raises(TypeError, match="law must be"):
        criterion("law")
    with pytest.raises(ValueError, match="low must be below high"):
        turns(lambda alpha: law, 0.5, 0.5)


def test_a_family_that_jumps_is_refused():
    law = dense_law(1).in_floats
    with pytest.raises(ArithmeticError, match="do not resolve"):
        turns(lambda alpha: replace(law, alpha=0.2 if alpha < 0.5 else 0.9), 0, 1)
