"""The associative memory and its training: against autograd, step by step; the law of the batches; the flow; faults."""

import io

import numpy as np
import pytest
import torch
from rich.console import Console
from scipy.integrate import solve_ivp
from torch import nn

from simulate.memory import training as memory_training
from simulate.memory.model import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from simulate.memory.training import gradient_descent, stochastic_gradient_descent
from simulate.runtime import streaming
from simulate.truncation import remove_direction, truncate

EPS = np.finfo(np.float64).eps
EMBEDDINGS = {
    "one-hot, n=2": orthonormal_embeddings(2),
    "one-hot, n=5": orthonormal_embeddings(5),
    "gaussian, n=3, d=11": gaussian_embeddings(3, 11, seed=1),
    "gaussian, n=4, d=3": gaussian_embeddings(4, 3, seed=2),
    "gaussian, n=2, d=1": gaussian_embeddings(2, 1, seed=3),
    "unequal dimensions": Embeddings(*(torch.from_numpy(np.random.default_rng(4).random((k, k + 2))) for k in (3, 4))),
}
every_embedding = pytest.mark.parametrize("embeddings", EMBEDDINGS.values(), ids=EMBEDDINGS)


def norms(embeddings):
    """Greatest eigenvalues of U Uᵀ and V Vᵀ."""
    return [float(torch.linalg.matrix_norm(rows, 2)) ** 2 for rows in (embeddings.inputs, embeddings.outputs)]


def safe_rates(embeddings, steps, seed=0):
    """Random step sizes below 2 over the greatest curvature.

    The curvature of a batch's loss in W is at most 1/2 (of softmax) times both norms.
    """
    limit = 4 / np.prod(norms(embeddings))
    return np.random.default_rng(seed).uniform(0.1, 0.9, steps) * limit


def rounding(embeddings, rates):
    """Bound on the difference of two computations of W by (1), where no step expands differences.

    With such step sizes a step is a gradient step of a convex function and expands nothing; so the errors of the steps
    add up. Each is a few ε (some n+1 terms in each sum) relative to the logits, the greatest step, and W itself, all of
    which are at most the time times the norms.
    """
    scale = (1 + np.sum(rates)) * (1 + np.prod(norms(embeddings))) ** 2
    return 8 * (embeddings.n + 1) * max(embeddings.weight_shape) * len(rates) * EPS * scale


def draws(embeddings, alpha, steps, batch, replicate, seed):
    """The pairs that replicate number `replicate` sees, per step: inputs and outputs, (steps, batch)."""
    n, source = embeddings.n, np.random.default_rng(np.random.SeedSequence(seed).spawn(replicate + 1)[replicate])
    for counts in source.multinomial(batch, [(1 - alpha) / n] * n + [alpha / n] * n, steps):
        pair = np.repeat(np.arange(2 * n), counts)
        yield torch.from_numpy(pair % n), torch.from_numpy(np.where(pair < n, pair, n))


def shares_of(trajectory, rates):
    """The share f[y, x] of each pair in the batch behind each step of one-hot training: (steps, replicates, n+1, n).

    By equation (1) row k ≠ x, k < n of column x changes by -η f_x p[k, x]; that gives f_x, and then f.
    """
    A, n = trajectory.logits, trajectory.embeddings.n
    p = np.exp(A[:-1]) / np.exp(A[:-1]).sum(axis=-2, keepdims=True)
    change = np.diff(A, axis=0) / np.asarray(rates)[:, None, None, None]
    other = (np.arange(n) + 1) % n
    share = -change[..., other, np.arange(n)] / p[..., other, np.arange(n)]
    return change + share[..., None, :] * p


@every_embedding
def test_logits_and_loss_are_those_of_the_definition(embeddings):
    rng, n = np.random.default_rng(0), embeddings.n
    weight = rng.standard_normal(embeddings.weight_shape)
    model = AssociativeMemory(embeddings).with_weight(weight)
    U, V = embeddings.inputs.numpy(), embeddings.outputs.numpy()
    logits = np.array([[v @ weight @ u for u in U] for v in V])
    bound = 4 * sum(weight.shape) * EPS * np.linalg.norm(weight) * np.prod(norms(embeddings)) ** 0.5
    np.testing.assert_allclose(model.logit_matrix().detach(), logits, rtol=0, atol=bound)
    inputs = torch.tensor([1, 0, n - 1, 1])
    np.testing.assert_allclose(model(inputs).detach(), logits.T[inputs], rtol=0, atol=bound)
    logs = logits - np.log(np.exp(logits).sum(axis=0))
    loss = -np.mean([0.7 * logs[x, x] + 0.3 * logs[n, x] for x in range(n)])
    assert abs(model.population_loss(0.3).item() - loss) <= 2 * bound + 8 * n * EPS * abs(loss)
    assert AssociativeMemory(embeddings).logit_matrix().abs().max() == 0


@every_embedding
def test_gradient_descent_is_that_of_autograd(embeddings):
    """Step by step against autograd on the weight matrix itself and torch's optimiser."""
    steps, alpha = 40, 0.35
    rates = safe_rates(embeddings, steps)
    found = gradient_descent(embeddings, alpha, rates, snapshots=range(steps + 1))
    model = AssociativeMemory(embeddings)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for step in range(steps + 1):
        snapshot, bound = found.model(step), rounding(embeddings, rates[: step + 1])
        np.testing.assert_allclose(snapshot.W.detach(), model.W.detach(), rtol=0, atol=bound)
        np.testing.assert_allclose(found.logits[step], snapshot.logit_matrix().detach(), rtol=0, atol=bound)
        if step < steps:
            optimiser.param_groups[0]["lr"] = rates[step]
            optimiser.zero_grad()
            model.population_loss(alpha).backward()
            optimiser.step()
    np.testing.assert_array_equal(found.steps, range(steps + 1))
    np.testing.assert_allclose(found.times, [rates[:k].sum() for k in range(steps + 1)], rtol=steps * EPS)


@every_embedding
def test_stochastic_gradient_descent_is_that_of_autograd_on_the_drawn_pairs(embeddings):
    steps, alpha, batch = 30, 0.4, 7
    rates = safe_rates(embeddings, steps)
    found = stochastic_gradient_descent(
        embeddings, alpha, rates, batch=batch, replicates=3, seed=8, snapshots=[1, 17, steps]
    )
    np.testing.assert_allclose(found.times, [rates[:k].sum() for k in found.steps], rtol=steps * EPS)
    for replicate in range(3):
        model = AssociativeMemory(embeddings)
        optimiser, row = torch.optim.SGD(model.parameters(), lr=1.0), 0
        for step, (x, y) in enumerate(draws(embeddings, alpha, steps, batch, replicate, seed=8)):
            optimiser.param_groups[0]["lr"] = rates[step]
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimiser.step()
            if step + 1 in found.steps:
                bound = rounding(embeddings, rates[: step + 1])
                snapshot = found.model(row, replicate).W.detach()
                np.testing.assert_allclose(snapshot, model.W.detach(), rtol=0, atol=bound)
                row += 1
        assert row == 3


def test_batches_have_the_multinomial_law():
    """Mean, variance and covariance of the counts of every pair, and no covariance between steps or replicates.

    40 000 batches of B = 50; 5.5 standard errors on each of 114 numbers: a false alarm in 2·10⁵ seeds.
    """
    n, alpha, B, R, rates = 3, 0.3, 50, 20_000, [0.5, 1.5]
    run = stochastic_gradient_descent(
        orthonormal_embeddings(n), alpha, rates, batch=B, replicates=R, seed=5, snapshots=[0, 1, 2]
    )
    f = shares_of(run, rates)
    target = np.vstack([(1 - alpha) / n * np.eye(n), np.full(n, alpha / n)])
    shares, p = f[..., target > 0], target[target > 0]
    assert np.abs(f[..., target == 0]).max() < 1e-13
    assert np.abs(B * shares - np.rint(B * shares)).max() < 1e-11 and np.abs(shares.sum(axis=-1) - 1).max() < 1e-13
    centred = shares - p

    def products(left, right):
        return (left[..., :, None] * right[..., None, :]).reshape(-1, 2 * n, 2 * n)

    for values, expected in (
        (centred.reshape(-1, 2 * n), 0),
        (products(centred, centred), (np.diag(p) - np.outer(p, p)) / B),
        (products(centred[0], centred[1]), 0),
        (products(centred[:, ::2], centred[:, 1::2]), 0),
    ):
        error = values.std(axis=0) / len(values) ** 0.5
        assert (np.abs(values.mean(axis=0) - expected) <= 5.5 * error).all()


@every_embedding
def test_a_replicate_depends_on_its_seed_alone(embeddings, monkeypatch):
    """Bit by bit: on neither the number of replicates, nor the chunks, nor the snapshots asked for."""
    rates = safe_rates(embeddings, 50)

    def run(replicates, snapshots, seed=3):
        return stochastic_gradient_descent(
            embeddings, 0.3, rates, batch=20, replicates=replicates, seed=seed, snapshots=snapshots
        ).coefficients

    whole = run(7, [0, 1, 16, 17, 49, 50])
    assert (whole[0] == 0).all()
    for name, value in (("CHUNK_STEPS", 16), ("CHUNK_STEPS", 1), ("CHUNK_ENTRIES", 1000)):
        monkeypatch.setattr(memory_training, name, value)
        np.testing.assert_array_equal(run(7, [0, 1, 16, 17, 49, 50]), whole)
    for replicates in (1, 2, 5):
        np.testing.assert_array_equal(run(replicates, [1, 17, 50]), whole[[1, 3, 5], :replicates])
    assert len(np.unique(whole[-1, :, -1, 0])) == 7
    assert (run(7, None, seed=4)[0] != whole[-1]).any()


def test_large_batches_approach_gradient_descent():
    """Steps expand nothing, so W deviates by at most the sum of η |(f - E f) - (f_x - E f_x) p|.

    That norm is below 1 + sqrt(2) times |f - E f|, whose mean is below 1/sqrt(B), which it exceeds by 3/sqrt(B) or more
    with probability below 10⁻⁹ (a normal vector with variances below 0.18/B).
    """
    embeddings, rates, B = orthonormal_embeddings(4), np.full(60, 2.0), 10**12
    exact = gradient_descent(embeddings, 0.3, rates).logits
    noisy = stochastic_gradient_descent(embeddings, 0.3, rates, batch=B, replicates=2, seed=0).logits
    assert 0 < np.abs(noisy - exact[:, None]).max() <= 2.42 * 4 * rates.sum() / B**0.5


def flow(n, alpha, time):
    """The gradient flow of all (n+1) n logits, integrated by an adaptive Runge-Kutta method of order 8."""

    def velocity(_, flat):
        columns = []
        for x, w in enumerate(flat.reshape(n, n + 1)):
            target = np.zeros(n + 1)
            target[[x, n]] = 1 - alpha, alpha
            columns.append((target - np.exp(w) / np.exp(w).sum()) / n)
        return np.concatenate(columns)

    done = solve_ivp(velocity, (0, time), np.zeros(n * (n + 1)), "DOP853", rtol=1e-13, atol=1e-13)
    return done.y[:, -1].reshape(n, n + 1).T


@pytest.mark.parametrize(("n", "alpha", "time"), [(2, 0.3, 8.0), (5, 0.6, 20.0)])
def test_time_is_that_of_the_gradient_flow(n, alpha, time):
    """Gradient descent with step h errs by c h + c' h² + …, and Richardson's table removes these terms one by one.

    The last difference in the table is the error of the entry before the last, so it bounds that of the last; the
    integrator adds 10⁻¹¹. An error of order 0, in the time say, or another order in h would remain in the table.
    """
    exact, table = flow(n, alpha, time), []
    for steps in [8 * 2**i for i in range(8)]:
        row = [gradient_descent(orthonormal_embeddings(n), alpha, np.full(steps, time / steps)).logits[0]]
        for order, before in enumerate(table[-1] if table else [], start=1):
            row.append(row[-1] + (row[-1] - before) / (2**order - 1))
        table.append(row)
    difference = np.abs(table[-1][-1] - table[-1][-2]).max()
    np.testing.assert_allclose(table[-1][-1], exact, rtol=0, atol=difference + 1e-11)
    assert difference < 1e-7 and np.abs(table[-1][0] - exact).max() > 1e-4


@pytest.mark.parametrize(("n", "dimension"), [(3, 23), (4, 3), (2, 1)])
def test_reduced_embeddings_stand_for_the_large_ones(n, dimension):
    """Training, singular values, truncation and removal of a direction give the same logits in reduced coordinates."""
    embeddings = gaussian_embeddings(n, dimension, seed=9)
    small = embeddings.reduced()
    assert small.weight_shape == (min(n + 1, dimension), min(n, dimension))
    rates = safe_rates(embeddings, 200)
    large, reduced = (gradient_descent(part, 0.3, rates).model(0) for part in (embeddings, small))
    values = np.linalg.svd(large.W.detach().numpy(), compute_uv=False)
    k = min(small.weight_shape)
    bound = rounding(embeddings, rates)
    np.testing.assert_allclose(
        np.linalg.svd(reduced.W.detach().numpy(), compute_uv=False), values[:k], rtol=0, atol=bound
    )
    gaps = -np.diff(np.append(values[:k], 0.0))
    assert gaps.min() > 1e-3
    for rank in range(k + 1):
        parts = [model.with_weight(truncate(model.W, rank)).logit_matrix().detach() for model in (large, reduced)]
        np.testing.assert_allclose(*parts, rtol=0, atol=bound * (1 + 2 * values[0] / gaps.min()))
    removed = []
    for model in (large, reduced):
        right = np.linalg.svd(model.W.detach().numpy())[2][0]
        removed.append(model.with_weight(remove_direction(model.W, right)).logit_matrix().detach())
    np.testing.assert_allclose(*removed, rtol=0, atol=bound * (1 + 2 * values[0] / gaps.min()))


def test_gaussian_embeddings_have_their_law():
    """Entries of variance 1/d (5 standard errors), nearly orthonormal rows, another draw for another seed."""
    n, d = 7, 40_000
    one, again, other = (gaussian_embeddings(n, d, seed=seed) for seed in (1, 1, 2))
    rows = torch.cat([one.inputs, one.outputs])
    assert torch.equal(rows, torch.cat([again.inputs, again.outputs])) and not torch.equal(one.inputs, other.inputs)
    products = d * (rows @ rows.T - torch.eye(2 * n + 1))
    error = (d * (1 + torch.eye(2 * n + 1))) ** 0.5  # Var of the sum of d products of normals: 1, of squares: 2
    assert ((products / error).abs() <= 5).all() and (products / error).std() > 0.5


def test_interventions_return_new_models():
    embeddings, weight = gaussian_embeddings(3, 5, seed=0), torch.ones(5, 5, dtype=torch.float64)
    model = AssociativeMemory(embeddings, weight)
    other = model.with_weight(truncate(model.W, 0))
    weight[:] = 7
    assert (model.W == 1).all() and (other.W == 0).all() and other.embeddings is model.embeddings
    assert [name for name, _ in model.named_parameters()] == ["W"] and model.W.dtype == torch.float64


def test_a_run_that_overflows_names_the_step_and_its_learning_rate():
    embeddings = Embeddings(1e80 * torch.eye(2, dtype=torch.float64), 1e80 * torch.eye(3, dtype=torch.float64))
    rates = np.full(5000, 1e-330 + 1e-300)
    rates[3000] = 1e10
    for call in (
        lambda: gradient_descent(embeddings, 0.3, rates),
        lambda: stochastic_gradient_descent(embeddings, 0.3, rates, batch=9, replicates=2, seed=0),
    ):
        with pytest.raises(FloatingPointError, match=r"not finite after step 3001, learning rate 10000000000\.0"):
            call()


def test_progress_is_shown_on_a_terminal_alone(monkeypatch, capfd):
    rates = np.full(50, 1.0)
    gradient_descent(orthonormal_embeddings(2), 0.3, rates)
    assert capfd.readouterr() == ("", "")
    shown = io.StringIO()
    monkeypatch.setattr(streaming, "Console", lambda stderr: Console(file=shown, force_terminal=True))
    gradient_descent(orthonormal_embeddings(2), 0.3, rates, progress=True)
    assert "50 steps" in shown.getvalue()
