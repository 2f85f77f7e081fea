"""At desk scale products of bfloat16 numbers change nothing that E1 to E5 say, and curves less than another seed."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.replicates import Replicate
from paper_checks.experiments.trainings.runs import train_on
from paper_checks.experiments.trainings.settings import desk, seeds
from paper_checks.project import own_ledger
from simulate.transformer.products import has_bfloat16

pytestmark = pytest.mark.skipif(not has_bfloat16(), reason="not run: the processor has no products of bfloat16 numbers")

BASE_SEED = 41
COMPARED = 3
"""Trainings made with both kinds of products."""
CURVES = ("noise", "recall", "on (q,c)", "previous")
SAID = {
    "E1": (statements.noise_first,),
    "E2": (statements.without_last_layer,),
    "E3": (statements.input_matrix, statements.output_matrix),
    "E4": (statements.second_attention,),
    "E5": (statements.first_attention,),
}


@cache
def made(seed, products):
    desk_training = desk().job(seed)
    observed = replace(desk_training, training=replace(desk_training.training, products=products))
    return Replicate(observed, train_on("cpu", observed))


def runs(count, products):
    return [made(seed, products) for seed in seeds(BASE_SEED, "bfloat16", count)]


@pytest.mark.parametrize("claim", SAID)
def test_what_is_said_at_desk_scale_stands_with_products_of_bfloat16(claim):
    """By the same rules of seeds and the same thresholds, of other trainings than those of the claims."""
    heard = Assertions(claim, BASE_SEED, [], own_ledger())
    for tell in SAID[claim]:
        tell(heard, lambda numbers: lambda count: numbers(runs(count, "bfloat16")))
    assert heard.evidence and all(one.kind == "replicated" and one.passed for one in heard.evidence)


def distance(one, other, name):
    """Mean over the observations of the absolute difference of a curve."""
    curves = ([seen[name] for seen in run.history] for run in (one, other))
    return float(np.mean(np.abs(np.subtract(*curves))))


@pytest.mark.parametrize("name", CURVES)
def test_curves_differ_by_less_than_half_of_what_two_seeds_do(name):
    """Of each seed, with either products, against any two seeds with float32; and they do differ. Weights rounded to
    bfloat16 after every update fail this on three of the curves."""
    rounded, exact = runs(COMPARED, "bfloat16"), runs(COMPARED, "float32")
    between_products = [distance(one, other, name) for one, other in zip(rounded, exact, strict=True)]
    between_seeds = [distance(one, other, name) for one, other in combinations(exact, 2)]
    assert 0 < 2 * max(between_products) < min(between_seeds), (between_products, between_seeds)
