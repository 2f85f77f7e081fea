"""B1, B2: gradients as associative memories, and what input noise leaves of them."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import flint
import numpy as np
import pytest
import sympy
import torch
from sympy.polys.fields import FracField
from sympy.polys.rings import PolyRing

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments.named import in_words
from paper_checks.experiments.simulations import signal_and_residual
from paper_checks.jobs import results
from paper_checks.witnesses import enumeration
from theory import Task, gradient_mean
from theory.birth import gradient_memory as memory
from theory.evaluation import N, alpha, long_sequence_limit, to_expression
from theory.one_step import margins
from theory.one_step.class_averages import class_sizes
from theory.one_step.trigger_chain import TriggerChain

Array = np.ndarray
Gradient = Callable[[Array, Array, Array, Array], Array]  # of v (K, d), u or x (Z, e), p(z,k) and p̂(k|z)
LEVELS = (Fraction(0), Fraction(1, 4), Fraction(1, 3), Fraction(5, 7), Fraction(1))


def by_memory(V: Array, U: Array, joint: Array, predicted: Array) -> Array:
    """∇L as a sum of memories, in any arithmetic."""
    return memory.outer_products(V, memory.memory_coefficients(joint.sum(axis=1, keepdims=True), predicted, joint), U)


def by_output(V: Array, X: Array, joint: Array, predicted: Array) -> Array:
    """∇L by conditional means, in any arithmetic."""
    return memory.conditional_means(predicted, joint, X).gradient(V)


def check_identity(claim: Assertions, sizes: tuple[int, ...], joint: Array, stated: Gradient, domain: Any) -> None:
    """∂L/∂W by sympy, entry by entry, with E[z,k] for exp(ξ_k(z)) and R[z] for 1/Σ_k exp(ξ_k(z)), is `stated`."""
    K, Z, d, e = sizes
    shapes = {"v": (K, d), "u": (Z, e), "w": (d, e), "E": (Z, K), "R": (Z,)}
    V, U, W, E, R = (np.array(sympy.symarray(letter, shape)) for letter, shape in shapes.items())
    logits = U @ W.T @ V.T
    exponentials = np.frompyfunc(sympy.exp, 1, 1)(logits)
    names = {1 / sympy.Add(*row): name for row, name in zip(exponentials, R, strict=True)}
    names |= dict(zip(exponentials.ravel(), E.ravel(), strict=True))
    logs = np.array([[sympy.log(sympy.Add(*row))] for row in exponentials])
    loss = (joint * (logs - logits)).sum()
    symbols = set().union(*(x.free_symbols for array in (V, U, E, R, joint) for x in array.ravel()))
    numbers = domain(sorted(symbols, key=str), sympy.QQ)
    derivative = np.frompyfunc(lambda w: numbers(sympy.diff(loss, w).xreplace(names)), 1, 1)(W)
    found = stated(*(np.frompyfunc(numbers, 1, 1)(array) for array in (V, U, joint, E * R[:, None])))
    claim.equal(f"identity at K, Z, d, e = {K}, {Z}, {d}, {e}", derivative, found)


@pytest.mark.claims("B1")
@pytest.mark.parametrize("sizes", [(2, 3, 1, 2), (3, 2, 4, 1), (4, 1, 2, 3), (1, 2, 3, 2)], ids=str)
def test_gradient_is_a_sum_of_memories(claim: Assertions, sizes: tuple[int, ...]) -> None:
    """∇L = Σ_k Σ_z C[z,k] v_k u_zᵀ as polynomials in the entries of v, u, p and the exponentials of the logits."""
    check_identity(claim, sizes, np.array(sympy.symarray("p", sizes[1::-1])), by_memory, PolyRing)


@pytest.mark.claims("B1")
def test_gradient_along_any_direction(claim: Assertions) -> None:
    """For every K: with η_k = v_kᵀ H u_z, the slope of the loss along H is Σ_k C[z,k] η_k, summed over z."""
    K = sympy.Symbol("K", integer=True, positive=True)
    j, k, m = sympy.symbols("j k m", integer=True)
    t, xi, eta, p = sympy.Symbol("t"), *(sympy.IndexedBase(name) for name in ("xi", "eta", "p"))
    total = sympy.log(sympy.Sum(sympy.exp(xi[j] + t * eta[j]), (j, 1, K)))
    derivative = sympy.diff(sympy.Sum(p[k] * (total - xi[k] - t * eta[k]), (k, 1, K)), t).subs(t, 0)
    predicted = sympy.exp(xi[k]) / sympy.Sum(sympy.exp(xi[j]), (j, 1, K))
    coefficient = memory.memory_coefficients(sympy.Sum(p[m], (m, 1, K)), predicted, p[k])
    difference = sympy.factor_terms((derivative - sympy.Sum(coefficient * eta[k], (k, 1, K))).expand()).as_dummy()
    claim.equal("derivative along any direction, symbolic K", sympy.Integer(0), sympy.expand(difference))


def problems(seed: int) -> Iterator[tuple[str, Array, Array, Array, Array]]:
    """V, U, p(z,k) with zeros (a z that never occurs too), W, from uniform to nearly certain predictions."""
    generator = np.random.default_rng(seed)
    for K, Z, d, e in ((2, 3, 5, 7), (7, 5, 3, 2), (5, 11, 2, 13), (11, 2, 7, 3), (1, 3, 2, 5)):
        for size in (0.0, 0.3, 10.0):
            V, U, W = (generator.normal(size=shape) for shape in ((K, d), (Z, e), (d, e)))
            p = generator.exponential(size=(Z, K)) * (generator.random((Z, K)) < 0.7)
            p[0], p[1] = 0, p[1] + 1  # z = 0 never occurs; every output does
            yield f"K, Z, d, e = {K}, {Z}, {d}, {e}, W of size {size}", V, U, p / p.sum(), size * W


def check_autograd(claim: Assertions, stated: Gradient) -> None:
    """Autograd of the cross-entropy itself at random embeddings, weights and joint laws with zeros."""
    for name, V, U, p, W in problems(claim.seed("associations")):
        weight = torch.from_numpy(W).requires_grad_()
        logits = torch.from_numpy(U) @ weight.T @ torch.from_numpy(V).T
        (found,) = torch.autograd.grad(-(torch.from_numpy(p) * logits.log_softmax(dim=1)).sum(), [weight])
        largest = (abs(U) @ abs(W).T @ abs(V).T).max()
        terms = abs(V).T @ np.full(p.T.shape, 2.0) @ (abs(U) * p.sum(axis=1, keepdims=True))
        rounding = 4 * (sum(p.shape) + sum(W.shape)) * (1 + largest) * 2.0**-53
        reason = "logits err by (d + e) 2^-53 of their terms, p̂ by twice that, the sums by their number of terms"
        claim.close(f"autograd, {name}", stated(V, U, p, W), found, rounding, reason, scale=float(terms.max()))


@pytest.mark.claims("B1")
def test_gradient_is_the_networks(claim: Assertions) -> None:
    check_autograd(claim, memory.association_gradient)


def law(*rows: str) -> Array:
    """An array of fractions; every row in words."""
    return np.array([[Fraction(word) for word in row.split()] for row in rows], dtype=object)


def dyadic_probabilities(V: Array, X: Array, W: Array) -> Array:
    """p̂ for the weight W log 2, exact: a softmax of integers times log 2."""
    powers = np.frompyfunc(lambda logit: Fraction(2) ** int(logit), 1, 1)(X @ W.T @ V.T)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@pytest.mark.claims("B1")
def test_reading_one_memory(claim: Assertions) -> None:
    """v_kᵀ ∇L u_z is C[z,k] for orthonormal embeddings, outputs up to a common overlap; else with cross-talk."""
    p, eye = law("1/6 1/12 0", "1/4 0 1/12", "1/12 1/6 1/6"), law("1 0 0", "0 1 0", "0 0 1")
    overlapping, uneven = law("1 0 0 2", "0 1 0 2", "0 0 1 2"), law("1 1 0", "0 1 0", "0 0 1")
    cases: tuple[tuple[str, Array, Array, Side], ...] = (
        ("orthonormal", eye, eye[[2, 0, 1]], "holds"),
        ("outputs with a common overlap", overlapping, eye, "holds"),
        ("scaled against each other", eye / 2, 2 * eye, "holds"),
        ("outputs with uneven overlaps", uneven, eye, "beyond"),
        ("inputs with a common overlap", eye, overlapping, "beyond"),
    )
    for name, V, U, side in cases:
        W = (np.arange(V.shape[1] * U.shape[1]).reshape(V.shape[1], -1) % 5 - 2).astype(object)
        C = memory.memory_coefficients(p.sum(axis=1, keepdims=True), dyadic_probabilities(V, U, W), p)
        read = U @ memory.outer_products(V, C, U).T @ V.T
        claim.equal(f"v_kᵀ ∇L u_z with its cross-talk, {name}", memory.recalled(V, C, U), read, side=side)
        claim.equal(f"whether v_kᵀ ∇L u_z = C[z,k], {name}", side == "holds", bool((read == C).all()), side=side)


@pytest.mark.claims("B2")
@pytest.mark.parametrize("sizes", [(2, 2, 1, 2), (2, 3, 1, 1), (3, 2, 2, 1), (1, 2, 2, 3)], ids=str)
def test_gradient_by_conditional_means(claim: Assertions, sizes: tuple[int, ...]) -> None:
    """∇L = Σ_k p_k v_k (μ̂_k - μ_k)ᵀ as rational functions of vectors, probabilities and exponentials of the logits."""
    given = np.array(sympy.symarray("s", sizes[1::-1]))  # p(x | k)
    given[-1] = 1 - given[:-1].sum(axis=0)
    check_identity(claim, sizes, np.array(sympy.symarray("p", sizes[0])) * given, by_output, FracField)


@pytest.mark.claims("B2")
def test_gradient_by_conditional_means_is_the_networks(claim: Assertions) -> None:
    check_autograd(claim, memory.conditional_mean_gradient)


@pytest.mark.claims("B2")
def test_output_that_never_occurs(claim: Assertions) -> None:
    """The formula divides by p(y=k); at p(y=k) = 0 the gradient goes on, with E[p̂(k|x) x] as its term."""
    V, X, W = law("1 0 0", "0 1 0", "0 0 1"), law("1 2", "0 -1", "3 1"), law("1 0", "-1 1", "0 2")
    p, predicted = law("1/2 0 0", "1/8 0 1/8", "0 0 1/4"), dyadic_probabilities(V, X, W)
    mean = (p.sum(axis=1) * predicted[:, 1]) @ X
    found = by_memory(V, X, p, predicted)
    claim.equal("the term of an output that never occurs", mean, found[1], side="beyond")
    rows = [p[:, k] @ X / p[:, k].sum() - (p.sum(axis=1) * predicted[:, k]) @ X / p[:, k].sum() for k in (0, 2)]
    claim.equal("the others by the formula", -p.sum(axis=0)[[0, 2], None] * np.array(rows), found[[0, 2]])
    with pytest.raises(ValueError, match=r"no E\[x \| y = k\] exists at k=\[1\]"):
        by_output(V, X, p, predicted)


def noisy_gradient(U: Array, noise: Array, chances: Array, p: Array, W: Array) -> Array:
    """-∇L for V = I, weight W log 2, x = u_y + noise, noise from the K lists `noise` with probabilities `chances`."""
    eye, inputs = law("1 0 0", "0 1 0", "0 0 1"), np.concatenate(U[:, None] + noise)
    joint = np.concatenate([np.multiply.outer(share * row, e) for share, row, e in zip(p, chances, eye, strict=True)])
    return -by_memory(eye, inputs, joint, dyadic_probabilities(eye, inputs, W))


@pytest.mark.claims("B2")
def test_what_survives_the_noise(claim: Assertions) -> None:
    """W = 0, noise of mean ν given every y: -∇L = (1/K) Σ_k v_k (u_k - ū)ᵀ at uniform p, plus r (ν + E u_y)ᵀ else."""
    U, zero, some = law("2 0", "0 1", "-1 3"), law("0 0", "0 0", "0 0"), law("1 0", "0 1", "1 -1")
    eye, (uniform, uneven) = law("1 0 0", "0 1 0", "0 0 1"), law("1/3 1/3 1/3", "1/2 1/3 1/6")
    one_law, symmetric = np.array([law("0 0", "4 -2", "-2 1")] * 3), law("0 0", "3 1", "-3 -1")
    by_spread, shifted = np.array([0 * symmetric, symmetric, 5 * symmetric]), np.array([zero + k for k in range(3)])
    shares = law("1/2 1/4 1/4", "1/2 1/4 1/4", "1/2 1/4 1/4")
    for name, noise in (("one law", one_law), ("spread depends on y", by_spread)):
        nu = shares[0] @ noise[0]
        found = noisy_gradient(U, noise, shares, uniform, zero)
        claim.equal(f"noise vanishes at uniform p, {name}", (U - U.mean(axis=0)) / 3, found)
        kept, residual = memory.zero_weight_parts(eye, uneven, U + nu)
        claim.equal(f"signal without ν, {name}", uneven[:, None] * (U - uneven @ U), kept)
        claim.equal(f"residual, {name}", np.multiply.outer(uneven - uniform, nu + uneven @ U), residual, side="beyond")
        claim.equal(f"their sum, {name}", kept + residual, noisy_gradient(U, noise, shares, uneven, zero))
    for name, W, noise in (("its mean depends on y", zero, shifted), ("W ≠ 0", some, by_spread)):
        found, quiet = (noisy_gradient(U, scale * noise, shares, uniform, W) for scale in (1, 0))
        claim.greater(f"noise changes the gradient, {name}", abs(found - quiet).max(), 0, side="beyond")


def rank(matrix: Array) -> int:
    return int(flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in matrix]).rank())


@pytest.mark.claims("B2")
@pytest.mark.parametrize("n", [2, 3])
def test_context_signal(claim: Assertions, n: int) -> None:
    """S, r, μ by enumeration; G_V = S + r μᵀ; no noise output in S, which is G_V without one direction of outputs."""
    for length, trigger, level in product((2, 3, 4, 5), range(n), LEVELS):
        task = Task(n, length, level, trigger)
        (weight, total), (feature, scale) = enumeration.weights(task), enumeration.features(task, "attention_value")
        correct = enumeration.sequences(n, length, trigger).correct
        given = np.stack([weight * (correct == k) for k in range(n)])
        means = given @ feature * Fraction(n, total * scale)
        means = np.concatenate([means, means.sum(axis=0, keepdims=True) / n])  # y = τ is independent of x̄
        p, eye = np.array([(1 - level) / n] * n + [level]), np.eye(task.M, dtype=int) * Fraction(1)
        S, (r, mean) = memory.context_signal(task, exact=True), memory.distributional_residual(task, exact=True)
        residual, G = np.multiply.outer(r, mean), gradient_mean(task, "attention_value", exact=True)
        parts = np.array(memory.zero_weight_parts(eye, p, means))
        claim.equal(f"S and r μᵀ by enumeration, {in_words(task)}", parts, np.array([S, residual]))
        claim.equal(f"G_V = S + r μᵀ, {in_words(task)}", G, S + residual)
        claim.equal(f"S has no noise output, {in_words(task)}", 0 * mean, S[task.tau])
        direction = eye[task.tau] - (1 - eye[task.tau]) / n
        claim.equal(f"r is α - 1/M times e_τ - mean, {in_words(task)}", (level - Fraction(1, task.M)) * direction, r)
        kept = G - np.multiply.outer(direction, direction @ G) / (direction @ direction)
        claim.equal(f"G_V without that direction, {in_words(task)}", kept, S)
        scatter = (weight @ feature**2 * Fraction(1, total * scale**2) - (means[:-1] ** 2).sum(axis=0) / n).sum()
        sizes = [(S * S).sum(), (residual * residual).sum(), ((means[:-1] - mean) ** 2).sum() / n, scatter]
        claim.equal(f"sizes, {in_words(task)}", np.array(sizes), np.array([*memory.part_sizes(task, exact=True)]))
        claim.equal(f"‖G_V‖² = ‖S‖² + ‖r μᵀ‖², {in_words(task)}", (G * G).sum(), sum(sizes[:2]))
        learns, leaves = length > 2 and level < 1, level != Fraction(1, task.M)  # else S = 0, r = 0
        side: Side = "holds" if learns and leaves else "beyond"
        expected = np.array([(n - 1) * learns, (n - 1) * learns + leaves], dtype=object)
        claim.equal(
            f"ranks of S and G_V, {in_words(task)}", expected, np.array([rank(S), rank(G)], dtype=object), side=side
        )


@pytest.mark.claims("B2")
def test_entries_of_the_signal(claim: Assertions) -> None:
    """Equation (13); copying entries are positive for every α < 1, T >= 3, also where those of G_V change sign."""
    for n, length in ((2, 3), (3, 4), (5, 3), (5, 8), (7, 19), (11, 40)):
        for level in (Fraction(0), Fraction(1, 50), *margins.copying_threshold(n, length), Fraction(99, 100)):
            cases = product((length - 1, length), (False, True))  # visits of q in z_1 … z_{T-2} and z_1 … z_{T-1}
            U, own, all_U, all_own = (TriggerChain(Fraction(n), t, level, c).mean_count("q") for t, c in cases)
            V, D, D1, m = (1 - level) * U, own - U, all_own - all_U, n - 1
            rows = {"q": (m * D1, -V - m * D / n, m * level * D), "k": (-D1, m * V + D / n, -V + D / n, -level * D)}
            stated = np.array([*rows["q"], *rows["k"], *[Fraction(0)] * 3] * 2) * (1 - level) / (n * n * length)
            values = memory.context_signal_classes(Task(n, length, level), exact=True)
            at = f"N = {n}, T = {length}, α = {float(level):.4f}"
            claim.equal(f"entries of S, {at}", stated, np.array([*values.values()]))
            claim.greater(f"copying entries, {at}", np.array([values["k", "E(k)"], values["q", "E(q)"]]), 0)


@pytest.mark.claims("B2")
def test_sizes_of_signal_and_residual(claim: Assertions) -> None:
    """‖r μᵀ‖/‖S‖: exponent 1 in N for T >= N, 3/2 at fixed T, -1/2 at fixed αN ≠ 1. Scatter of x̄: T against N²."""
    sizes = [2**power for power in range(6, 14)]
    cases: tuple[tuple[str, list[Task], float, float | None, Side], ...] = (
        ("α = 0.4, T = N", [Task(n, n, 0.4) for n in sizes], 1.0, 1.0, "holds"),
        ("α = 0.4, T = N²", [Task(n, n * n, 0.4) for n in sizes], 1.0, 0.0, "holds"),
        ("α = 0.4, T = N³", [Task(n, n**3, 0.4) for n in sizes], 1.0, -1.0, "holds"),
        ("α = 0.4, T = 4", [Task(n, 4, 0.4) for n in sizes], 1.5, 2.0, "beyond"),
        ("α = 3/N, T = N²", [Task(n, n * n, 3 / n) for n in sizes], -0.5, None, "beyond"),
    )
    for name, tasks, power, scatter, side in cases:
        found = [memory.part_sizes(task) for task in tasks]
        fit = fit_exponent(sizes, [(part.residual / part.signal) ** 0.5 for part in found])
        claim.exponent(f"exponent in N of ‖r μᵀ‖/‖S‖, {name}", power, fit, side)
        if scatter is not None:
            fit = fit_exponent(sizes, [part.scatter / part.spread for part in found])
            claim.exponent(f"exponent in N of E‖x̄ - μ_c‖²/E‖μ_c - μ‖², {name}", scatter, fit)
    counts = {entry: 2 * size for entry, size in class_sizes(N).items() if entry[0] != "tau" and entry[1][0] == "E"}
    squares = sum(n * long_sequence_limit(memory.context_signal_closed_form(*k)) ** 2 for k, n in counts.items())
    stated = 2 * (N - 1) * (1 - alpha) ** 4 * ((1 + alpha * N) ** 2 + N + 1) / (N * (N + 1) * (1 + alpha * N)) ** 2
    claim.equal("lim ‖S‖², T → ∞", sympy.Integer(0), sympy.factor(squares - stated))
    mean = {name: long_sequence_limit(to_expression(x)) for name, x in memory.symbolic_parts().mean().items()}
    squares = sum((N - 1 if token == "k" else 1) * limit**2 for (_, token), limit in mean.items())
    limit = sympy.limit(sympy.factor(N * (alpha - 1 / (N + 1)) ** 2 * (1 + 1 / N) * squares), N, sympy.oo)
    claim.equal("lim N‖r μᵀ‖², T → ∞, then N → ∞", sympy.Integer(0), sympy.factor(limit - 2 * alpha**2))


@pytest.mark.claims("B2")
@pytest.mark.jobs.with_args(lambda base_seed, task: [draw.job for draw in signal_and_residual(base_seed, task)])
@pytest.mark.parametrize("task", [Task(3, 11, 0.4, 1), Task(7, 13, 0.02, 4)], ids=str)
def test_signal_and_residual_simulated(claim: Assertions, task: Task) -> None:
    """Simulated gradients along the two directions of `signal_and_residual`."""
    for name, value, variance, draw in signal_and_residual(claim.base_seed, task):
        (found,) = results([draw])
        details = {"samples": found.samples, "seed": found.seed, "planned_error": (variance / found.samples) ** 0.5}
        claim.estimate(f"{name}, {in_words(task)}", value, found.mean, found.standard_error, 0.05, **details)
