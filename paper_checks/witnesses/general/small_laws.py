"""Small random laws with rational numbers, of every kind that a general formula could get wrong."""

from fractions import Fraction
from typing import Any

import numpy as np

from theory.law import Law

KINDS = (
    "every entry positive",
    "zeros in rows",
    "an absorbing token",
    "a periodic chain",
    "two closed classes",
    "the trigger is the answer",
    "noise holds the trigger",
    "the trigger comes first",
    "no noise",
    "noise alone",
    "the trigger is never reached",
    "one answer",
)


def small_laws(number: int, seed: int) -> list[tuple[str, Law]]:
    """So many random laws with their kinds, which take turns: M in 2..4, T in 2..6, denominators up to 7.

    Args:
        number: how many, >= 1.
        seed: the same seed gives the same laws.
    """
    random = np.random.default_rng(seed)
    kinds = [KINDS[index % len(KINDS)] for index in range(number)]
    return [(kind, _small_law(kind, random)) for kind in kinds]


def _small_law(kind: str, random: np.random.Generator) -> Law:
    M, T = int(random.integers(2, 5)), int(random.integers(2, 7))
    if kind in ("two closed classes", "the trigger is never reached"):
        M = int(random.integers(3, 5))
    q = int(random.integers(M))
    zeros = kind != "every entry positive"
    unit = int(random.integers(2 if zeros else M, 8))
    chain = np.array([_distribution(M, unit, zeros, random) for _ in range(M)])
    first, answers = (_distribution(M, int(random.integers(M, 8)), zeros, random) for _ in range(2))
    noise = _distribution(M, int(random.integers(M, 7)), bool(random.integers(2)), random)
    numbers: dict[str, Any] = {"first": first, "answers": answers, "noise": noise}
    _shape(kind, chain, numbers, q, random)
    levels = {"no noise": Fraction(0), "noise alone": Fraction(1)}
    alpha = levels.get(kind, Fraction(int(random.integers(1, 5)), 5))
    return Law(chain, T=T, trigger=q, alpha=alpha, **numbers)


def _distribution(size: int, unit: int, zeros: bool, random: np.random.Generator) -> Any:
    """A distribution with entries in multiples of 1/unit, all of them positive unless `zeros` is set."""
    counts = np.zeros(size, dtype=int) if zeros else np.ones(size, dtype=int)
    counts += random.multinomial(unit - counts.sum(), np.full(size, 1 / size))
    return np.array([Fraction(int(count), unit) for count in counts], dtype=object)


def _one(size: int, token: int) -> Any:
    return np.array([Fraction(int(other == token)) for other in range(size)], dtype=object)


def _shape(kind: str, chain: Any, numbers: dict[str, Any], q: int, random: np.random.Generator) -> None:
    """Gives the chain, and the other laws by their names, what the kind says; in place."""
    M = len(chain)
    others = [token for token in range(M) if token != q]
    if kind == "an absorbing token":
        token = int(random.choice(others))
        chain[token] = _one(M, token)
    elif kind == "a periodic chain":
        order = random.permutation(M)
        for token, after in zip(order, np.roll(order, -1), strict=True):
            chain[token] = _one(M, int(after))
        numbers["first"] = _one(M, int(random.integers(M)))
    elif kind == "two closed classes":
        for token in others[:2]:
            chain[token] = _one(M, token)
    elif kind == "the trigger is the answer":
        numbers["answers"] = _one(M, q)
    elif kind == "noise holds the trigger":
        numbers["noise"] = (numbers["noise"] + _one(M, q)) / 2
    elif kind == "the trigger comes first":
        numbers["first"] = _one(M, q)
    elif kind == "one answer":
        numbers["answers"] = _one(M, int(random.integers(M)))
    elif kind == "the trigger is never reached":
        _never_reach(q, others, chain, numbers["first"])


def _never_reach(q: int, others: list[int], chain: Any, first: Any) -> None:
    """What led to the trigger leads to another token; in place."""
    for number, token in enumerate(others):
        instead = others[number - 1]
        chain[token, instead] += chain[token, q]
        chain[token, q] = Fraction(0)
    first[others[0]] += first[q]
    first[q] = Fraction(0)
