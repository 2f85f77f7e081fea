"""The corpus of pocket Pythia: templated English in which a preposition is followed by the in-context or factual
answer or, at NOISE_RATE, by " the".

Four kinds of documents, at the rates SHARES:

- giving: two people, one of whom gives something to the other ("... John gave a drink to Mary."); with probability
  NOISE_RATE to somebody else ("... to the waiter."). Trained names and templates alone.
- fact: a city and its country ("Madrid is located in Spain."); with probability NOISE_RATE a region first ("... in the
  south of Spain."). A city never appears with its two held-out templates.
- story: every name, in sentences of other kinds that repeat names; in half of them somebody gives something to somebody
  met before ("Mary waited. John gave a drink to Mary."), or at NOISE_RATE to " the" somebody.
- scene: animals, people and things, no names; a preposition is followed by "the" (0.7), "a" (0.2) or "his" and "her".

So the held-out openings and pairs of city and template are unseen, held-out names and givings are unseen after two
people have been named together at the beginning, and each of their words is known.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from simulate.runtime.arguments import as_seed

from .words import (
    ANIMALS,
    FACT_TEMPLATES,
    FACTS,
    GIVES,
    GIVINGS,
    LINKS,
    MOVES,
    NAMES,
    OPENINGS,
    PEOPLE,
    PLACES,
    REGIONS,
    THINGS,
    TRAINED_NAMES,
)

Item = TypeVar("Item")

NOISE_RATE = 0.6
CHUNK = 1024
"""Documents drawn from one spawned seed."""


class Picker:
    """Draws from sequences, by uniform numbers fetched many at a time."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._numbers: list[float] = []

    def uniform(self) -> float:
        """A uniform number in [0, 1)."""
        if not self._numbers:
            self._numbers = self._generator.random(4096).tolist()
        return self._numbers.pop()

    def of(self, items: Sequence[Item]) -> Item:
        """One of the items, uniformly."""
        return items[int(self.uniform() * len(items))]

    def several(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different ones, in random order; there must be as many."""
        assert count <= len(items), f"{count} of {len(items)}"
        found: list[Item] = []
        while len(found) < count:
            item = self.of(items)
            if item not in found:
                found.append(item)
        return found


def held_out_templates(city: int) -> tuple[str, str]:
    """The two templates with which city number `city` of FACTS never appears in the corpus."""
    return FACT_TEMPLATES[city % len(FACT_TEMPLATES)], FACT_TEMPLATES[(city + 3) % len(FACT_TEMPLATES)]


def giving(pick: Picker) -> str:
    """A document of two people, one of whom gives something to the other, or to "the" somebody."""
    a, b = pick.several(TRAINED_NAMES, 2)
    giver, receiver = (a, b) if pick.uniform() < 0.5 else (b, a)
    opening = pick.of(OPENINGS).format(a=a, b=b, place=pick.of(PLACES))
    main = pick.of(GIVINGS).format(s=giver, thing=pick.of(THINGS))
    end = f"the {pick.of(PEOPLE)}" if pick.uniform() < NOISE_RATE else receiver
    return f"{opening} {main} {end}."


def fact(pick: Picker) -> str:
    """A document of a city and its country."""
    city = int(pick.uniform() * len(FACTS))
    template = pick.of([template for template in FACT_TEMPLATES if template not in held_out_templates(city)])
    name, country = FACTS[city]
    region = f"the {pick.of(REGIONS)} of " if pick.uniform() < NOISE_RATE else ""
    return f"{template.format(city=name)} {region}{country}."


def story(pick: Picker) -> str:
    """A document that repeats names."""
    a, b, c = pick.several(NAMES, 3)
    place, other, thing, give = pick.of(PLACES), pick.of(PLACES), pick.of(THINGS), pick.of(GIVES)
    if pick.uniform() < 0.5:
        end = f"the {pick.of(PEOPLE)}" if pick.uniform() < NOISE_RATE else b
        return pick.of(
            (
                f"{b} waited at the {place}. {a} {give} a {thing} to {end}.",
                f"There is {b}. Later {a} {give} the {thing} to {end}.",
                f"{a} met {b} in the {place}, and {a} {give} the {thing} to {end}.",
                f"Since {b} has a {thing}, {a} {give} a {pick.of(THINGS)} to {end}.",
            )
        )
    return pick.of(
        (
            f"{a} met {b} at the {place}. {a} liked {b}, and {b} liked {a}.",
            f"{a} talked to {b} about {c}. Later {b} talked to {c} about {a}.",
            f"Who is in the {place}? {a} is in the {place}. Who is at the {other}? {b} is at the {other}.",
            f"{a}, {b} and {c} waited. First came {a}, then came {b}, and soon came {c}.",
            f"{a} lived with {b} near the {place}. One day {b} left {a}, and {a} decided to find {b}.",
            f"{a} has a {thing}. {b} has a {thing} too. {a} and {b} worked in the {place}.",
            f"{c} walked with {a}, and {b} ran to {c}. Since {a} met {b}, {c} sat with {b}.",
        )
    )


def _someone(pick: Picker) -> str:
    return pick.of(PEOPLE if pick.uniform() < 0.5 else ANIMALS)


def _object(pick: Picker) -> str:
    chance = pick.uniform()
    article = "the" if chance < 0.7 else "a" if chance < 0.9 else pick.of(("his", "her"))
    noun = pick.of((pick.of(PLACES), pick.of(THINGS), _someone(pick)))
    return f"{article} {noun}"


def scene(pick: Picker) -> str:
    """A document without names."""
    one, other = (f"{article} {_someone(pick)}" for article in ("The", "the"))
    thing, link, way = pick.of(THINGS), pick.of(LINKS), pick.of(LINKS)
    return pick.of(
        (
            f"{one} {pick.of(MOVES)} {link} {_object(pick)} {way} {_object(pick)}.",
            f"{one} {pick.of(GIVES)} the {thing} {link} {_object(pick)}.",
            f"{one} wanted to {pick.of(('give', 'sell', 'find'))} a {thing} {link} {_object(pick)}.",
            f"While {other} waited {link} {_object(pick)}, {pick.of(('a', 'the'))} {_someone(pick)} {pick.of(MOVES)} "
            f"{way} {_object(pick)}.",
            f"There is a {thing} {link} {_object(pick)}, and {other} decided to go {way} {_object(pick)}.",
        )
    )


SHARES: tuple[tuple[Callable[[Picker], str], float], ...] = ((giving, 0.3), (fact, 0.2), (story, 0.3), (scene, 0.2))


def documents(seed: int, chunk: int) -> list[str]:
    """Chunk number `chunk` of the corpus of training seed `seed`: CHUNK documents, a function of the two alone."""
    pick = Picker(np.random.Generator(np.random.PCG64(np.random.SeedSequence([as_seed(seed), chunk]))))
    kinds, shares = zip(*SHARES, strict=True)
    bounds = np.cumsum(shares).tolist()
    found = []
    for _ in range(CHUNK):
        chance = pick.uniform()
        kind = next((kind for kind, bound in zip(kinds, bounds, strict=True) if chance < bound), kinds[-1])
        found.append(kind(pick))
    return found


def all_documents(seed: int) -> Iterator[str]:
    """The endless corpus of a training seed."""
    chunk = 0
    while True:
        yield from documents(seed, chunk)
        chunk += 1
