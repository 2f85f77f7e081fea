"""Sequences of a general law, for the training of transformers: any chain, any answers, any noise.

As `Recall` with one trigger that z_T is replaced by, but for two things: the correct token c follows the law's answers,
and the noise its noise law ν, which may be spread over tokens. z_{T+1}, the last target, is c or noise too.

Source: Chen, Bruna, Bietti (ICLR 2025), the noisy in-context recall task, here for every distribution.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numba import njit
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import NDArray

from simulate.runtime.arrays import Floats, Integers
from simulate.runtime.device import resolve_device
from theory.arguments import Count, Natural, Seed, checked
from theory.law import Law

from .chains import Chain, alias_table
from .recall import Outputs, Recall, RecallBatch, require_batch


@checked
@dataclass(frozen=True, eq=False)
class LawRecall(Recall):
    """The `Recall` that a law is.

    Args:
        law: the law.

    Attributes: those of `Recall`, all of them the law's. `noise` is the noise token, or None where ν is spread over
    several (`noises`); `outputs` means nothing here: c follows `law.answers`.

    Raises:
        TypeError: not a law.
    """

    law: Law
    chain: Chain = field(init=False)
    T: int = field(init=False)
    triggers: tuple[int, ...] = field(init=False)
    alpha: float = field(init=False)
    noise: int | None = field(init=False)
    outputs: Outputs = field(init=False, default="uniform")
    ends_on_trigger: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        law = self.law
        chain = Chain(law.chain.astype(np.float64), law.first.astype(np.float64))
        known = {"chain": chain, "T": law.T, "triggers": (law.q,), "alpha": float(law.alpha)}
        known["noise"] = self.noises[0] if len(self.noises) == 1 else None
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @cached_property
    def noises(self) -> tuple[int, ...]:
        """The tokens that ν can draw."""
        return tuple(int(token) for token in np.flatnonzero(self.law.noise > 0))

    @property
    def configuration(self) -> dict[str, object]:
        """All of it in JSON's types, the distributions by their hash."""
        law = self.law
        parts = (law.chain, law.first, law.answers, law.noise)
        digest = hashlib.sha256(b"".join(part.astype(np.float64).tobytes() for part in parts))
        return {"T": self.T, "trigger": law.q, "alpha": self.alpha, "law": digest.hexdigest()}

    @checked
    def sample(self, batch: Count, *, seed: Seed, index: Natural = 0, device: str = "cpu") -> RecallBatch:
        """As `Recall.sample`, with the same arguments and errors; the random numbers are others."""
        place = resolve_device(device)
        require_batch(self, batch)
        draws = Generator(SFC64(SeedSequence(entropy=seed, spawn_key=(index,))))
        correct = draws.choice(self.M, size=batch, p=self.law.answers.astype(np.float64))
        tokens = np.empty((batch, self.T + 1), dtype=np.int64)
        _walk(tokens, correct, self.law.q, self.alpha, *self._tables, draws)
        answers = np.full((batch, self.M), -1)
        answers[:, self.law.q] = correct
        at = tokens[:, :-1] == self.law.q
        repeated, shown = at & _earlier(at), at & _earlier(at & (tokens[:, 1:] == correct[:, None]))
        repeated[:, -2] = False  # z_T is replaced: no law draws what follows z_{T-1}
        parts = [torch.from_numpy(array) for array in (tokens, answers, repeated, shown)]
        return RecallBatch(parts[0], parts[1], parts[2], parts[3], self.noise).to(place)

    @property
    def sequence_bytes(self) -> int:
        """Bytes of memory that a sequence takes while its batch is drawn."""
        return 40 * self.T + 8 * self.M

    @cached_property
    def _tables(self) -> tuple[Floats, Integers]:
        """Alias tables (cut, alias), (M+2, M): the rows of the chain, the law of the first token, ν."""
        cut, alias = self.chain.alias_tables
        of_noise = alias_table(self.law.noise.astype(np.float64))
        return np.vstack([cut, of_noise[0]]), np.vstack([alias, of_noise[1]]).astype(np.int64)


def _earlier(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where something marked stands at an earlier position of the same row; shape (batch, T)."""
    return np.greater(np.cumsum(marked, axis=1), marked)


@njit(nogil=True, cache=True)
def _walk(tokens, correct, q, alpha, cut, alias, uniforms):  # type: ignore[no-untyped-def]
    """Draw sequences, z_T made q and one more drawn after it, one uniform number per token."""
    rows, length = tokens.shape
    M = cut.shape[1]
    for row in range(rows):
        previous = q
        for t in range(length):
            u = uniforms.random()
            table = M if t == 0 else previous
            if t > 0 and previous == q:
                table = M + 1 if u < alpha else -1
                u /= alpha if u < alpha else 1.0  # uniform again, given that it is noise
            if table < 0:
                previous = correct[row]
            else:
                x = u * M
                k = min(np.int64(x), M - 1)  # the quotient may round to 1
                previous = k if x < cut[table, k] else alias[table, k]
            if t == length - 2:
                previous = q
            tokens[row, t] = previous
