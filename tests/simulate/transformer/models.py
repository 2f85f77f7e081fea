"""Models that the tests of the transformer share: one of each kind of architecture."""

import pytest
import torch

from simulate import Architecture, Hidden, initialised

M, T, D, BATCH = 13, 11, 7, 5
SIX = {"W_K1", "W_V1", "W_O1", "W_K2", "W_V2", "W_O2"}
F1, F2 = Hidden(3), Hidden(17)
CASES = {  # and the weights that learn
    "attention alone": (Architecture(M, T, D), SIX),
    "F1": (Architecture(M, T, D, F1=F1), SIX | {"F1.w1", "F1.w2"}),
    "F2": (Architecture(M, T, D, F2=F2), SIX | {"F2.w1", "F2.w2"}),
    "linear": (Architecture(M, T, D, Hidden(3, "linear"), F2), SIX | {"F1.w1", "F1.w2", "F2.w1", "F2.w2"}),
    "learned positions": (Architecture(M, T, D, F2=Hidden(17, "linear"), positions="learned", frozen=("F2.w1",)),
                          SIX | {"P", "F2.w2"}),
    "some frozen": (Architecture(M, T, D, F1, F2, frozen=("P", "E", "W_V1", "F1.w2")),
                    SIX - {"W_V1"} | {"F1.w1", "F2.w1", "F2.w2"}),
}  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES)


def made(case, seed=1, **options):
    return initialised(CASES[case][0], seed=seed, **{"dtype": torch.float64, **options})


def random_tokens(length=T, seed=2, batch=BATCH):
    return torch.randint(M, (batch, length), generator=torch.Generator().manual_seed(seed))
