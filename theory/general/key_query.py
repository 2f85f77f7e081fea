"""The first key-query step for every law, and what it is made of.

With W_V = G_V and output probabilities p held, K = Σ_c ρ_c Σ_c G_Vᵀ (t_c - p), with t_c the law of y given c and Σ_c
the covariance of the features x_t within sequences given c,

    T² Σ_c[a, b] = T m[a, b] - E[n_a] E[n_b] - Cov(n_a, n_b),                                                      (9)

all given c, n_a the number of positions t with a ∈ x_t and m[a, b] the expected number with both. Features meet across
the blocks alone, as neighbours: of the pairs (z_{t-1}, z_t), t = 2 … T-1, E[C_i - 1{z_{T-1} = i} | c] P_c(i, j) are
(i, j), and the last pair is (z_{T-1}, q). With (8), for every vector d

    G_Vᵀ d = Σ_c ρ_c ((t_c - 1/M)·d) μ_c,    μ_c = E[x̄ | c],                                                  (10)

and at uniform p, d = s_c = t_c - 1/M, whose mean over c is s̄ = p_y - 1/M, p_y the law of y. With μ the mean of μ_c

    K = κ C + R,    κ = |s̄|²,    C = Σ_c ρ_c Σ_c μ,    R = Σ_c ρ_c Σ_c Σ_b ρ_b (s_b·s_c - κ) μ_b.                 (11)

C is what frequency alone attracts: entry a is the covariance, within a sequence, of 1{a ∈ x_t} with how frequent the
position's own two features are, μ·x_t. κ is how far the law of y is from uniform. R is what depends on the answers.
Where p is the law of y (absorbed), κ C is not there: Σ_b ρ_b G_Vᵀ(t_b - p_y) = 0.

Source: Chen, Bruna, Bietti (ICLR 2025), what attention learns; the formulas for every law are this project's.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from theory.arguments import FINITE, Element, Probability, Shape, checked
from theory.arrays import Table
from theory.key_query import key_query_gradient as task_gradient
from theory.law import AnyLaw, Law, as_distributions, rational_law
from theory.task import RealNumber, Task

from .counts import CountMoments, count_moments
from .gradients import one_over

Output: TypeAlias = Literal["absorbed"] | ArrayLike
"""Output probabilities that are held: the law of y, or M numbers."""


@checked
@dataclass(frozen=True, eq=False)
class WithinSequences:
    """μ_c and Σ_c of (9) for every c, from the counts; `end` is E(z_T)."""

    law: Law
    moments: CountMoments
    length: Element

    @classmethod
    @checked
    def of(cls, law: Law, exact: bool = False) -> "WithinSequences":
        """Those of a law, in fractions or floats."""
        return cls(law, count_moments(law, exact), Fraction(law.T) if exact else law.T)

    @cached_property
    def counts(self) -> Table:
        """E[n_a | c], shape (M, 2M)."""
        mean = self.moments.mean
        return np.concatenate([mean + np.eye(self.law.M, dtype=int)[self.law.q], mean], axis=1)

    @cached_property
    def means(self) -> Table:
        """μ_c, shape (M, 2M)."""
        means: Table = self.counts / self.length
        return means

    @cached_property
    def pairs(self) -> Table:
        """E[#{t >= 2 : (z_{t-1}, z_t) = (i, j)} | c], shape (M, M, M)."""
        inner = self.moments.mean - self.moments.last
        found: Table = inner[:, :, None] * self.law.chains
        found[:, :, self.law.q] = found[:, :, self.law.q] + self.moments.last
        return found

    @checked
    def applied(self, weights: Annotated[Table, Shape("M 2M")]) -> Annotated[Table, FINITE]:
        """Σ_c w_c for a row w_c of weights, shape (M, 2M), per c: shape (M, 2M)."""
        if weights.shape != self.counts.shape:
            raise ValueError(f"weights must have shape (M, 2M) = {self.counts.shape}, got {weights.shape}")
        return self.seen(weights)

    def seen(self, weights: Table) -> Table:
        """`applied`, unchecked."""
        M, counts, pairs = self.law.M, self.counts, self.pairs
        own, previous = weights[:, :M], weights[:, M:]
        meetings = np.concatenate([_times(pairs.transpose(0, 2, 1), previous), _times(pairs, own)], axis=1)
        spread = _times(self.moments.covariance, own + previous)
        total = (counts * weights).sum(axis=1, keepdims=True)
        scaled = self.length * (counts * weights + meetings) - counts * total
        applied: Table = (scaled - np.concatenate([spread, spread], axis=1)) / self.length**2
        return applied


def _times(matrices: Table, vectors: Table) -> Table:
    """A matrix times a vector for each c."""
    product: Table = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def _law_gradient(law: Law, output: Output | None, exact: bool) -> Table:
    """K of (9) and (10)."""
    held = _output(law, output, exact)
    inside = WithinSequences.of(law, exact)
    uniform = one_over(law.M, exact)
    overlaps = (law.targets - held) @ (law.targets - uniform).T  # (t_c - p)·(t_b - 1/M), [c, b]
    gradient: Table = law.answers @ inside.applied((overlaps * law.answers) @ inside.means)
    return gradient


def _output(law: Law, output: Output | None, exact: bool) -> Table:
    """p as an array (M,), or an error that names `output`."""
    if output is None:
        return np.full(law.M, one_over(law.M, exact))
    if isinstance(output, str):
        if output != "absorbed":
            raise ValueError(f'output must be None, "absorbed" or {law.M} probabilities, got {output!r}')
        return law.output
    held = as_distributions("output", output, (law.M,))
    if exact and held.dtype != object:
        raise TypeError("exact=True needs output of rational numbers (ints or fractions.Fraction), got floats")
    return held if exact else held.astype(np.float64)


@checked
@dataclass(frozen=True, eq=False)
class Decomposition:
    """K = κ C + R at uniform p, equation (11).

    Attributes:
        strength: κ.   frequency: C, shape (2M,).   answers: R, shape (2M,).
    """

    strength: Element
    frequency: Annotated[Table, Shape("F")]
    answers: Annotated[Table, Shape("F")]

    @property
    def gradient(self) -> Table:
        """K, shape (2M,)."""
        gradient: Table = self.strength * self.frequency + self.answers
        return gradient


@checked
def decomposition(law: AnyLaw, exact: bool = False) -> Decomposition:
    """The parts of the first key-query step at uniform p that frequency and that the answers make.

    Args:
        law: a law, or a task.
        exact: arrays of `Fraction`s; needs rational numbers.

    Raises:
        TypeError, ValueError: as `key_query_gradient`.
    """
    law = rational_law(law, exact)
    inside = WithinSequences.of(law, exact)
    means, uniform = inside.means, one_over(law.M, exact)
    average, sides = law.answers @ means, law.targets - uniform
    strength = ((law.output - uniform) ** 2).sum()
    everywhere = np.repeat(average[None], law.M, axis=0)
    own = ((sides @ sides.T - strength) * law.answers) @ means
    return Decomposition(strength, law.answers @ inside.applied(everywhere), law.answers @ inside.applied(own))


@checked
def key_query_gradient(
    law: AnyLaw | None = None,
    output: Output | RealNumber | None = None,
    exact: bool = False,
    *,
    absorption: Probability | None = None,
    task: Task | None = None,
) -> Table:
    """K, the first key-query step with W_V = G_V and p held: descent direction on (key feature) ⊗ E(q).

    Args:
        law: a task, by its closed forms, or any law.
        output: p. None is uniform, p_k = 1/M; "absorbed" is the law of y; or M probabilities. For a task it is
        absorption: π = p_τ in [0, 1], where p_k = (1-π)/N for the other tokens; "absorbed" is π = α.
        exact: an object array of `fractions.Fraction`; needs rational numbers.
        task: a task by keyword, in place of `law`.

    Returns:
        array of shape (2M,), entries [E(0..M-1), P(0..M-1)]; the score of position t is K[E(z_t)] + K[P(z_{t-1})].

    Raises:
        TypeError: neither task nor law or both, an absorption for a law, or exact=True with floats.
        ValueError: an output that is no distribution, or sizes too large.

    Source: Chen, Bruna, Bietti (ICLR 2025), what attention learns.
    """
    if task is not None:
        if law is not None:
            raise TypeError(f"law and task are the same, got {law!r} and {task!r}")
        law = task
    if isinstance(law, Task):
        if output is not None and absorption is not None:
            raise TypeError(f"output and absorption are the same for a task, got {output!r} and {absorption!r}")
        held = output if absorption is None else absorption
        if isinstance(held, str) and held == "absorbed":
            held = law.alpha
        return task_gradient(law, held, exact)  # type: ignore[arg-type]  # which refuses what is no probability
    if absorption is not None:
        raise TypeError(f"absorption must be given for a theory.Task alone; output is for a law, got {absorption!r}")
    if law is None:
        raise TypeError("law must be a theory.Law or a theory.Task, got None (NoneType)")
    return _law_gradient(rational_law(law, exact), output, exact)  # type: ignore[arg-type]
