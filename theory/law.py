"""The law of noisy in-context recall in general: any chain, any answers, any noise.

Tokens are 0..M-1. A law has a chain P, a trigger q, a law ρ of the correct token c, a noise law ν and a level α:
z_1 is drawn from the first token's law; the token after q is c with probability 1-α and else a draw from ν; the token
after any other z is drawn from P(·|z); z_T = q; the target y is c with probability 1-α, else a draw from ν, independent
of z given c. Given c the sequence is a chain whose row q is (1-α) e_c + α ν: of P, only that row depends on c.

Source: Chen, Bruna, Bietti (ICLR 2025), the noisy in-context recall task, here for every distribution.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from numbers import Integral, Rational, Real
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .arguments import Natural, Probability, Size, checked
from .arrays import Table
from .arrays import as_rectangular as as_rectangular
from .byte_limit import require_bytes
from .scalars import as_count, single
from .task import Task

UNIT = np.finfo(np.float64).eps
LARGEST = float(np.finfo(np.float64).max)


def as_numbers(name: str, values: object) -> Table:
    """`values` as an array of `Fraction`s (dtype object) if all are rational, else a float64 copy, or a TypeError."""
    array = as_rectangular(name, values)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    if array.dtype.kind not in "iuO":
        raise TypeError(f"{name} must be a real array, got dtype {array.dtype}")
    entries = array.ravel().tolist()
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, Real):
            raise TypeError(f"{name} must hold real numbers, got {entry!r} ({type(entry).__name__})")
    if not all(isinstance(entry, Rational) for entry in entries):
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise ValueError(f"{name} must be finite in float64, got a rational entry beyond it") from None
    exact: Table = np.empty(array.size, dtype=object)
    exact[:] = [Fraction(int(entry.numerator), int(entry.denominator)) for entry in entries]
    return exact.reshape(array.shape)


def as_distributions(name: str, values: object, shape: tuple[int, ...] | None = None) -> Table:
    """`values` as distributions along the last axis: `Fraction`s that sum to 1, or floats that do so up to rounding.

    Args:
        name: what errors call them.
        values: real numbers; where all are rational (integers included), they stay exact.
        shape: what is accepted; None is any square (M, M).

    Raises:
        TypeError: no array of real numbers.
        ValueError: another shape, NaN or infinite entries, negative ones, or sums other than 1. Floats may be off by
            4 M units of rounding, as dividing M counts by their total and adding up again is at most.
    """
    array = as_numbers(name, values)
    if shape is None and (array.ndim != 2 or array.size == 0 or array.shape[0] != array.shape[1]):
        raise ValueError(f"{name} must be a square (M, M) array, got shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if array.dtype != object and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    if (array < 0).any():
        raise ValueError(f"{name} must be >= 0, its least entry is {array.min()}")
    error = np.atleast_1d(np.abs(array.sum(axis=-1) - 1))
    bound = 0.0 if array.dtype == object else 4 * array.shape[-1] * UNIT
    if (error > bound).any():
        worst = int(np.argmax(error))
        where = f"row {worst}" if array.ndim == 2 else "its sum"
        raise ValueError(
            f"{name} must sum to 1 along its last axis within {bound:.1e}, "
            f"{where} is off by {float(min(error.max(), LARGEST)):.3e}"
        )
    return array


def _floats(array: Table) -> Table:
    """float64, each distribution divided by its sum unless that is 1 up to the rounding of the sum itself."""
    values = array.astype(np.float64)
    sums = values.sum(axis=-1, keepdims=True)
    return np.where(np.abs(sums - 1) <= values.shape[-1] * UNIT, values, values / sums)


def recurrent_classes(chain: Table) -> list[Table]:
    """The closed communicating classes of a chain (M, M), each as an array of its tokens."""
    positive = np.asarray(chain > 0, dtype=bool)
    count, label = connected_components(csr_array(positive), connection="strong")
    before, after = np.nonzero(positive)
    leaving = label[before][label[before] != label[after]]
    return [np.flatnonzero(label == number) for number in np.setdiff1d(np.arange(count), leaving)]


def recurrent_tokens(chains: Table) -> Table:
    """Which tokens a chain comes back to from wherever it may go, shape (A, M), for chains (A, M, M)."""
    M = chains.shape[-1]
    reached = (chains > 0) | np.eye(M, dtype=bool)
    for _ in range(M.bit_length()):  # paths of up to 2, 4, … steps
        reached = reached.astype(np.float32) @ reached.astype(np.float32) > 0
    recurrent: Table = ~np.any(reached & ~reached.swapaxes(1, 2), axis=2)
    return recurrent


def stationary_law(chain: Table) -> Table:
    """The stationary law of a chain (M, M), exact where the chain is; shape (M,).

    Tokens are censored one after another (Grassmann, Taksar, Heyman), which subtracts nothing.

    Raises:
        ValueError: several recurrent classes, so no unique stationary law.
    """
    classes = recurrent_classes(chain)
    if len(classes) != 1:
        raise ValueError(
            f"chain has {len(classes)} recurrent classes and so no unique stationary law; give the law of the first "
            "token: Law(chain, first=..., ...)"
        )
    (tokens,) = classes
    left = chain[np.ix_(tokens, tokens)].copy()
    entering = []  # weight of the censored token per unit of each token before it
    for last in range(len(tokens) - 1, 0, -1):
        entering.append(left[:last, last] / left[last, :last].sum())
        left = left[:last, :last] + np.multiply.outer(entering[-1], left[last, :last])
    weights = [1 + 0 * chain[0, 0]]
    for column in reversed(entering):
        weights.append(sum(weight * share for weight, share in zip(weights, column, strict=True)))
    law: Table = np.zeros(len(chain), dtype=chain.dtype) + 0 * chain[0]
    law[tokens] = np.array(weights, dtype=chain.dtype) / sum(weights)
    return law


@checked
@dataclass(frozen=True, eq=False)
class Law:
    """A law of sequences; see the head of this file.

    Args:
        chain: row-stochastic (M, M); row z is the law of the token after z. The trigger's row matters to `first` alone.
        T: sequence length, >= 2.
        trigger: the trigger token q, in 0..M-1.
        alpha: noise level in [0, 1].
        first: law of z_1, shape (M,); None is the stationary law of `chain`.
        answers: law ρ of the correct token, shape (M,); None is uniform on all M tokens.
        noise: the noise token, or the noise law ν, shape (M,).

    Attributes are the arguments, `first`, `answers` and `noise` as read-only arrays. If every number given is rational,
    so are they: arrays of `Fraction`s (`is_exact`), else float64.

    Raises:
        TypeError: an argument of the wrong kind.
        ValueError: an argument out of its range or of another shape, rows that are no distributions, or `first` left
            out where the stationary law is not unique.
    """

    chain: Table
    T: int
    trigger: int
    alpha: float | Fraction
    first: Table
    answers: Table
    noise: Table

    def __init__(
        self,
        chain: object,
        *,
        T: Size,
        trigger: Natural,
        alpha: Probability,
        first: object = None,
        answers: object = None,
        noise: object,
    ) -> None:
        rows = as_distributions("chain", chain)
        M, level = len(rows), alpha
        q = as_token("trigger", trigger, M)
        start = stationary_law(rows) if first is None else as_distributions("first", first, (M,))
        correct = _uniform(M) if answers is None else as_distributions("answers", answers, (M,))
        noisy = _as_noise(noise, M)
        arrays = {"chain": rows, "first": start, "answers": correct, "noise": noisy}
        if not (isinstance(level, Fraction) and all(array.dtype == object for array in arrays.values())):
            arrays, level = {name: _floats(array) for name, array in arrays.items()}, float(level)
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        for name, value in {"T": T, "trigger": q, "alpha": level}.items():
            object.__setattr__(self, name, value)

    @classmethod
    @checked
    def of_task(cls, task: Task, chain: object = None) -> "Law":
        """The law of a task, on the uniform chain or on a chain over its M = N+1 tokens (z_1 then stationary).

        Raises:
            TypeError, ValueError: not a task, or a chain that is none over its tokens.
        """
        N, M = task.N, task.M
        require_room(M, 150 * M**2)  # a Fraction takes about 130 bytes
        ordinary: Table = np.array([*_uniform(N), Fraction(0)], dtype=object)
        first = ordinary if chain is None else None
        rows = np.tile(ordinary, (M, 1)) if chain is None else as_distributions("chain", chain, (M, M))
        return cls(rows, T=task.T, trigger=task.q, alpha=task.alpha, first=first, answers=ordinary, noise=task.tau)

    @property
    def M(self) -> int:
        """Number of tokens."""
        return len(self.chain)

    @property
    def q(self) -> int:
        """The trigger token."""
        return self.trigger

    @property
    def is_exact(self) -> bool:
        """Whether every number is rational."""
        return self.chain.dtype == object

    @cached_property
    def in_floats(self) -> "Law":
        """The same law in float64."""
        return replace(self, alpha=float(self.alpha)) if self.is_exact else self

    @cached_property
    def targets(self) -> Table:
        """P(y = k | c), shape (M, M), a row for each c: (1-α) e_c + α ν, which is the chain's row q given c too."""
        own = (1 - self.alpha) * np.eye(self.M, dtype=int).astype(self.chain.dtype)
        return own + self.alpha * self.noise

    @cached_property
    def output(self) -> Table:
        """P(y = k) = (1-α) ρ_k + α ν_k, shape (M,)."""
        return (1 - self.alpha) * self.answers + self.alpha * self.noise

    @cached_property
    def chains(self) -> Table:
        """The chain given c, shape (M, M, M), first index c: `chain` with its row q replaced by `targets[c]`."""
        given = np.repeat(self.chain[None], self.M, axis=0)
        given[:, self.q] = self.targets
        return given


def _uniform(size: int) -> Table:
    values: Table = np.empty(size, dtype=object)
    values[:] = Fraction(1, size)
    return values


def as_token(name: str, value: object, M: int) -> int:
    """`value` as a token in 0..M-1, or an error that names `name`."""
    token = as_count(name, value, 0)
    if token >= M:
        raise ValueError(f"{name} must be a token in 0..{M - 1}, got {token}")
    return token


def _as_noise(noise: object, M: int) -> Table:
    """ν as an array (M,), from a law or from one token."""
    noise = single(noise)
    if isinstance(noise, Integral) and not isinstance(noise, bool):
        law = 0 * _uniform(M)
        law[as_token("noise", noise, M)] = Fraction(1)
        return law
    if not isinstance(noise, (Iterable, np.ndarray)):
        raise TypeError(f"noise must be a token or a law of shape ({M},), got {noise!r} ({type(noise).__name__})")
    return as_distributions("noise", noise, (M,))


AnyLaw: TypeAlias = Law | Task


def as_law(law: AnyLaw) -> Law:
    """`law` if it is a `Law`, the law of it if it is a `Task`."""
    return Law.of_task(law) if isinstance(law, Task) else law


def rational_law(law: AnyLaw, exact: bool) -> Law:
    """`law` as a `Law`, for exact=True one of rational numbers, or a TypeError."""
    known = as_law(law)
    if exact and not known.is_exact:
        raise TypeError(
            "exact=True needs a law of rational numbers (ints or fractions.Fraction in chain, first, answers, noise, "
            f"alpha), got floats; alpha={known.alpha!r}"
        )
    return known if exact else known.in_floats


def require_room(M: int, needed: int) -> None:
    """ValueError unless so many bytes can be had for the arrays of a law."""
    require_bytes(f"arrays of a law with M = {M} tokens", needed, "take fewer tokens")
