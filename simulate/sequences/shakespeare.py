"""The bigram chain of tiny Shakespeare, the reference chain of both papers' experiments.

Data: counts of pairs of neighbouring characters in the public-domain text of karpathy/char-rnn, 1,115,394 characters.
"""

import csv
from functools import cache
from typing import NamedTuple

import numpy as np

from simulate.runtime.shipped import shipped_file
from theory.arguments import checked

from .chains import Chain


@checked
class CharacterChain(NamedTuple):
    """A chain over characters, in the order of their code points."""

    chain: Chain
    characters: str


@cache
def shakespeare_chain() -> CharacterChain:
    """The chain whose rows are the bigram frequencies; the first token follows the characters' frequencies.

    Raises:
        ValueError: the table is not as it was shipped; it is named.   OSError: it cannot be read.
    """
    lines = shipped_file("tinyshakespeare_bigrams.csv").read_text(encoding="ascii").splitlines()
    rows = [tuple(map(int, row)) for row in list(csv.reader(lines))[1:]]
    characters = sorted({point for first, second, _ in rows for point in (first, second)})
    index = {point: token for token, point in enumerate(characters)}
    counts = np.zeros((len(characters), len(characters)))
    for first, second, count in rows:
        counts[index[first], index[second]] = count
    # Every character but the last of the text begins one pair: row sums are the characters' frequencies.
    starts = counts.sum(axis=1)
    return CharacterChain(Chain(counts / starts[:, None], starts / starts.sum()), "".join(map(chr, characters)))
