"""Prompts for models of the real world: recall of a name, and the country of a city; for pilots, and for claims.

The tasks are those of `sets`; the words are those of `world`, of which the two parts share none. What varies most from
one recall prompt to the next is the giving (verb and object), so recall prompts with one giving are one cluster; facts
with one country are.
"""

from simulate.runtime.arguments import as_seed
from theory.task import as_count

from .sets import Prompt, picker
from .world import PARTS, World

PART_KEYS = {"pilot": 20, "claim": 21}


def real_recall_prompts(count: int, *, seed: int, part: str = "claim") -> tuple[Prompt, ...]:
    """Different prompts of indirect object identification; givings take turns, and so does who is named first.

    Args:
        count: how many, >= 1.
        seed: of the draw (names, openings), >= 0.
        part: "pilot" or "claim", see `world`.

    Raises:
        TypeError, ValueError: another argument, or more prompts than there are.
    """
    words = _words(part)
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


def real_fact_prompts(*, seed: int, part: str = "claim", templates_per_city: int = 3) -> tuple[Prompt, ...]:
    """Prompts of factual recall: every city of a part with some of its templates, city by city.

    Args:
        seed: of the draw (templates, distractors), >= 0.
        part: "pilot" or "claim", see `world`.
        templates_per_city: how many different ones, >= 1.

    Raises:
        TypeError, ValueError: another argument, or more templates than there are.
    """
    words = _words(part)
    wanted = as_count("templates_per_city", templates_per_city, 1)
    if wanted > len(words.facts):
        raise ValueError(f"templates_per_city must be at most {len(words.facts)} for {part!r}, got {wanted}")
    pick = picker(1, 1, as_seed(seed), 10 + PART_KEYS[part])
    countries = tuple(words.cities)
    found = []
    for country, cities in words.cities.items():
        for city in cities:
            for template in pick.several(words.facts, wanted):
                other = pick.of([wrong for wrong in countries if wrong != country])
                text = template.format(city=city)
                found.append(Prompt(text, f" {country}", f" {other}", template, cluster=country))
    return tuple(found)


def _words(part: object) -> World:
    if not isinstance(part, str) or part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    return PARTS[part]
