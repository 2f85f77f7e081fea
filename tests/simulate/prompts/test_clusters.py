"""Standard errors of clustered values, halves by cluster, and which prompts " the" competes on."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulate.prompts.real import real_fact_prompts
from simulate.prompts.sets import Prompt
from simulate.prompts.splits import COMPETING_MASS, clusters_of, competing, split_clusters, spread_over_clusters
from simulate.prompts.tokens import Readings, mean_and_error


def prompts_of(clusters):
    """One prompt per cluster's name."""
    return tuple(
        Prompt(f"{number}", " a", " b", "", cluster=cluster) for number, cluster in enumerate(clusters)
    )  # fmt: skip


def test_error_of_clusters_by_hand():
    """Mean 2, deviations -2, 0, 1, 1: sums -2 and 2 of the clusters a (first and second) and b (the others)."""
    values = np.array([0.0, 2.0, 3.0, 3.0])
    assert mean_and_error(values, ["a", "a", "b", "b"]) == pytest.approx((2.0, math.sqrt(2 * (4 + 4)) / 4))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_clusters_of_one_value_are_no_clusters(values):
    plain = mean_and_error(np.array(values))
    assert mean_and_error(np.array(values), [str(number) for number in range(len(values))]) == pytest.approx(
        plain, rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("size", [2, 5])
def test_equal_clusters_are_their_means(size):
    """With clusters of one size the error is the plain one of the clusters' means, in whatever order values come."""
    draw = np.random.default_rng(4)
    values, names = draw.normal(size=7 * size), np.repeat(np.arange(7), size)
    order = draw.permutation(values.size)
    expected = mean_and_error(values.reshape(7, size).mean(1))
    assert mean_and_error(values[order], [str(name) for name in names[order]]) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.25]])
def test_one_cluster_shows_no_spread(values):
    mean, error = mean_and_error(np.array(values), ["a"] * len(values))
    assert mean == pytest.approx(np.mean(values)) and math.isnan(error)


def test_as_many_clusters_as_values():
    with pytest.raises(ValueError, match="clusters must be one per value, 3, got 2"):
        mean_and_error(np.ones(3), ["a", "b"])


SIZES = {"equal": [3] * 60, "unequal": [1, 2, 3, 4, 6] * 12}
DRAWS = 4000


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_coverage(sizes):
    """Of 95 % intervals from Student's t with one degree less than clusters, 95 % hold the mean: a cluster's own part
    and each value's have variance 1, so that the plain error is too small.

    Bounds: five standard errors of a share of DRAWS, and one percentage point for the approximation where sizes differ.
    """
    draw, numbers = np.random.default_rng(8), np.repeat(np.arange(len(sizes)), sizes)
    names = [str(number) for number in numbers]
    bound = stats.t.ppf(0.975, len(sizes) - 1)
    held = {"clustered": 0, "plain": 0}
    for _ in range(DRAWS):
        values = draw.normal(size=len(sizes))[numbers] + draw.normal(size=numbers.size)
        for kind, clusters in (("clustered", names), ("plain", None)):
            mean, error = mean_and_error(values, clusters)
            held[kind] += abs(mean) < bound * error
    slack = 5 * math.sqrt(0.95 * 0.05 / DRAWS) + (0.01 if len(set(sizes)) > 1 else 0)
    assert held["clustered"] / DRAWS == pytest.approx(0.95, abs=slack)
    assert held["plain"] / DRAWS < 0.90


def test_names_of_clusters():
    """A prompt without one is a cluster of its own."""
    assert len(set(clusters_of(prompts_of(["", "x", "", "x"])))) == 3
    assert clusters_of(prompts_of(["x", "x", "y"])) == ("x", "x", "y")


def test_a_cluster_named_as_a_number_takes_in_no_prompt_that_is_alone():
    """A user's clusters may have any names."""
    assert clusters_of(prompts_of(["1", "", "2'", "1"])) == ("1", "1'", "2'", "1")
    assert clusters_of(prompts_of(["2", "2'", ""])) == ("2", "2'", "2''")
    prompts = prompts_of(["1", "", "1"])
    assert [half.tolist() for half in sorted(split_clusters(prompts, seed=0), key=len)] == [[1], [0, 2]]


@given(st.lists(st.sampled_from(["", "a", "b", "c", "d", "e"]), min_size=2, max_size=30), st.integers(0, 2**32))
def test_halves_keep_clusters_whole(names, seed):
    prompts = prompts_of(names)
    clusters = clusters_of(prompts)
    if len(set(clusters)) < 2:
        with pytest.raises(ValueError, match="at least 2 clusters, got 1"):
            split_clusters(prompts, seed=seed)
        return
    choose, report = split_clusters(prompts, seed=seed)
    assert sorted([*choose, *report]) == list(range(len(names)))
    one, other = ({clusters[place] for place in half} for half in (choose, report))
    assert not one & other and 0 <= len(other) - len(one) <= 1
    again = split_clusters(prompts, seed=seed)
    assert all(np.array_equal(*pair) for pair in zip((choose, report), again, strict=True))


def test_halves_are_random():
    """Every cluster is in the first half about half of the time, and with no other one more often than by chance."""
    prompts = real_fact_prompts(seed=1, part="pilot", templates_per_city=1)
    clusters = sorted(set(clusters_of(prompts)))
    inside = np.array(
        [
            np.isin(clusters, [prompts[place].cluster for place in split_clusters(prompts, seed=seed)[0]])
            for seed in range(600)
        ]
    )
    assert np.abs(inside.mean(0) - 0.5).max() < 5 * 0.5 / math.sqrt(600)
    together = np.corrcoef(inside.T)[np.triu_indices(len(clusters), 1)]
    assert np.abs(together + 1 / (len(clusters) - 1)).max() < 5 / math.sqrt(600)
    with pytest.raises(ValueError, match="seed"):
        split_clusters(prompts, seed=-1)


def said(pairs):
    """Readings of which P(answer) and P(the) are these."""
    answer, generic = np.array(pairs).T
    return Readings(answer, generic, *(np.zeros(len(pairs)),) * 3)


def test_competing():
    """Each has more than a twentieth of the other's probability, and both together enough; nothing else is read."""
    yes = [(0.3, 0.3), (0.021, 0.4), (0.8, 0.041), (COMPETING_MASS / 2 + 0.001, COMPETING_MASS / 2)]
    no = [(0.019, 0.4), (0.8, 0.039), (0.05, 0.05), (0.0, 0.9), (0.9, 0.0)]
    assert competing(said([*no, *yes])).tolist() == list(range(len(no), len(no) + len(yes)))
    assert competing(said(no)).size == 0
    assert competing(said([(0.1, 0.4)]), parts=4).size == 0 and competing(said([(0.1, 0.39)]), parts=4).size == 1


def test_spread_over_clusters():
    """The first of each cluster before the second ones: of a, b, b, b, alone, alone."""
    prompts = prompts_of(["a", "b", "b", "b", "", ""])
    places = np.arange(6)
    assert spread_over_clusters(prompts, places, 4).tolist() == [0, 1, 4, 5]
    assert spread_over_clusters(prompts, places, 5).tolist() == [0, 1, 2, 4, 5]
    assert spread_over_clusters(prompts, places, 9).tolist() == list(range(6))
    assert spread_over_clusters(prompts, np.array([2, 3]), 1).tolist() == [2]
    with pytest.raises(ValueError, match="most must be"):
        spread_over_clusters(prompts, places, 0)
    facts = real_fact_prompts(seed=1)
    kept = spread_over_clusters(facts, np.arange(len(facts)), 120)
    counts = Counter(facts[place].cluster for place in kept)
    assert len(kept) == 120 and max(counts.values()) - min(counts.values()) <= 1


def test_what_competes_has_a_fifth_of_all_probability_and_a_twentieth_of_each_other():
    """Just inside and just outside of both bounds."""
    pairs = [(0.1, 0.1001), (0.1, 0.0999), (0.5, 0.0251), (0.5, 0.0249), (0.0251, 0.5), (0.0249, 0.5)]
    answer, generic = (np.array(column) for column in zip(*pairs, strict=True))
    ones = np.ones(len(pairs))
    assert competing(Readings(answer, generic, ones, ones, ones)).tolist() == [0, 2, 4]
