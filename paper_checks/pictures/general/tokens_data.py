"""The numbers of the picture of G5: the first key-query step of every token, on chains from uniform to Shakespeare."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from paper_checks.experiments.general.laws import mixed_law
from simulate.runtime.arrays import Floats
from simulate.sequences import shakespeare_chain
from theory import general
from theory.general import WithinSequences

REFERENCE = Fraction(1, 2)
"""The noise level at which the order of tokens is stated."""


class Panel(NamedTuple):
    """One chain (1-λ) Unif + λ Shakespeare at uniform output probabilities.

    Attributes:
        share, alpha, length: λ, α and T.
        names: of the tokens, M of them.
        trigger, noise: which of these are q and τ.
        frequency: mean share of the positions of a sequence that are the token, shape (M,).
        token, previous: K[E(a)] and K[P(a)], shape (M,).
        by_frequency: κ C, what frequency alone gives of both, shape (2M,).
    """

    share: float
    alpha: float
    length: int
    names: Sequence[str]
    trigger: int
    noise: int
    frequency: Floats
    token: Floats
    previous: Floats
    by_frequency: Floats

    @property
    def ordinary(self) -> Floats:
        """K[E(a)] of all tokens but q and τ."""
        return np.delete(self.token, [self.trigger, self.noise])

    @property
    def remainder(self) -> float:
        """The largest |K - κ C| over the largest |K|: what depends on the answers."""
        found = np.concatenate([self.token, self.previous])
        return float(np.abs(found - self.by_frequency).max() / np.abs(found).max())


def panel(share: Fraction, alpha: Fraction, length: int) -> Panel:
    """The exact values of one chain, in floats."""
    law = mixed_law(float(share), float(alpha), length)
    found, parts = general.key_query_gradient(law), general.decomposition(law)
    M, noise = law.M, int(np.argmax(law.noise))
    frequency = law.answers @ WithinSequences.of(law).means[:, :M]
    names = [
        character if character.isprintable() else repr(character)[1:-1] for character in shakespeare_chain().characters
    ]
    values = np.asarray(frequency), found[:M], found[M:], np.asarray(parts.strength * parts.frequency)
    return Panel(float(share), float(alpha), length, names, law.q, noise, *values)


def disagreements(panels: Sequence[Panel]) -> list[str]:
    """Where G5 does not hold at α = 1/2 and T = 256, where it says which token is highest or lowest."""
    found = []
    for one in panels:
        noise, rest = one.token[one.noise], one.ordinary
        if (one.alpha, one.length) != (float(REFERENCE), 256):
            continue
        if one.share == 0 and not noise < min(rest.min(), one.token[one.trigger]):
            found.append("uniform chain: K[E(τ)] is not the least K[E(a)]")
        if one.share == 1 and not noise > rest.max():
            found.append("Shakespeare: K[E(τ)] is not above K[E(a)] of every ordinary token")
    return found
