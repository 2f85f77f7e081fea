"""General chains over the N+1 tokens: validation, stationary distribution, alias tables."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from simulate.runtime.arguments import RealArray, as_array, as_stochastic
from simulate.runtime.arrays import Floats, Integers
from theory.arguments import checked
from theory.task import Task


def _recurrent_classes(transition: Floats) -> list[NDArray[np.intp]]:
    """The closed communicating classes of a chain, each as an array of states."""
    count, label = connected_components(csr_array(transition > 0), connection="strong")
    before, after = np.nonzero(transition)
    transient = label[before][label[before] != label[after]]
    return [np.flatnonzero(label == number) for number in np.setdiff1d(np.arange(count), transient)]


def stationary_distribution(transition: Floats) -> Floats:
    """The stationary distribution of a row-stochastic (M, M) array, shape (M,).

    State reduction (Grassmann, Taksar, Heyman): no subtraction, so no entry comes out negative.

    Raises:
        ValueError: there are several, because the chain has several recurrent classes.
    """
    classes = _recurrent_classes(transition)
    if len(classes) != 1:
        raise ValueError(
            f"transition of a chain has {len(classes)} recurrent classes and so no unique stationary distribution; "
            "give the distribution of the first token: Chain(transition, initial=...)"
        )
    states = classes[0]
    reduced = transition[np.ix_(states, states)].copy()
    for last in range(len(states) - 1, 0, -1):
        reduced[:last, last] /= reduced[last, :last].sum()
        reduced[:last, :last] += np.outer(reduced[:last, last], reduced[last, :last])
    weights = np.ones(len(states))
    for state in range(1, len(states)):
        weights[state] = weights[:state] @ reduced[:state, state]
    distribution = np.zeros(len(transition))
    distribution[states] = weights / weights.sum()
    return distribution


def alias_table(distribution: Floats) -> tuple[Floats, Integers]:
    """Walker's alias table (cut, alias) of one distribution, each of shape (M,).

    With u uniform in [0, 1), x = M u and k = ⌊x⌋, the token is k if x < cut[k] and alias[k] otherwise.
    """
    size = len(distribution)
    share = distribution * size
    cut, alias = np.arange(1.0, size + 1), np.arange(size)
    small = [k for k in range(size) if share[k] < 1]
    large = [k for k in range(size) if share[k] >= 1]
    while small and large:
        receiver, giver = small.pop(), large[-1]
        cut[receiver], alias[receiver] = receiver + share[receiver], giver
        share[giver] -= 1 - share[receiver]
        if share[giver] < 1:
            small.append(large.pop())
    return cut, alias


@checked
@dataclass(frozen=True, eq=False)
class Chain:
    """A Markov chain over all M = N+1 tokens.

    Args:
        transition: row-stochastic array of shape (M, M); row z is the distribution of the token after z. The row of the
            trigger is used nowhere but in the stationary distribution.
        initial: distribution of the first token, shape (M,); None means the stationary distribution of `transition`.

    Raises:
        TypeError: an array that is not real.
        ValueError: wrong shape, NaN, a negative entry, sums other than 1 beyond rounding, or `initial` left out where
            the stationary distribution is not unique.
    """

    transition: RealArray
    initial: RealArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "transition", as_stochastic("transition", self.transition, 2))
        if self.initial is None:
            start = stationary_distribution(self.transition)
        else:
            start = as_stochastic("initial", self.initial, 1)
            if start.shape != self.transition.shape[:1]:
                raise ValueError(f"initial must have shape {self.transition.shape[:1]}, got {start.shape}")
        start.flags.writeable = False
        object.__setattr__(self, "initial", start)

    @cached_property
    def alias_tables(self) -> tuple[Floats, NDArray[np.integer]]:
        """Alias tables (cut, alias), each (M+1, M): one row per previous token, and the last for the first token."""
        tables = [alias_table(row) for row in (*self.transition, np.asarray(self.initial))]
        # Small integers keep the tables in the processor's nearest cache.
        dtype = np.int16 if len(self.transition) < 2**15 else np.int64
        return np.array([cut for cut, _ in tables]), np.array([alias for _, alias in tables], dtype=dtype)


def as_chain(task: Task, chain: ArrayLike | Chain | None) -> Chain | None:
    """`chain` as a `Chain` that fits `task`, or None for the uniform chain."""
    if chain is None:
        return None
    transition = chain.transition if isinstance(chain, Chain) else as_array("chain", chain, "iuf")
    if transition.shape != (task.M, task.M):
        raise ValueError(f"chain must have shape (M, M) = {(task.M, task.M)}, got {transition.shape}")
    return chain if isinstance(chain, Chain) else Chain(as_stochastic("chain", transition, 2))
