"""Prompts about the real world: what the parts share (nothing), how a set is made up."""

import re
from collections import Counter
from dataclasses import fields

import pytest

from simulate.prompts.real import real_fact_prompts, real_recall_prompts
from simulate.prompts.world import CLAIM, PARTS, PILOT

SHARED_WORDS = {"Korea", "England", "Scotland", "Wales", "Netherlands", "Philippines", "Congo", "Gambia", "Taiwan"}
"""Names of countries that are contested, shared, parts of another one's, or have an article."""


def test_parts_share_nothing():
    """No country, city, template, opening, giving or name."""
    cities = [[city for of_one in part.cities.values() for city in of_one] for part in (PILOT, CLAIM)]
    groups = [(PILOT.cities, CLAIM.cities), cities, *((getattr(PILOT, one.name), getattr(CLAIM, one.name))
              for one in fields(PILOT) if one.name != "cities")]  # fmt: skip
    for pilot, claim in groups:
        assert not set(pilot) & set(claim)
        assert len(set(pilot)) == len(pilot) and len(set(claim)) == len(claim)
    assert len(CLAIM.cities) >= 60 and len(CLAIM.givings) >= 60 and len(CLAIM.openings) >= 12 and len(CLAIM.facts) >= 12
    assert len(PILOT.cities) >= 16 and len(PILOT.givings) >= 16


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_words_of_a_part(part):
    """Places to fill in are those of their kind; a city does not give its country away."""
    for kind, wanted in (("facts", {"city"}), ("openings", {"a", "b"}), ("givings", {"s"})):
        for template in getattr(part, kind):
            assert set(re.findall(r"\{(\w+)\}", template)) == wanted, template
            assert template == template.strip() and not template.endswith(("the", "a"))
    for country, cities in part.cities.items():
        assert country not in SHARED_WORDS and country.isalpha() and cities
        assert not any(country.lower() in city.lower() for city in cities)


@pytest.mark.parametrize("part", PARTS)
def test_recall(part):
    """Giver named twice and the distractor, answer once; each giving equally often, in both orders; none twice."""
    words = PARTS[part]
    count = 4 * len(words.givings)
    made = real_recall_prompts(count, seed=7, part=part)
    assert len({prompt.text for prompt in made}) == count
    assert set(Counter(prompt.cluster for prompt in made).values()) == {4}
    first = Counter()
    for prompt in made:
        answer, giver = prompt.answer[1:], prompt.distractor[1:]
        found = Counter(re.findall(r"\w+", prompt.text))
        assert (found[answer], found[giver]) == (1, 2) and {answer, giver} <= set(words.names)
        assert prompt.text.endswith(prompt.cluster.format(s=giver)) and prompt.distributional == " the"
        assert prompt.template.removesuffix(f" {prompt.cluster}") in words.openings
        first[prompt.cluster, prompt.text.index(giver) < prompt.text.index(answer)] += 1
    assert set(first.values()) == {2}
    assert {prompt.template.removesuffix(f" {prompt.cluster}") for prompt in made} == set(words.openings)


@pytest.mark.parametrize("part", PARTS)
def test_every_other_prompt_names_the_giver_first(part):
    made = real_recall_prompts(20, seed=2, part=part)
    first = [prompt.text.index(prompt.distractor[1:]) < prompt.text.index(prompt.answer[1:]) for prompt in made]
    assert first[:16] in ([False, True] * 8, [True, False] * 8)


@pytest.mark.parametrize("part", PARTS)
def test_facts(part):
    """Every city with so many different templates; the country is the answer and the cluster; none twice."""
    words = PARTS[part]
    made = real_fact_prompts(seed=3, part=part, templates_per_city=2)
    cities = {city: country for country, of_one in words.cities.items() for city in of_one}
    assert len({prompt.text for prompt in made}) == len(made) == 2 * len(cities)
    asked = Counter()
    for prompt in made:
        (city,) = [city for city in cities if prompt.text == prompt.template.format(city=city)]
        asked[city] += 1
        assert prompt.answer == f" {cities[city]}" and prompt.cluster == cities[city]
        assert prompt.distractor[1:] in set(words.cities) - {cities[city]}
        assert prompt.template in words.facts
    assert asked == dict.fromkeys(cities, 2)
    assert {prompt.template for prompt in made} == set(words.facts)


def test_seeds_and_parts():
    assert real_recall_prompts(30, seed=1) == real_recall_prompts(90, seed=1, part="claim")[:30]
    assert real_recall_prompts(30, seed=1) != real_recall_prompts(30, seed=2)
    assert real_fact_prompts(seed=1) == real_fact_prompts(seed=1, part="claim") != real_fact_prompts(seed=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: real_recall_prompts(0, seed=1), ValueError, "count must be"),
        (lambda: real_recall_prompts(10**8, seed=1), ValueError, "count must be at most"),
        (lambda: real_recall_prompts(2.5, seed=1), TypeError, "count"),
        (lambda: real_recall_prompts(5, seed=-1), ValueError, "seed must be"),
        (lambda: real_recall_prompts(5, seed=1, part="test"), ValueError, "part must be 'pilot' or 'claim', got 'te"),
        (lambda: real_recall_prompts(5, seed=1, part=["pilot"]), ValueError, "part must be 'pilot' or"),
        (lambda: real_fact_prompts(seed=True), TypeError, "seed"),
        (lambda: real_fact_prompts(seed=1, part="both"), ValueError, "part must be 'pilot' or 'claim'"),
        (lambda: real_fact_prompts(seed=1, templates_per_city=0), ValueError, "templates_per_city must be"),
        (lambda: real_fact_prompts(seed=1, templates_per_city=99), ValueError, "templates_per_city must be at most"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
