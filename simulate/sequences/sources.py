"""What the samplers draw from: a law as alias tables, or a task on the uniform chain, which needs none.

One path draws all laws. Its tables are Walker's (`chains.alias_table`): a row for each previous token and one for the
first token. What follows the trigger is c or the noise token, or drawn from a table of its own over the M tokens and
one more outcome, "c".
"""

from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulate.runtime.arguments import require_drawable
from simulate.runtime.arrays import Floats
from theory.law import Law
from theory.task import Task

from .chains import Chain, alias_table, as_chain

Tables: TypeAlias = tuple[Floats, NDArray[np.integer]]
"""Alias tables (cut, alias): of one distribution (M,), or of several, one per row."""


@dataclass(frozen=True, eq=False)
class Source:
    """A law of sequences in the form that samplers read.

    Attributes:
        M, T, q, alpha: number of tokens, length, trigger, noise level.
        answers: the number K where the correct token is uniform on 0..K-1, else the tables of its law.
        noise: the noise token where there is one alone, else tables (M+1,) of what follows the trigger: the tokens
            with probabilities α ν, and c as outcome M with probability 1-α.
        walk: tables (M+1, M) of the chain, those of the first token in row M; None is the uniform chain of a `Task`.
    """

    M: int
    T: int
    q: int
    alpha: float
    answers: int | Tables
    noise: int | Tables
    walk: Tables | None


_KNOWN: WeakKeyDictionary[Law, Source] = WeakKeyDictionary()
"""Of the laws that are alive: their tables take longer to make than a small batch to draw."""


def as_source(law: Task | Law, chain: ArrayLike | Chain | None = None) -> Source:
    """The source of a `Law`, or of a `Task` on the uniform chain or on `chain`; an error that names what is wrong."""
    require_drawable(law)
    if not isinstance(law, Law):
        links = as_chain(law, chain)
        return _of_uniform(law) if links is None else _of_chain(law, links)
    if chain is not None:
        raise ValueError(f"chain must be None where a theory.Law is given, which has its own, got {chain!r:.80}")
    if law not in _KNOWN:
        _KNOWN[law] = _of_law(law)
    return _KNOWN[law]


def _of_uniform(task: Task) -> Source:
    return Source(task.M, task.T, task.q, float(task.alpha), task.N, task.tau, None)


def _of_chain(task: Task, chain: Chain) -> Source:
    return Source(task.M, task.T, task.q, float(task.alpha), task.N, task.tau, chain.alias_tables)


def _of_law(law: Law) -> Source:
    rows, first, answers, noise = (
        np.array(array, dtype=np.float64) for array in (law.chain, law.first, law.answers, law.noise)
    )
    alpha = float(law.alpha)
    possible, noisy = np.count_nonzero(answers), np.flatnonzero(noise)
    equal = answers[0] > 0 and (answers[:possible] == answers[0]).all()
    correct = int(possible) if equal else alias_table(answers)
    tau = int(noisy[0]) if len(noisy) == 1 else alias_table(np.append(alpha * noise, 1 - alpha))
    walk = None if _is_uniform(rows, first, correct, tau, law.q) else Chain(rows, first).alias_tables
    return Source(law.M, law.T, law.q, alpha, correct, tau, walk)


def _is_uniform(rows: Floats, first: Floats, correct: int | Tables, tau: int | Tables, q: int) -> bool:
    """Whether the law is that of a `Task` on the uniform chain."""
    N = len(rows) - 1
    if correct != N or tau != N or q == N or N < 2:
        return False
    drawn = np.vstack([np.delete(rows, q, axis=0), first])
    return bool((drawn == np.append(np.full(N, 1 / N), 0.0)).all())
