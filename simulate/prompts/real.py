"""Prompts for models of the real world: recall of a name, and the country of a city; for pilots, and for claims.

The tasks are those of `sets`; the words are those of `world`, of which the two parts share none. What varies most from
one recall prompt to the next is the giving (verb and object), so recall prompts with one giving are one cluster; facts
with one country are.
"""

from typing import Literal, TypeAlias

from theory.arguments import Count, Seed, checked

from .sets import Prompt, picker
from .world import PARTS

Part: TypeAlias = Literal["pilot", "claim"]
PART_KEYS = {"pilot": 20, "claim": 21}


@checked
def real_recall_prompts(count: Count, *, seed: Seed, part: Part = "claim") -> tuple[Prompt, ...]:
    """Different prompts of indirect object identification; givings take turns, and so does who is named first.

    Args:
        count: how many, >= 1.
        seed: of the draw (names, openings), >= 0.
        part: "pilot" or "claim", see `world`.

    Raises:
        TypeError, ValueError: another argument, or more prompts than there are.
    """
    words = PARTS[part]
    names, openings, givings = words.names, words.openings, words.givings
    most = len(names) * (len(names) - 1) * len(openings) * len(givings)
    pick = picker(count, most // 2, seed, PART_KEYS[part])  # half of them, so that a draw soon finds a new one
    found: dict[str, Prompt] = {}
    while len(found) < count:
        receiver, giver = pick.several(names, 2)
        turn, place = divmod(len(found), len(givings))
        first, second = (giver, receiver) if (turn + place) % 2 else (receiver, giver)
        opening, giving = pick.of(openings), givings[place]
        text = f"{opening.format(a=first, b=second)} {giving.format(s=giver)}"
        found.setdefault(text, Prompt(text, f" {receiver}", f" {giver}", f"{opening} {giving}", cluster=giving))
    return tuple(found.values())


@checked
def real_fact_prompts(*, seed: Seed, part: Part = "claim", templates_per_city: Count = 3) -> tuple[Prompt, ...]:
    """Prompts of factual recall: every city of a part with some of its templates, city by city.

    Args:
        seed: of the draw (templates, distractors), >= 0.
        part: "pilot" or "claim", see `world`.
        templates_per_city: how many different ones, >= 1.

    Raises:
        TypeError, ValueError: another argument, or more templates than there are.
    """
    words = PARTS[part]
    wanted = templates_per_city
    if wanted > len(words.facts):
        raise ValueError(f"templates_per_city must be at most {len(words.facts)} for {part!r}, got {wanted}")
    pick = picker(1, 1, seed, 10 + PART_KEYS[part])
    countries = tuple(words.cities)
    found = []
    for country, cities in words.cities.items():
        for city in cities:
            for template in pick.several(words.facts, wanted):
                other = pick.of([wrong for wrong in countries if wrong != country])
                text = template.format(city=city)
                found.append(Prompt(text, f" {country}", f" {other}", template, cluster=country))
    return tuple(found)
