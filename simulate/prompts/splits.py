"""Two halves of a set of prompts, and which prompts " the" competes on."""

from collections.abc import Sequence, Set
from typing import Annotated

import numpy as np
from annotated_types import Ge

from simulate.runtime.arrays import Integers
from theory.arguments import Count, PositiveReal, Seed, Shape, checked

from .sets import Prompt
from .tokens import Readings

COMPETING_MASS = 0.2
"""Of the answer and the distributional continuation together, on prompts where they compete."""


@checked
def clusters_of(prompts: Sequence[Prompt]) -> tuple[str, ...]:
    """The cluster of each prompt; that of one that is alone is its number in the set, with primes after it where a
    cluster of others has this name."""
    named = {prompt.cluster for prompt in prompts}
    return tuple(prompt.cluster or _alone(number, named) for number, prompt in enumerate(prompts))


def _alone(number: int, named: Set[str]) -> str:
    found = f"{number}"
    while found in named:
        found += "'"
    return found


@checked
def split_clusters(prompts: Sequence[Prompt], *, seed: Seed) -> tuple[Integers, Integers]:
    """Places of two halves of the prompts, each increasing: whole clusters at random, half of them in each (the first
    has one less where their number is odd).

    Raises:
        TypeError, ValueError: another seed, or fewer than two clusters.
    """
    clusters = clusters_of(prompts)
    different = sorted(set(clusters))
    if len(different) < 2:
        raise ValueError(f"prompts must have at least 2 clusters, got {len(different)}")
    draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0x53504C54])))
    order = draw.permutation(len(different))
    first = {different[place] for place in order[: len(different) // 2]}
    inside = np.array([cluster in first for cluster in clusters])
    return np.flatnonzero(inside), np.flatnonzero(~inside)


@checked
def competing(found: Readings, parts: PositiveReal = 20.0) -> Integers:
    """Places of the prompts on which the distributional continuation competes with the answer, by what the whole model
    says: each has more than one of so many `parts` of the other's probability, both together at least COMPETING_MASS.
    """
    answer, generic = found.answer, found.distributional
    kept = (answer > generic / parts) & (generic > answer / parts) & (answer + generic >= COMPETING_MASS)
    return np.flatnonzero(kept)


@checked
def spread_over_clusters(
    prompts: Sequence[Prompt], places: Annotated[Integers, Shape("places"), Ge(0)], most: Count
) -> Integers:
    """At most so many of the places, increasing: the first prompt of every cluster, then the second ones, and so on."""
    if places.size and places.max() >= len(prompts):
        raise ValueError(f"places must be below {len(prompts)}, the number of prompts, got {places.max()}")
    clusters, turns = clusters_of(prompts), dict[str, int]()
    order = []
    for place in places.tolist():
        turn = turns[clusters[place]] = turns.get(clusters[place], -1) + 1
        order.append((turn, place))
    return np.array(sorted(place for _, place in sorted(order)[:most]), dtype=np.int64)
