"""Chains from one's own data: counts of pairs, a text, rows in float32; the public `Chain`.

It is the `Chain` of `chains` with names for its tokens and with constructors. Whatever takes the one takes the other;
`shakespeare_chain` gives one without names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self, TypeAlias

import numpy as np
from annotated_types import Ge, MinLen
from numpy.typing import ArrayLike

from simulate.runtime.arguments import as_array
from simulate.runtime.arrays import Array, Floats, Integers
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Natural, checked

from . import chains

Name: TypeAlias = int | str
SHOWN = 10
"""Tokens that an error lists."""


@checked
@dataclass(frozen=True, eq=False)
class Chain(chains.Chain):
    """A Markov chain over M tokens.

    Args:
        transition: row-stochastic array of shape (M, M); row z is the distribution of the token after z. The row of the
            trigger is used nowhere but in the stationary distribution.
        initial: distribution of the first token, shape (M,); None means the stationary distribution of `transition`.
        names: what the tokens stand for, M distinct ints or strings, or None.

    A row of float64 may be off 1 by 4 M 2^-52. A row of float32 may be off by M 2^-23 and is divided by its sum: a sum
    of M numbers in float32 errs by at most M-1 roundings of 2^-24 and the quotients by one, M 2^-24 to first order.

    Raises:
        TypeError: an array that is not real, or names that are no ints or strings.
        ValueError: wrong shape, NaN, a negative entry, sums other than 1 beyond rounding, names of another number or
            one twice, or `initial` left out where the stationary distribution is not unique.
    """

    names: tuple[Name, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "transition", _from_float32("transition", self.transition))
        if self.initial is not None:
            object.__setattr__(self, "initial", _from_float32("initial", self.initial))
        super().__post_init__()
        if self.names is not None:
            object.__setattr__(self, "names", _as_names(self.names, len(self.transition)))

    @classmethod
    @checked
    def from_counts(
        cls,
        counts: ArrayLike,
        noise: Natural | None = None,
        smoothing: Annotated[float, Ge(0)] = 0.0,
        names: Sequence[Name] | str | None = None,
    ) -> Self:
        """The chain whose rows are the relative frequencies of `counts`; z_1 follows those of the pairs' first tokens.

        The noise token of a `Task` is its last. Where `noise` names another one, that one is moved behind the others,
        which keep their order; `names` and `token` then say where each token is. A `theory.Law` takes a noise token at
        any place and needs no move.

        Args:
            counts: shape (M, M), finite, >= 0: [a, b] is how often b came after a. Weights of any scale are as good.
            noise: None, or the token of `counts`, in 0..M-1, that is to be the last of the chain.
            smoothing: number >= 0 that is added to every count.
            names: what the tokens of `counts` stand for, in its order; None is their index there, 0..M-1.

        Raises:
            TypeError, ValueError: an argument of the wrong kind, shape or range; a token that begins no pair, so that
                its row has no law, where smoothing is 0.
        """
        pairs = _as_counts(counts)
        M = len(pairs)
        called = _as_names(range(M) if names is None else names, M)
        order = _with_last(noise, M)
        with np.errstate(over="ignore"):
            weights = pairs + smoothing
            starts = weights.sum(axis=1)
            total = starts.sum()
        if not np.isfinite(total):
            raise ValueError(f"counts must have a finite sum, got {total} with smoothing = {smoothing}")
        _require_starts(starts, None if names is None else called)
        transition = (weights / starts[:, None])[np.ix_(order, order)]
        return cls(transition, (starts / total)[order], tuple(called[token] for token in order))

    @classmethod
    @checked
    def from_text(
        cls, text: Annotated[str, MinLen(2)], noise: str | None = None, smoothing: Annotated[float, Ge(0)] = 0.0
    ) -> Self:
        """The chain of neighbouring characters of a text; its tokens are the text's characters by code point.

        Args:
            text: two characters or more.
            noise: None, or the character that is to be the last token, as in `from_counts`.
            smoothing: number >= 0 that is added to every count.

        Raises:
            TypeError, ValueError: an argument of the wrong kind or out of range, a noise character that the text does
                not have, or a last character that stands nowhere else, so that nothing follows it, without smoothing.
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        found, tokens = np.unique(points, return_inverse=True)
        characters, M = [chr(point) for point in found], len(found)
        if noise is not None and noise not in characters:
            raise ValueError(f"noise must be a character of the text, one of {_listed(characters)}, got {noise!r}")
        require_bytes(f"text of {M} different characters: counts of pairs", 40 * M**2, CPU, "use fewer characters")
        pairs: Integers = np.bincount(tokens[:-1] * M + tokens[1:], minlength=M * M).reshape(M, M)
        return cls.from_counts(pairs, None if noise is None else characters.index(noise), smoothing, characters)

    @checked
    def token(self, name: Name) -> int:
        """The token that `name` stands for, or a ValueError."""
        if self.names is None:
            raise ValueError("names must be given to the chain for its tokens to be found by name, got None")
        if name not in self.names:
            raise ValueError(f"name must be one of {_listed(self.names)}, got {name!r}")
        return self.names.index(name)


def _listed(names: Sequence[Name]) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _from_float32(name: str, values: object) -> Array:
    """`values` as an array, float32 distributions in float64 with sum 1; rows that are far off stay so."""
    array = as_array(name, values, "iuf")
    if array.dtype != np.float32:
        return array
    wide: Floats = array.astype(np.float64)
    if wide.ndim == 0 or not np.isfinite(wide).all():
        return wide
    sums = wide.sum(axis=-1, keepdims=True)
    bound = wide.shape[-1] * float(np.finfo(np.float32).eps)
    return np.where(np.abs(sums - 1) <= bound, wide / np.where(sums > 0, sums, 1), wide)


def _as_counts(counts: object) -> Floats:
    array: Array = as_array("counts", counts, "iuf")
    if array.ndim != 2 or array.size == 0 or array.shape[0] != array.shape[1]:
        raise ValueError(f"counts must be a square (M, M) array, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("counts must be finite, got NaN or infinite entries")
    if (array < 0).any():
        raise ValueError(f"counts must be >= 0, the least is {array.min()}")
    return array.astype(np.float64)


def _with_last(noise: int | None, M: int) -> list[int]:
    """The tokens 0..M-1 with `noise` behind the others, if it is one of them."""
    order = list(range(M))
    if noise is not None:
        if noise >= M:
            raise ValueError(f"noise must be a token in 0..{M - 1}, got {noise}")
        order.append(order.pop(noise))
    return order


def _as_names(names: Sequence[Name], M: int) -> tuple[Name, ...]:
    called = tuple(names)
    if len(called) != M or len(set(called)) < M:
        raise ValueError(f"names must be {M} distinct ones, got {len(called)}, {len(set(called))} of them distinct")
    return called


def _require_starts(starts: Floats, names: Sequence[Name] | None) -> None:
    """ValueError that lists the rows of counts without any."""
    empty = np.flatnonzero(starts == 0).tolist()
    if not empty:
        return
    rows: list[str] = [str(row) if names is None else f"{row} ({names[row]!r})" for row in empty[:SHOWN]]
    more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
    raise ValueError(
        f"counts must have a pair that begins with each token, got none in row {', '.join(rows)}{more}; "
        "leave those tokens out, or give smoothing > 0"
    )
