"""What the tests of the three steps share: choices of reads, every sequence of a law, models with given weights."""

from itertools import product

import numpy as np
import torch
from hypothesis import strategies as st

from theory.birth.three_steps import BASIC, Reads

EPS = np.finfo(np.float64).eps
TOKENS = Reads(keys=("E1", "E"))
POSITIONS = Reads(keys=("E1", "E", "P"), query=("E", "P"))
NO_TOKENS = Reads(keys=("E1", "P"), query=("E", "P"))
COPIES = Reads(values=("E", "E1"), keys=("E1", "E"))
EVERYTHING = Reads(values=("E", "E1"), keys=("E1", "E", "P"), query=("E", "P"))
PARTLY = Reads(values=("E", "E1"), keys=("E1", "P"))
ALL_READS = [BASIC, TOKENS, POSITIONS, NO_TOKENS, COPIES, EVERYTHING, PARTLY]

sizes = st.tuples(st.integers(2, 40), st.integers(3, 14))


def every_sequence(N, T, first=None):
    """Tokens, target and 0-based trigger position of all sequences; of those with q = 0, y = 1 if `first`."""
    drawn = [
        (q, j, rest)
        for q, j in product([0] if first else range(N), range(T - 2))
        for rest in product([k for k in range(N) if k != q], repeat=T - 2)
        if not first or rest[j] == 1
    ]
    tokens = torch.tensor([[*rest[:j], q, *rest[j:], q] for q, j, rest in drawn])
    position = torch.tensor([j for _, j, _ in drawn])
    return tokens, tokens[torch.arange(len(drawn)), position + 1], position
