"""The task description: the one thing that exact theory and simulation share."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from .arguments import Natural, Probability, Size, checked
from .arrays import Integers, Table
from .scalars import RealNumber as RealNumber


def as_snapshots(marks: Table, steps: int) -> Integers:
    """Integers as strictly increasing numbers of steps in 0..steps, shape (S,), or a ValueError."""
    if marks.ndim != 1 or marks.size == 0:
        raise ValueError(f"snapshots must have shape (S,) with S >= 1, got {marks.shape}")
    if marks.min() < 0 or marks.max() > steps:
        raise ValueError(f"snapshots must be in 0..{steps}, got {marks.min()}..{marks.max()}")
    if (marks[1:] <= marks[:-1]).any():
        raise ValueError("snapshots must be strictly increasing")
    return marks.astype(np.int64)


Layer: TypeAlias = Literal["feed_forward", "attention_value"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
"""The two trained matrices whose gradients are studied: W_F and W_V."""


@checked
@dataclass(frozen=True)
class Task:
    """Noisy in-context recall on the uniform chain.

    Tokens are 0-based: ordinary tokens 0..N-1 and the generic noise token τ = N.
    c ~ Unif{0..N-1}; z_1 ~ Unif{0..N-1}; for t = 2..T-1 the token after the trigger q is c with
    probability 1-α and τ with probability α, the token after anything else is Unif{0..N-1};
    z_T = q; the target y is c with probability 1-α and τ with probability α, given c independent of z.
    The correct token may be the trigger (c = q, probability 1/N).

    Args:
        N: number of ordinary tokens, N >= 2.
        T: sequence length, T >= 2.
        alpha: noise level in [0, 1]; an int, Fraction or other rational stays exact, a float stays a float.
        trigger: the trigger token q, in 0..N-1.

    Raises:
        TypeError: an argument of the wrong kind (bool, str, a non-integer N, T or trigger).
        ValueError: an argument outside its range, NaN included.

    Source: Chen, Bruna, Bietti (ICLR 2025), the noisy in-context recall task.
    """

    N: Size
    T: Size
    alpha: Probability
    trigger: Natural = 0

    def __post_init__(self) -> None:
        if self.trigger >= self.N:
            raise ValueError(f"trigger must be an ordinary token in 0..N-1 = 0..{self.N - 1}, got {self.trigger}")

    @property
    def M(self) -> int:
        """Vocabulary size N + 1 (noise token included)."""
        return self.N + 1

    @property
    def tau(self) -> int:
        """The noise token, N."""
        return self.N

    @property
    def q(self) -> int:
        """The trigger token."""
        return self.trigger
