"""Gradients as memories: high-precision derivatives, what may be marginalised, floats rounded once, what is refused."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_checks.witnesses import enumeration
from theory import ENTRY_CLASSES, Task, gradient_mean
from theory.birth import gradient_memory as memory
from theory.evaluation import N, T, alpha
from theory.one_step.class_averages import class_sizes
from theory.one_step.trigger_chain import TriggerChain

LAW = np.array([[0.125, 0.25], [0.0, 0.5], [0.125, 0.0]])
V, U, W = np.array([[1.0, 2.0], [0.5, -1.0]]), np.arange(12.0).reshape(3, 4) / 8, np.arange(8.0).reshape(2, 4) / 4 - 1


def precise_derivative(outputs, inputs, joint, weight):
    """Central differences of the cross-entropy in 60-digit arithmetic."""
    with mpmath.workdps(60):
        v, u, w = (mpmath.matrix(array.tolist()) for array in (outputs, inputs, weight))
        p, step = mpmath.matrix(joint.tolist()), mpmath.mpf(10) ** -20

        def loss(shift, row, column):
            moved = w.copy()
            moved[row, column] += shift
            xi = u * moved.T * v.T
            total = [mpmath.log(mpmath.fsum(mpmath.exp(x) for x in xi[z, :])) for z in range(xi.rows)]
            return mpmath.fsum(p[z, k] * (total[z] - xi[z, k]) for z in range(xi.rows) for k in range(xi.cols))

        entries = [
            [float((loss(step, a, b) - loss(-step, a, b)) / (2 * step)) for b in range(w.cols)] for a in range(w.rows)
        ]
    return np.array(entries)


@pytest.mark.parametrize("size", [0.0, 1.0, 30.0])
def test_gradient_equals_a_precise_derivative(size):
    """Differences of step 10^-20 err by about 10^-40; 30 operations on logits up to 200 stay below 10^-12."""
    exact = precise_derivative(V, U, LAW, size * W)
    for gradient in (memory.association_gradient, memory.conditional_mean_gradient):
        assert np.abs(gradient(V, U, LAW, size * W) - exact).max() <= 1e-12


def test_what_else_the_output_depends_on_is_averaged_out():
    """With p(z, h, k) and logits that see z alone, the gradient is that of p(z, k)."""
    full = np.random.default_rng(3).dirichlet(np.ones(3 * 5 * 2)).reshape(3, 5, 2)
    repeated = memory.association_gradient(V, np.repeat(U, 5, axis=0), full.reshape(15, 2), W)
    assert np.abs(memory.association_gradient(V, U, full.sum(axis=1), W) - repeated).max() <= 1e-15 * 15


def test_a_common_shift_of_the_outputs_changes_nothing():
    shifted = memory.association_gradient(V + np.array([3.0, -5.0]), U, LAW, W)
    assert np.abs(shifted - memory.association_gradient(V, U, LAW, W)).max() <= 1e-14


def test_the_tasks_gradient_is_an_instance():
    """With x̄ of every sequence as input and W = 0, the negative gradient is G_V."""
    task = Task(3, 5, Fraction(1, 3), 1)
    weight, denominator = enumeration.weights(task)
    feature, scale = enumeration.features(task, "attention_value")
    correct = enumeration.sequences(task.N, task.T, task.q).correct
    joint = np.zeros((len(weight), task.M))
    joint[np.arange(len(weight)), correct] = (1 - task.alpha) * weight / denominator
    joint[:, task.tau] = task.alpha * weight / denominator
    expected, zero = gradient_mean(task, "attention_value"), np.zeros((task.M, 2 * task.M))
    for gradient in (memory.association_gradient, memory.conditional_mean_gradient):
        found = -gradient(np.eye(task.M), feature / scale, joint, zero)
        assert np.abs(found - expected).max() <= len(weight) * 2.0**-53


tasks = st.builds(
    lambda n, length, level, q: Task(n, length, level, q % n),
    st.integers(2, 6), st.integers(2, 12), st.fractions(0, 1, max_denominator=40), st.integers(0, 5),
)  # fmt: skip


@given(tasks)
@settings(max_examples=60, deadline=None)
def test_floats_are_the_fractions_rounded_once(task):
    exact, values = (memory.context_signal_classes(task, flag) for flag in (True, False))
    assert values == {entry: float(value) for entry, value in exact.items()}
    assert memory.part_sizes(task) == tuple(map(float, memory.part_sizes(task, exact=True)))
    assert (memory.context_signal(task) == memory.context_signal(task, exact=True).astype(float)).all()
    for found, stated in zip(
        memory.distributional_residual(task), memory.distributional_residual(task, True), strict=True
    ):
        assert (found == stated.astype(float)).all()


@given(tasks)
@settings(max_examples=60, deadline=None)
def test_signal_and_residual_add_up_and_are_orthogonal(task):
    S, (r, mean) = memory.context_signal(task, exact=True), memory.distributional_residual(task, exact=True)
    assert (S + np.multiply.outer(r, mean) == gradient_mean(task, "attention_value", exact=True)).all()
    assert (r @ S == 0).all()
    assert (S[:, : task.M] == S[:, task.M :]).all()
    assert (S[:, : task.M].sum(axis=1) == 0).all()


@given(st.integers(2, 9), st.integers(2, 30), st.fractions(0, 1, max_denominator=50))
@settings(max_examples=200, deadline=None)
def test_the_trigger_is_likelier_at_every_position_if_it_is_correct(n, length, level):
    """So D >= 0 in equation (13), and D⁺ >= (1-α)/N from the second position on."""
    here, elsewhere = (TriggerChain(Fraction(n), length, level, flag) for flag in (True, False))
    gap = here.probability_at_end("q") - elsewhere.probability_at_end("q")
    assert gap >= 0
    excess = here.mean_count("q") - elsewhere.mean_count("q")
    assert excess > 0 if length > 2 and level < 1 else excess == 0


@pytest.mark.parametrize("entry", ENTRY_CLASSES, ids=str)
def test_closed_forms_evaluate_to_the_values(entry):
    task = Task(5, 7, Fraction(2, 7))
    numbers = {N: task.N, T: task.T, alpha: task.alpha}
    assert memory.context_signal_closed_form(*entry).subs(numbers) == memory.context_signal_classes(task, True)[entry]


@pytest.mark.parametrize("n", [2, 64, 10**6])
def test_no_residual_at_the_balanced_noise_level(n):
    """r = 0 and G_V = S at α = 1/M; next to it, at most one part in 10¹², r is not zero."""
    assert memory.part_sizes(Task(n, n + 3, Fraction(1, n + 1))).residual == 0
    for level in (Fraction(1, n + 1) * (1 + Fraction(side, 10**12)) for side in (-1, 1)):
        assert memory.part_sizes(Task(n, n + 3, level)).residual > 0


def test_sizes_of_a_huge_task():
    """At N = 10⁶ the classes' squares add up to the sizes, to their roundings."""
    task = Task(10**6, 10**12, 0.4)
    values, sizes = memory.context_signal_classes(task), class_sizes(task.N)
    total = sum(size * values[entry] ** 2 for entry, size in sizes.items())
    assert memory.part_sizes(task).signal == pytest.approx(total, rel=1e-14)


GOOD = {"outputs": V, "inputs": U, "joint": LAW, "weight": W}
BAD = [
    ("outputs", V[0], ValueError, r"outputs must have shape \(K, d\), got \(2,\)"),
    ("outputs", np.zeros((0, 2)), ValueError, r"outputs must have shape \(K, d\), got \(0, 2\)"),
    ("inputs", U * 1j, TypeError, "inputs must be a real array, got dtype complex128"),
    ("inputs", [[1.0], [1.0, 2.0]], ValueError, "inputs must be a real array of rectangular shape"),
    ("inputs", [["a"]], TypeError, "inputs must be a real array"),
    ("inputs", torch.zeros(3, 4, requires_grad=True), TypeError, "inputs must be a real array"),
    ("weight", W.T, ValueError, r"weight must have shape \(d, e\) = \(2, 4\), got \(4, 2\)"),
    ("weight", np.full((2, 4), np.nan), ValueError, "weight must be finite"),
    ("weight", np.full((2, 4), 1e308), ValueError, "weight must give finite logits"),
    ("joint", LAW.T, ValueError, r"joint must have shape \(Z, K\) = \(3, 2\), got \(2, 3\)"),
    ("joint", LAW * 2, ValueError, r"joint must be >= 0 with sum 1 within .* 2\.0"),
    ("joint", LAW - np.array([[0.5, -0.5]] * 3), ValueError, r"joint must be >= 0 with sum 1 within .*, got -0\.5"),
]


@pytest.mark.parametrize(("name", "value", "error", "message"), BAD, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("gradient", [memory.association_gradient, memory.conditional_mean_gradient])
def test_bad_arrays_are_refused(gradient, name, value, error, message):
    with pytest.raises(error, match=message):
        gradient(**GOOD | {"joint": LAW, name: value})


def test_outputs_that_hardly_ever_occur():
    """(10) refuses p(y=k) = 0 and quotients beyond the floats, where (9) still holds."""
    never = np.array([[0.5, 0.0], [0.25, 0.0], [0.25, 0.0]])
    with pytest.raises(ValueError, match=r"joint must give every output a positive probability: .* k=\[1\]"):
        memory.conditional_mean_gradient(V, U, never, W)
    rare = never + np.array([[0.0, 5e-324]] * 3)
    with pytest.raises(ValueError, match=r"joint must not make E\[p̂\(k\|x\) x\] / p\(y=k\) overflow"):
        memory.conditional_mean_gradient(V, U, rare, W)
    expected = memory.association_gradient(V, U, never, W)
    assert np.abs(expected - precise_derivative(V, U, never, W)).max() <= 1e-14
    assert (memory.association_gradient(V, U, rare, W) == expected).all()


def test_bad_tasks_are_refused():
    for call in (memory.context_signal, memory.distributional_residual, memory.part_sizes):
        with pytest.raises(TypeError, match=r"task must be a theory\.Task, got 3"):
            call(3)
        with pytest.raises(TypeError, match="exact=True needs a rational alpha"):
            call(Task(3, 5, 0.5), exact=True)
    for call, n in ((memory.context_signal, 10**6), (memory.distributional_residual, 10**9)):
        with pytest.raises(ValueError, match=rf"N must be smaller for a full array .*N={n}.*context_signal_classes"):
            call(Task(n, 5, 0.5))
    with pytest.raises(ValueError, match="column must be"):
        memory.context_signal_closed_form("k", "Q(k)")
