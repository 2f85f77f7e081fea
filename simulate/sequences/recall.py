"""Sequences of in-context recall in general: several triggers, fixed or drawn, any chain, with noise or without.

A sequence has a set Q of triggers, each with its output c_q. z_1 follows the chain's initial law; the token after
q in Q is c_q with probability 1-α and the noise token τ with probability α; the one after any other follows the chain.
One token more than T is drawn: each of the T positions has a next token.

Source: Bietti et al. (NeurIPS 2023), the bigram data with triggers; Chen, Bruna, Bietti (ICLR 2025), its noisy version.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

import numpy as np
import torch
from annotated_types import Interval
from numba import njit
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

from simulate.runtime.arguments import require_drawable
from simulate.runtime.arrays import Floats, Integers
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.device import resolve_device
from theory.arguments import Count, Natural, Seed, Size, checked
from theory.task import Task

from .chains import Chain, as_chain

Outputs: TypeAlias = Literal["uniform", "chain"]
LITTLE = 2**22
"""Bytes for which the system is not asked whether it has them: asking takes as long as drawing a batch."""


@checked
@dataclass(frozen=True, eq=False)
class Recall:
    """A law of sequences.

    Args:
        chain: the chain over all M tokens.
        T: length, >= 2.
        triggers: the triggers Q, distinct tokens; or their number K in 1..M, drawn anew for each sequence, without
            repetition, from the chain's initial law.
        alpha: noise level in [0, 1].
        noise: the noise token τ, no fixed trigger; None needs alpha = 0. It is never an output c_q nor a drawn trigger.
        outputs: law of c_q: "uniform" on the tokens other than τ, or "chain", the chain's row of q without τ.
        ends_on_trigger: whether z_T is replaced by a uniform element of Q, as in the task of the theory.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, more triggers than tokens included.
    """

    chain: Chain
    T: Size
    triggers: tuple[Natural, ...] | Count
    alpha: Annotated[float, Interval(ge=0, le=1)] = 0.0
    noise: Natural | None = None
    outputs: Outputs = "uniform"
    ends_on_trigger: bool = False

    def __post_init__(self) -> None:
        M = self.M
        if self.noise is None and self.alpha > 0:
            raise ValueError(f"noise must be a token where alpha > 0, got None and alpha = {self.alpha}")
        if self.noise is not None and self.noise >= M:
            raise ValueError(f"noise must be a token in 0..{M - 1}, got {self.noise}")
        self._check_triggers(M - (self.noise is not None))
        if not np.isfinite(self._output_laws).all():
            raise ValueError("outputs must have a law after every token, but the chain's row of one holds τ alone")

    def _check_triggers(self, most: int) -> None:
        if isinstance(self.triggers, tuple):
            named = self.triggers
            if not named or len(set(named)) < len(named) or max(named) >= self.M or self.noise in named:
                raise ValueError(
                    f"triggers must be distinct tokens in 0..{self.M - 1}, one or more, without τ = {self.noise}, "
                    f"got {self.triggers}"
                )
            return
        count = self.triggers
        initial = np.asarray(self.chain.initial)
        possible = int((initial[self._ordinary] > 0).sum())
        if count > min(most, possible):
            raise ValueError(f"triggers must be at most {min(most, possible)}, the ordinary tokens, got {count}")

    @classmethod
    @checked
    def of_task(cls, task: Task, chain: ArrayLike | Chain | None = None, count: Count = 1) -> "Recall":
        """The noisy in-context recall task; with `count` triggers q, q+1, … mod N, on the uniform chain by default.

        Raises:
            TypeError, ValueError: an argument of the wrong kind, more triggers than ordinary tokens, or a chain over
                other tokens than the task's.
        """
        require_drawable(task)
        links = as_chain(task, chain)
        if count > task.N:
            raise ValueError(f"count must be at most N = {task.N} triggers, got {count}")
        if links is None:
            what = f"task of N = {task.N} tokens: laws of the next token"
            require_bytes(what, 8 * 4 * task.M**2, CPU, "use fewer tokens, or simulate.sample")
            uniform = np.append(np.full(task.N, 1 / task.N), 0.0)
            links = Chain(np.tile(uniform, (task.M, 1)), uniform)
        triggers = tuple((task.q + k) % task.N for k in range(count))
        return cls(links, task.T, triggers, float(task.alpha), task.tau, ends_on_trigger=True)

    @property
    def M(self) -> int:
        """Number of tokens."""
        return len(self.chain.transition)

    @property
    def _ordinary(self) -> NDArray[np.bool_]:
        ordinary: NDArray[np.bool_] = np.arange(self.M) != (-1 if self.noise is None else self.noise)
        return ordinary

    @cached_property
    def _output_laws(self) -> Floats:
        """Cumulative law of the output of each token, shape (M, M)."""
        laws = np.ones((self.M, self.M)) if self.outputs == "uniform" else self.chain.transition.copy()
        laws *= self._ordinary
        with np.errstate(invalid="ignore"):
            laws /= laws.sum(axis=1, keepdims=True)
        sums: Floats = np.cumsum(laws, axis=1)
        return sums

    @property
    def configuration(self) -> dict[str, object]:
        """All of it in JSON's types, the chain by its hash."""
        digest = hashlib.sha256(self.chain.transition.tobytes() + np.asarray(self.chain.initial).tobytes())
        names = ("T", "triggers", "alpha", "noise", "outputs", "ends_on_trigger")
        return {name: getattr(self, name) for name in names} | {"chain": digest.hexdigest()}

    @checked
    def sample(self, batch: Count, *, seed: Seed, index: Natural = 0, device: str = "cpu") -> "RecallBatch":
        """Draw a batch on the CPU and move it to `device`: the same seed and index give the same batch everywhere.

        Args:
            batch: number of sequences, >= 1.
            seed: a non-negative int.   index: number of the batch in the seed's stream of independent batches.
            device: as for `simulate.sample`.

        Raises:
            TypeError, ValueError: an argument of the wrong kind or out of range, an unavailable device, or a batch too
                large for the memory.
        """
        place = resolve_device(device)
        require_batch(self, batch)
        draws = Generator(SFC64(SeedSequence(entropy=seed, spawn_key=(index,))))
        answers = self._answers(batch, draws)
        tokens = np.empty((batch, self.T + 1), dtype=np.int64)
        tau = -1 if self.noise is None else self.noise
        last = self._last(answers, draws) if self.ends_on_trigger else np.full(batch, -1)
        repeated, shown = np.zeros((2, batch, self.T), dtype=np.bool_)
        walk(tokens, answers, last, tau, self.alpha, *self.chain.alias_tables, draws)
        _mark(tokens, answers, repeated, shown)
        repeated[:, -2] &= not self.ends_on_trigger  # what follows it is not drawn by its law
        places = [torch.from_numpy(array) for array in (tokens, answers, repeated, shown)]
        return RecallBatch(places[0], places[1], places[2], places[3], self.noise).to(place)

    @property
    def sequence_bytes(self) -> int:
        """Bytes of memory that a sequence takes while its batch is drawn."""
        count = len(self.triggers) if isinstance(self.triggers, tuple) else self.triggers
        return 24 * self.T + 40 * self.M + 9 * count * self.M

    def _answers(self, batch: int, draws: Generator) -> Integers:
        """c_q of each sequence by token, -1 for tokens that are no trigger, shape (batch, M)."""
        if isinstance(self.triggers, tuple):
            chosen = np.tile(np.array(self.triggers), (batch, 1))
        else:
            # The K first arrivals of exponential clocks with the law's rates: a draw without repetition.
            rates = np.where(self._ordinary, np.asarray(self.chain.initial), 0.0)
            with np.errstate(divide="ignore"):
                arrivals = draws.standard_exponential((batch, self.M)) / rates
            chosen = np.argsort(arrivals, axis=1)[:, : self.triggers]
        uniforms = draws.random(chosen.shape)
        outputs = (self._output_laws[chosen] <= uniforms[:, :, None]).sum(axis=2)
        answers = np.full((batch, self.M), -1)
        np.put_along_axis(answers, chosen, np.minimum(outputs, self._largest_outputs[chosen]), axis=1)
        return answers

    @cached_property
    def _largest_outputs(self) -> Integers:
        """The last possible output of each token: a uniform number above the rounded total goes there."""
        possible = np.diff(self._output_laws, axis=1, prepend=0) > 0
        last: Integers = self.M - 1 - np.argmax(possible[:, ::-1], axis=1)
        return last

    def _last(self, answers: Integers, draws: Generator) -> Integers:
        """A uniform trigger of each sequence."""
        order = draws.random(answers.shape) + (answers < 0)
        first: Integers = np.argmin(order, axis=1)
        return first


@checked
@dataclass(frozen=True, eq=False)
class RecallBatch:
    """Sequences, int64 tensors on one device.

    Attributes:
        sequence: z_1..z_{T+1}, shape (batch, T+1).
        answers: c_q by token, -1 where the token is no trigger of the sequence, shape (batch, M).
        repeated: positions t <= T that hold a trigger which stood earlier too, bool, shape (batch, T); without position
            T-1 where z_T is replaced, since no law draws what follows there.
        shown: positions that hold a trigger q which was followed by c_q earlier, bool, shape (batch, T).
        noise: the noise token τ, or None.
    """

    sequence: torch.Tensor
    answers: torch.Tensor
    repeated: torch.Tensor
    shown: torch.Tensor
    noise: Natural | None

    @checked
    def to(self, device: torch.device) -> "RecallBatch":
        """The batch on another device."""
        places = [part.to(device) for part in (self.sequence, self.answers, self.repeated, self.shown)]
        return RecallBatch(places[0], places[1], places[2], places[3], self.noise)

    @property
    def tokens(self) -> torch.Tensor:
        """z_1..z_T, shape (batch, T)."""
        return self.sequence[:, :-1]

    @property
    def following(self) -> torch.Tensor:
        """z_2..z_{T+1}, the targets, shape (batch, T)."""
        return self.sequence[:, 1:]

    @property
    def correct(self) -> torch.Tensor:
        """c_q at positions that hold a trigger q, -1 elsewhere, shape (batch, T)."""
        return self.answers.gather(1, self.tokens)

    @property
    def everywhere(self) -> torch.Tensor:
        """All positions, bool, shape (batch, T)."""
        return torch.ones_like(self.tokens, dtype=torch.bool)


def require_batch(law: Recall, batch: int) -> None:
    """ValueError unless the memory holds a batch of so many sequences while it is drawn."""
    needed = batch * law.sequence_bytes
    if needed > LITTLE:
        require_bytes(f"batch = {batch} sequences of T = {law.T} tokens", needed, CPU, "use a smaller batch")


@njit(nogil=True, cache=True)
def walk(tokens, answers, last, tau, alpha, cut, alias, uniforms):  # type: ignore[no-untyped-def]
    """Draw sequences, one uniform number per token."""
    rows, length = tokens.shape
    M = answers.shape[1]
    for row in range(rows):
        previous = np.int64(M)  # the table of the first token
        for t in range(length):
            u = uniforms.random()
            if previous < M and answers[row, previous] >= 0:
                token = np.int64(tau) if u < alpha else answers[row, previous]
            else:
                x = u * M
                k = np.int64(x)
                token = k if x < cut[previous, k] else np.int64(alias[previous, k])
            if t == length - 2 and last[row] >= 0:
                token = last[row]
            tokens[row, t] = token
            previous = token


@njit(nogil=True, cache=True)
def _mark(tokens, answers, repeated, shown):  # type: ignore[no-untyped-def]
    """Where a trigger stands that stood earlier, and where its output was shown earlier."""
    rows, length = tokens.shape
    M = answers.shape[1]
    for row in range(rows):
        seen, answered = np.zeros(M, dtype=np.bool_), np.zeros(M, dtype=np.bool_)
        for t in range(length - 1):
            token = tokens[row, t]
            if answers[row, token] >= 0:
                repeated[row, t], shown[row, t] = seen[token], answered[token]
                seen[token] = True
                answered[token] |= tokens[row, t + 1] == answers[row, token]
