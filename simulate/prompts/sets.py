"""Prompts that end before an answer: the in-context or factual one, against the distributional " the" and a distractor.

Indirect object identification: two people, the giver named again, "to" at the end. The answer is the other person, the
distractor the giver. Factual recall: a city and a preposition. The answer is its country, the distractor another one.
Own wording; the tasks are those of Chen, Bruna, Bietti (ICLR 2025), language models, and of Wang et al. (2023).
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, get_args

import numpy as np
from annotated_types import Ge

from simulate.runtime.arrays import Integers
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Count, Seed, checked

from .corpus import Picker, held_out_templates
from .words import (
    FACT_TEMPLATES,
    FACTS,
    GIVINGS,
    HELD_OUT_GIVINGS,
    HELD_OUT_NAMES,
    HELD_OUT_OPENINGS,
    OPENINGS,
    PLACES,
    THINGS,
    TRAINED_NAMES,
)

DISTRIBUTIONAL = " the"
HeldOut: TypeAlias = Literal["nothing", "names", "templates", "both"]
HELD_OUT: tuple[HeldOut, ...] = get_args(HeldOut)
"""What of a prompt pocket Pythia's corpus never has in a sentence of its kind, which names two people at its beginning.
Shorter ones of other kinds ("There is Mary. Later John threw the ball to Mary.") have all names and all verbs."""


@checked
@dataclass(frozen=True)
class Prompt:
    """A text and what may follow it, each with its leading space.

    Attributes:
        text: begins without a space and ends without one.
        answer: the in-context or factual answer.   distractor: a wrong one of the same kind.
        distributional: the generic continuation.   template: what the text was made from.
        cluster: prompts that share it are not independent; "" is one that is alone.
    """

    text: str
    answer: str
    distractor: str
    template: str
    distributional: str = DISTRIBUTIONAL
    cluster: str = ""


PAPER_RECALL = Prompt(
    "When Mary and John went to a store, John gave a drink to", " Mary", " John", f"{OPENINGS[0]} {GIVINGS[0]}"
)
"""P1's example."""
PAPER_FACT = Prompt("Madrid is located in", " Spain", " France", FACT_TEMPLATES[0])
"""P2's example."""


@checked
def recall_prompts(count: Count, *, seed: Seed, held_out: HeldOut = "both") -> tuple[Prompt, ...]:
    """Different prompts of indirect object identification; in every other one the giver is named first.

    Args:
        count: how many, >= 1.
        seed: of the draw, >= 0.
        held_out: "nothing" for names and templates that pocket Pythia was trained on, "names", "templates", or "both"
            for those that it was not (see HELD_OUT). For other models it does not matter.

    Raises:
        TypeError, ValueError: another argument, or more prompts than there are.
    """
    names = HELD_OUT_NAMES if held_out in ("names", "both") else TRAINED_NAMES
    unseen = held_out in ("templates", "both")
    openings, givings = (HELD_OUT_OPENINGS, HELD_OUT_GIVINGS) if unseen else (OPENINGS, GIVINGS)
    most = len(names) * (len(names) - 1) * len(openings) * len(givings) * len(PLACES) * len(THINGS)
    pick = picker(count, most, seed, 1 + HELD_OUT.index(held_out))
    found: dict[str, Prompt] = {}
    while len(found) < count:
        receiver, giver = pick.several(names, 2)
        first, second = (giver, receiver) if len(found) % 2 else (receiver, giver)
        opening, giving = pick.of(openings), pick.of(givings)
        start = opening.format(a=first, b=second, place=pick.of(PLACES))
        text = f"{start} {giving.format(s=giver, thing=pick.of(THINGS))}"
        found.setdefault(text, Prompt(text, f" {receiver}", f" {giver}", f"{opening} {giving}"))
    return tuple(found.values())


@checked
def fact_prompts(
    count: Count | None = None, *, seed: Seed, held_out: Literal["nothing", "templates", "both"] = "both"
) -> tuple[Prompt, ...]:
    """Different prompts of factual recall, those of one city after each other.

    Args:
        count: how many, >= 1; None means all.
        seed: of the draw (which cities, in which order, with which distractors), >= 0.
        held_out: "both" or "templates" for pairs of city and template that pocket Pythia was not trained on, "nothing"
            for those that it was ("names" of cities that it does not know make no prompts).

    Raises:
        TypeError, ValueError: another argument, or more prompts than there are.
    """
    pairs = [
        (city, template)
        for city in range(len(FACTS))
        for template in FACT_TEMPLATES
        if (template in held_out_templates(city)) == (held_out != "nothing")
    ]
    count = len(pairs) if count is None else count
    pick = picker(count, len(pairs), seed, 10 + (held_out != "nothing"))
    countries = tuple(country for _, country in FACTS)
    found = []
    order = pick.several(range(len(FACTS)), len(FACTS))
    for city, template in sorted(pairs, key=lambda pair: order.index(pair[0]))[:count]:
        name, country = FACTS[city]
        other = pick.of([wrong for wrong in countries if wrong != country])
        found.append(Prompt(template.format(city=name), f" {country}", f" {other}", template))
    return tuple(found)


@checked
def halves(count: Annotated[int, Ge(4)]) -> tuple[Integers, Integers]:
    """Places of two halves of a set of `count` prompts: one to choose on, the other to report on.

    The numbers 0 and 1, 2 and 3, … stay together: the two prompts of one city. The order is random otherwise.
    """
    require_bytes(f"count = {count}: places", 24 * count, CPU, "use fewer")
    places = np.arange(count)
    return places[places % 4 < 2], places[places % 4 >= 2]


def picker(count: int, most: int, seed: int, kind: int) -> Picker:
    """The draw of `count` prompts of a kind, of which there are so many at most; ValueError for more."""
    if count > most:
        raise ValueError(f"count must be at most {most}, the number of different prompts of this kind, got {count}")
    # A key of three words: the corpus of pocket Pythia is drawn from keys of two.
    return Picker(np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, kind, 0x50524F4D]))))
