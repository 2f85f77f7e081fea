"""Could the checks of every law have failed? Its structure is changed, or a formula by 5 %, and a check turns red."""

from dataclasses import replace

import numpy as np
import pytest

from paper_checks.claims.g import test_general_laws as law_checks
from paper_checks.experiments.general import agreement
from tests.theory.general import test_programme as programme_tests
from theory import Law
from theory.general import counts, gradients, key_query, slow_chains
from theory.general.key_query import WithinSequences

from ..mutation import assert_caught, assertions, stretched

SLOW, MIXING = "stays but for 0.01", "independent tokens"


def fractions():
    """Random small laws by enumeration, as the claim has them."""
    law_checks.test_every_law_by_enumeration(assertions())


def floats():
    """Tiny Shakespeare by the programme, as the claim has it."""
    agreement.check_programme(assertions(), "S-s", 0.5, 64)


def long_chains():
    """Float64 at T = 401: by doubling, and past mixing."""
    for name in (SLOW, MIXING):
        programme_tests.test_chains_that_mix_slowly_or_never(programme_tests.extreme_chains()[name], 401)


EACH_CHECK = pytest.mark.parametrize("check", [fractions, floats, long_chains], ids=lambda check: check.__name__)


@pytest.fixture(scope="module", autouse=True)
def _witnessed_once():
    """What the witnesses say is found for the unchanged theory, which passes."""
    for check in (fractions, floats, long_chains):
        check()


def test_long_chains_take_the_ways_that_short_ones_do_not():
    for name, mixes in ((SLOW, False), (MIXING, True)):
        law = Law(programme_tests.extreme_chains()[name], T=401, trigger=0, alpha=0.3, first=[0.2] * 5, noise=2)
        assert (counts._forget(law.chains, 400) == mixes).all()


def in_law(name, changed):
    """A mutation of what a law derives from its numbers: `changed(law, value)`."""

    def mutate(monkeypatch):
        original = getattr(Law, name).func
        monkeypatch.setattr(Law, name, property(lambda law: changed(law, original(law))))

    return mutate


def in_counts(changed):
    """A mutation of the count moments, exact ones and floats: `changed(law, moments)`."""

    def mutate(monkeypatch):
        original = counts._count_moments
        monkeypatch.setattr(counts, "_count_moments", lambda law, exact: changed(law, original(law, exact)))

    return mutate


def another_row(law, chains):
    """The row after q's is the one that depends on c."""
    wrong = np.repeat(law.chain[None], law.M, axis=0)
    wrong[:, (law.q + 1) % law.M] = law.targets
    return wrong


def the_chains_own_row(law, chains):
    return np.repeat(law.chain[None], law.M, axis=0)


def correct_trigger_like_any_other(law, chains):
    """Given c = q the trigger never follows itself by being the correct token."""
    wrong = chains.copy()
    wrong[law.q, law.q] = chains[(law.q + 1) % law.M, law.q]
    return wrong


def without_correct_trigger(law, found):
    """The summand c = q of every average over c left out."""
    kept = (np.arange(law.M) != law.q).astype(int)
    mean, last, covariance = (part * kept.reshape(-1, *[1] * (part.ndim - 1)) for part in parts(found))
    return replace(found, mean=mean, last=last, covariance=covariance)


def parts(found):
    return found.mean, found.last, found.covariance


def without_cross_terms(law, found):
    """Cov(C) as if positions were independent: Σ_t (diag w_t - w_t w_tᵀ)."""
    exact = found.mean.dtype == object
    now = np.repeat((law if exact else law.in_floats).first[None], law.M, axis=0)
    total, diagonal = 0 * found.covariance, np.eye(law.M, dtype=int)
    for _ in range(law.T - 1):
        total = total + now[:, :, None] * diagonal - now[:, :, None] * now[:, None, :]
        now = (now[:, None, :] @ law.chains)[:, 0]
    return replace(found, covariance=total)


def mean_field(law, found):
    """Counts that do not vary."""
    return replace(found, covariance=0 * found.covariance)


def frequencies_at_the_end(law, found):
    """Every position has the law of the last one."""
    return replace(found, mean=(law.T - 1) * found.last)


def answers_and_noise_in_the_targets(monkeypatch):
    """ν and ρ exchanged: the noise step draws an answer."""
    in_law("targets", lambda law, _: (1 - law.alpha) * np.eye(law.M, dtype=int) + law.alpha * law.answers)(monkeypatch)


def answers_and_noise_in_the_gradient(monkeypatch):
    """ν and ρ exchanged in E[1{y=k} f]."""

    def exchanged(law, given):
        average = law.answers @ given
        return ((1 - law.alpha) * law.noise)[:, None] * given + law.alpha * law.answers[:, None] * average, average

    monkeypatch.setattr(gradients, "_joint", exchanged)


def without_the_last_pair(monkeypatch):
    """The pair (z_{T-1}, z_T = q) forgotten."""

    def inner(self):
        return (self.moments.mean - self.moments.last)[:, :, None] * self.law.chains

    monkeypatch.setattr(WithinSequences, "pairs", property(inner))


def pairs_the_other_way_round(monkeypatch):
    original = WithinSequences.pairs.func
    monkeypatch.setattr(WithinSequences, "pairs", property(lambda self: original(self).transpose(0, 2, 1)))


def one_layer_for_the_other(monkeypatch):
    original = gradients.features
    other = {"feed_forward": "attention_value", "attention_value": "feed_forward"}
    monkeypatch.setattr(gradients, "features", lambda law, layer, exact=False: original(law, other[layer], exact))


STRUCTURE = {
    "another row for q": in_law("chains", another_row),
    "the chain's own row for q": in_law("chains", the_chains_own_row),
    "c = q like any other": in_law("chains", correct_trigger_like_any_other),
    "c = q left out of the averages": in_counts(without_correct_trigger),
    "second moments without their cross terms": in_counts(without_cross_terms),
    "mean field in place of counts": in_counts(mean_field),
    "frequencies in place of counts": in_counts(frequencies_at_the_end),
    "ν and ρ exchanged in the targets": answers_and_noise_in_the_targets,
    "ν and ρ exchanged in the gradient": answers_and_noise_in_the_gradient,
    "last pair forgotten": without_the_last_pair,
    "previous and current token exchanged": pairs_the_other_way_round,
    "layers exchanged": one_layer_for_the_other,
}


@EACH_CHECK
@pytest.mark.parametrize("mutate", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_changed_structure(monkeypatch, mutate, check):
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        check()


@EACH_CHECK
@pytest.mark.parametrize("name", ["mean", "last", "covariance"])
def test_five_percent_in_a_moment_of_counts(monkeypatch, name, check):
    in_counts(lambda law, found: replace(found, **{name: stretched(getattr(found, name))}))(monkeypatch)
    with pytest.raises(AssertionError):
        check()


@EACH_CHECK
@pytest.mark.parametrize(("module", "name"), [(gradients, "_joint"), (gradients, "_law_mean"), (key_query, "_times")])
def test_five_percent_in_a_part_of_the_formulas(monkeypatch, module, name, check):
    assert_caught(monkeypatch, module, name, lambda _: check())


@pytest.mark.parametrize("name", ["strength", "frequency", "answers"])
def test_five_percent_in_a_part_of_the_decomposition(monkeypatch, name):
    original = law_checks.decomposition

    def changed(law, exact=False):
        found = original(law, exact)
        return replace(found, **{name: stretched(getattr(found, name))})

    monkeypatch.setattr(law_checks, "decomposition", changed)
    with pytest.raises(AssertionError):
        fractions()


def without_drift(monkeypatch):
    """Past mixing, as if the first token were stationary."""
    original = counts._past_mixing

    def changed(law, n, answers):
        (_, stationary, covariance), rounding = original(law, n, answers)
        return (n * stationary, stationary, covariance), rounding

    monkeypatch.setattr(counts, "_past_mixing", changed)


def in_deviations(part):
    def mutate(monkeypatch):
        original = counts._deviations

        def changed(law, answers):
            found = list(original(law, answers))
            found[part] = stretched(found[part])
            return tuple(found)

        monkeypatch.setattr(counts, "_deviations", changed)

    return mutate


def without_the_update(monkeypatch):
    """The same inverse for every c: the mean over c of its parts."""
    original = counts._deviations

    def changed(law, answers):
        stationary, deviation, *errors = original(law, answers)
        alike = np.ones(len(stationary))[:, None]
        return alike * stationary.mean(axis=0), alike[:, None] * deviation.mean(axis=0), *errors

    monkeypatch.setattr(counts, "_deviations", changed)


def without_a_term_of_a_joined_block(name):
    def mutate(monkeypatch):
        original = slow_chains.Block.then

        def joined(self, other):
            found = original(self, replace(other, **{name: 0 * getattr(other, name)}))
            return replace(found, **{kept: getattr(original(self, other), kept) for kept in ("step", "mean")})

        monkeypatch.setattr(slow_chains.Block, "then", joined)

    return mutate


WAYS = {
    "first token taken as stationary": without_drift,
    "5 % in the stationary law": in_deviations(0),
    "5 % in the deviation matrix": in_deviations(1),
    "no update for c": without_the_update,
    "later covariances left out": without_a_term_of_a_joined_block("covariance"),
    "later shares left out": without_a_term_of_a_joined_block("shared"),
    "later means left out": without_a_term_of_a_joined_block("mean"),
}


@pytest.mark.parametrize("mutate", WAYS.values(), ids=WAYS.keys())
def test_ways_that_long_chains_take(monkeypatch, mutate):
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        long_chains()


def in_rows(monkeypatch):
    original = slow_chains._rows_scaled
    monkeypatch.setattr(slow_chains, "_rows_scaled", lambda laws, matrices: stretched(original(laws, matrices)))


def with_the_first_law_everywhere(monkeypatch):
    original = slow_chains._rows_scaled
    monkeypatch.setattr(slow_chains, "_rows_scaled", lambda laws, matrices: original(0 * laws + laws[0], matrices))


@pytest.mark.parametrize("mutate", [in_rows, with_the_first_law_everywhere])
def test_blocks_of_positions(monkeypatch, mutate):
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        law_checks.test_chains_that_mix_slowly_or_never(assertions())


def test_chains_that_have_not_mixed_are_caught(monkeypatch):
    """Equation (2) where the chain still remembers its start, whatever its bound on roundings."""
    monkeypatch.setattr(counts, "_forget", lambda chains, n: np.ones(len(chains), dtype=bool))
    monkeypatch.setattr(counts, "slow_rounding", lambda M, n: np.inf)
    with pytest.raises(AssertionError):
        long_chains()
