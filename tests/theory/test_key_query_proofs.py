"""Proofs of the key-query step, for all N, T, α and π at once.

They work with polynomials in T, X = (-1/N)^(T-2), Y = (1-α-1/N)^(T-2) over the field of rational functions of N and α,
where equality is decidable. They start from what `test_proofs` proves, the moments and neighbour counts of the
chain and the rows of G_V, and from the definition of K.
"""

from functools import cache

import pytest

import theory
from theory.evaluation import ring_element, symbolic_numbers
from theory.key_query.step import KEY_CLASSES, KeyQuery, _symbolic_parts
from theory.key_query.within_sequence import WithinSequence
from theory.one_step.gradients import EntryMoments
from theory.one_step.trigger_chain import TriggerChain

from .test_proofs import TwoAlike

n, length, a, power = symbolic_numbers()
BLOCKS = ("E", "P")


def tokens_seen_from(token, is_trigger):
    """{name: number of such tokens} over the vocabulary; seen from one "j" token, the others of its law are "i"."""
    alike = n - 1 if is_trigger else n - 2
    names = {"q": 1, "tau": 1} | ({} if is_trigger else {"c": 1})
    return names | ({"j": 1, "i": alike - 1} if token == "j" else {"j": alike})


def scaled_covariance(chain, left, right):
    """T² Σ_c[left, right] = T E[#{t : both in x_t}] - E[n_left] E[n_right] - Cov(n_left, n_right), the definition."""
    (block, token), (other_block, other) = left, right
    counts = [chain.mean_count(name) + int((side, name) == ("E", "q")) for side, name in (left, right)]
    if block == other_block:
        meetings = counts[0] if token == other else 0
    else:
        meetings = chain.pair_count(other, token) if block == "E" else chain.pair_count(token, other)
    return chain.T * meetings - counts[0] * counts[1] - chain.count_covariance(token, other)


@cache
def covariances(is_trigger):
    """{feature: {other: T² Σ_c[feature, ·] summed over all features of the other's law}}."""
    chain = TwoAlike(n, length, a, is_trigger, power)
    features = [(block, token) for block in BLOCKS for token in tokens_seen_from("q", is_trigger)]
    table = {feature: dict.fromkeys(features, 0 * n) for feature in features}
    for feature, row in table.items():
        for block in BLOCKS:
            for token, number in tokens_seen_from(feature[1], is_trigger).items():
                law = "j" if token == "i" else token
                row[block, law] += number * scaled_covariance(chain, feature, (block, token))
    return table


def applied(is_trigger, weights):
    """T² Σ_b Σ_c[a, b] w_b over all 2M features b, per feature a."""
    return {
        feature: sum(covariance * weights[other] for other, covariance in row.items())
        for feature, row in covariances(is_trigger).items()
    }


@pytest.mark.parametrize("is_trigger", [False, True])
def test_covariance_applied_to_every_basis_vector(is_trigger):
    """`WithinSequence.applied`, which sums over the "j" tokens by equation (5), is the sum over all features."""
    sequences = WithinSequence(TriggerChain(n, length, a, is_trigger, power))
    for basis in sequences.counts:
        weights = {feature: n**0 * int(feature == basis) for feature in sequences.counts}
        assert sequences.applied(weights) == applied(is_trigger, weights), basis


@cache
def scaled_gradient():
    """T G_V per entry class, from the proved moments."""
    moments = EntryMoments("attention_value", *symbolic_numbers())
    return {entry: moments.mean(entry) * moments.T for entry in theory.ENTRY_CLASSES}


def row_entry(row, feature):
    """T G_V[row, feature], row and token by their names given c; the same name is the same token."""
    block, token = feature
    column = token if token in ("q", "tau") else "k" if token == row else "j"
    return scaled_gradient()["k" if row in ("c", "j") else row, f"{block}({column})"]


def attended_target(is_trigger, feature, absorption):
    """T (G_Vᵀ d_c)[feature], d_c = (1-α) e_c + α e_τ - p."""
    correct, token = "q" if is_trigger else "c", feature[1]
    if token in ("q", "tau"):
        others = (n - 1) * row_entry("j", feature)
    else:
        others = row_entry(token, feature) + (n - 2) * row_entry("c" if token == "j" else "j", feature)
    ordinary, noise = row_entry("q", feature) + others, row_entry("tau", feature)
    return (1 - a) * row_entry(correct, feature) + (a - absorption) * noise - (1 - absorption) / n * ordinary


def averaged(weights):
    """T³ E_c[Σ_c w_c] per class of K, from T w_c as {c = q: {feature: value}}."""
    given_c = {is_trigger: applied(is_trigger, weights[is_trigger]) for is_trigger in (False, True)}
    found = {}
    for name in KEY_CLASSES:
        block, token = name[0], name[2:-1]
        if token == "k":  # is c, or is not c, or c is q
            terms = [given_c[False][block, "c"], (n - 2) * given_c[False][block, "j"], given_c[True][block, "j"]]
        else:
            terms = [(n - 1) * given_c[False][block, token], given_c[True][block, token]]
        found[name] = sum(terms) / n
    return found


def test_decomposition_is_the_definition():
    """Equation (6) for all N, T, α, π: Gᵀ d_c is affine in π, so its value at π = α and its slope settle it."""
    absorbed, slope = {}, {}
    for is_trigger in (False, True):
        features = covariances(is_trigger)
        absorbed[is_trigger] = {feature: attended_target(is_trigger, feature, a) for feature in features}
        slope[is_trigger] = {
            feature: attended_target(is_trigger, feature, a - 1) - absorbed[is_trigger][feature] for feature in features
        }
    parts = _symbolic_parts()
    for side, stated in enumerate((averaged(absorbed), averaged(slope))):
        assert {name: part[side] for name, part in parts.items()} == {k: ring_element(v) for k, v in stated.items()}


def block_sum(values, block, N):
    return values[f"{block}(q)"] + (N - 1) * values[f"{block}(k)"] + values[f"{block}(tau)"]


@pytest.mark.parametrize("side", [0, 1])
def test_the_embedding_block_sums_to_zero(side):
    """Every x_t has one E feature, so Σ_{a ∈ E} K[a] = 0, for A and C and all N, T, α; the P block's sum is not 0."""
    values = {name: part[side] for name, part in _symbolic_parts().items()}
    assert block_sum(values, "E", ring_element(n)) == 0
    assert block_sum(values, "P", ring_element(n)) != 0


def divisible(value, factor):
    """Whether every coefficient of a ring element holds the factor, a polynomial in N and α, in its numerator."""
    return all(coefficient.numer.rem(factor.numer) == 0 for coefficient in value.coeffs())


def test_where_the_parts_vanish():
    """For all N, T: A = 0 at α = 1 and C = 0 at α = 1/M, to second and first order; the noise token's at α = 0."""
    n_number, level = (ring_element(generator).LC for generator in (n, a))  # N and α in the coefficients' field
    for name, (in_context, noise) in _symbolic_parts().items():
        assert divisible(in_context, (1 - level) ** 2), name
        assert divisible(noise, (n_number + 1) * level - 1), name
        assert not divisible(noise, 1 - level), name
        assert all(divisible(part, level) == (name[2:] == "tau)") for part in (in_context, noise)), name


def test_two_tokens():
    """At T = 2, for all N and α: A = 0, τ never occurs, and C[P(q)] = (α - (1-α)/N)/(8N²), which needs z_1 = q."""
    parts = KeyQuery(n, 2, a, lambda ratio, exponent: n**0).scaled_parts
    assert all(part.in_context == 0 for part in parts.values())
    assert parts["E(tau)"] == parts["P(tau)"] == (0, 0)
    assert parts["P(q)"].noise / 8 == (a - (1 - a) / n) / (8 * n**2)
