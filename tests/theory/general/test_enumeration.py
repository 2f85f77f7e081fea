"""Every law against the enumeration of its samples: equality of fractions on small laws of every kind."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import theory
from paper_checks.witnesses.general import enumeration, programme
from paper_checks.witnesses.general.small_laws import KINDS, small_laws
from theory import general
from theory.general.margins import noise_margins

LAWS = small_laws(27 * len(KINDS), seed=20)
OF_KIND = {kind: [law for other, law in LAWS if other == kind] for kind in KINDS}
EACH_KIND = pytest.mark.parametrize("laws", OF_KIND.values(), ids=OF_KIND.keys())


def test_small_laws_are_many_and_of_every_size_and_kind():
    assert len(LAWS) >= 300 and {(law.M, law.T) for _, law in LAWS} == {(M, T) for M in (2, 3, 4) for T in range(2, 7)}
    assert all(law.is_exact for _, law in LAWS) and min(Counter(kind for kind, _ in LAWS).values()) == 27
    assert [str(law) for _, law in LAWS[:24]] == [str(law) for _, law in small_laws(24, seed=20)]
    assert any((law.noise > 0).all() for _, law in LAWS) and any(law.noise[law.q] for _, law in LAWS)
    for law in OF_KIND["the trigger is never reached"]:
        assert not enumeration.count_moments(law, law.q)[0][law.q]


@EACH_KIND
def test_gradients(laws):
    for law in laws:
        for layer in theory.LAYERS:
            mean, variance = enumeration.gradient_moments(law, layer)
            assert (mean == theory.gradient_mean(law, layer, exact=True)).all(), law
            assert (variance == theory.gradient_variance(law, layer, exact=True)).all(), law


@EACH_KIND
def test_key_query_step(laws):
    """At uniform p, at the law of y, and at output probabilities of any kind."""
    random = np.random.default_rng(21)
    for law in laws:
        counts = random.multinomial(5, np.full(law.M, 1 / law.M))
        for output in (None, "absorbed", [Fraction(int(count), 5) for count in counts]):
            expected = enumeration.key_query_gradient(law, output)
            assert (theory.key_query_gradient(law, output, exact=True) == expected).all(), (law, output)


@EACH_KIND
def test_frequency_and_answers(laws):
    """K = κ C + R, where κ and C are what the samples have; absorbed K does without κ C."""
    for law in laws:
        parts = general.decomposition(law, exact=True)
        assert parts.strength == sum((enumeration.output_law(law) - Fraction(1, law.M)) ** 2)
        assert (parts.frequency == enumeration.frequency_part(law)).all(), law
        assert (parts.gradient == enumeration.key_query_gradient(law)).all(), law


@EACH_KIND
def test_counts_given_each_correct_token(laws):
    """Those of probability 0 included, as what is shared over answers must hold for all of them."""
    for law in laws:
        found = general.count_moments(law, exact=True)
        for c in range(law.M):
            mean, last, covariance = enumeration.count_moments(law, c)
            assert (mean == found.mean[c]).all() and (last == found.last[c]).all(), (law, c)
            assert (covariance == found.covariance[c]).all(), (law, c)


@EACH_KIND
def test_noise_margins(laws):
    """For every token that occurs before the last trigger, and for no other."""
    for law in laws:
        if (law.noise > 0).all():
            for margins_of in (enumeration.noise_margins, noise_margins):
                with pytest.raises(ValueError, match="noise must leave a token out"):
                    margins_of(law)
            continue
        expected = enumeration.noise_margins(law)
        assert list(noise_margins(law, exact=True)) == [expected.get(j) for j in range(law.M)], law


@EACH_KIND
def test_floats_are_the_fractions_within_their_rounding(laws):
    """The same laws at T = 97, far beyond enumeration, in both arithmetics."""
    for law in laws[::9]:
        longer = replace(law, T=97)
        exact, found = general.count_moments(longer, exact=True), general.count_moments(longer)
        pairs = zip((exact.mean, exact.last, exact.covariance), (found.mean, found.last, found.covariance), strict=True)
        for (fraction, value), scale in zip(pairs, (97, 1, 97**2), strict=True):
            assert abs(fraction.astype(float) - value).max() <= (found.rounding + 1e-16) * scale, law


@EACH_KIND
@pytest.mark.parametrize("precision", [programme.EXTENDED, programme.FLOAT64], ids=str)
def test_programme_is_the_enumeration_within_its_rounding(laws, precision):
    """Its sums have positive terms alone, so that each is within the stated bound, relative to itself."""
    for law in laws[::3]:
        found, bound = programme.counts(law, precision), programme.rounding(law, precision)
        for c in range(law.M):
            mean, last, covariance = enumeration.count_moments(law, c)
            product = covariance + mean[:, None] * mean[None, :]
            for sums, exact in ((found.mean[c], mean), (found.last[c], last), (found.product[c], product)):
                expected = programme.as_reals(exact)
                assert (abs(sums - expected) <= bound * expected).all(), (law, c)


@EACH_KIND
def test_programme_combines_as_defined(laws):
    for law in laws[::3]:
        for layer in theory.LAYERS:
            pairs = zip(programme.gradient_moments(law, layer), enumeration.gradient_moments(law, layer), strict=True)
            for found, exact in pairs:
                assert (abs(found - programme.as_reals(exact)) <= 4 * programme.rounding(law)).all(), law
        for output in (None, "absorbed"):
            expected = programme.as_reals(enumeration.key_query_gradient(law, output))
            allowed = 4 * programme.rounding(law) * programme.key_query_scale(law, output)
            assert (abs(programme.key_query_gradient(law, output) - expected) <= allowed).all(), (law, output)


def test_enumeration_needs_rational_numbers():
    law = theory.Law([[0.5, 0.5], [1.0, 0.0]], T=3, trigger=0, alpha=0.5, noise=1)
    with pytest.raises(TypeError, match="law must be of rational numbers to be enumerated"):
        enumeration.samples(law)
