"""T1.1, T1.5, T1.6: what proofs divide by, how the ratio of the margins grows, one change of sign of copying."""

import numpy as np
import pytest
import sympy

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.experiments.simulations import GROWTH, fit_distance, fit_growth, growing_tasks
from paper_checks.witnesses.sturm import copying_roots
from simulate import OneLayer, sample
from theory import LAYERS, Task, closed_form, gradient_mean
from theory.evaluation import N, T, alpha, symbolic_numbers
from theory.one_step import margins

EXPONENTS = {"T = N²": 1.0, "T = N": 1.0, "N = T²": 1.0, "T = 16": 0.0}
"""Of the ratio of the margins, in the smaller one of N and T; of N at fixed T."""


@pytest.mark.claims("T1.1")
def test_rational_functions_divide_by_all_but_zero(claim: Assertions) -> None:
    """The arithmetic of the proofs: N/(1/N) = N², whose divisor has numerator 1; N/(N-N) is refused."""
    n = symbolic_numbers()[0]
    claim.equal("N over 1/N, less N²", 0, int(n / (1 / n) != n * n))
    try:
        refused = int(n / (n - n) is None)
    except ZeroDivisionError:
        refused = 1
    claim.equal("N over 0 is refused", 1, refused)


@pytest.mark.claims("T1.5")
@pytest.mark.parametrize("level", [0.2, 0.4, 0.7, 0.95])
def test_ratio_of_margins(claim: Assertions, level: float) -> None:
    """min Δ_ff / max |Δ_attn| over sequences is NT/(N+2T) (1 + O(1/N)): exponent 1 in N for T >= N, 1 in T for T ≪ N.

    The maximum lies between the margin of q q … q and the bound from the entries; exponents are those of both. At fixed
    T the ratio tends to T as N grows, exponent 0.
    """
    for path in GROWTH:
        tasks = growing_tasks(path, level)
        side: Side = "beyond" if path == "T = 16" else "holds"
        margin = np.array([min(margins.feed_forward_margins(task).values()) for task in tasks])
        largest = np.array([margins.attention_margin_bound(task) for task in tasks])
        attained = np.array([abs(margins.repeated_trigger_margin(task)) for task in tasks])
        stated = np.array([task.N * task.T / (task.N + 2 * task.T) for task in tasks])
        claim.less(f"attained margin within the bound, {path}, α = {level}", attained, largest, side=side)
        for name, ratio in (("guaranteed ratio", margin / largest), ("ratio on q q … q", margin / attained)):
            fit = fit_growth(path, ratio)
            claim.exponent(f"exponent of the {name}, {path}, α = {level}", EXPONENTS[path], fit, side)
            name = f"exponent of its relative distance to NT/(N+2T), {name}, {path}, α = {level}"
            claim.exponent(name, *fit_distance(path, ratio / stated), side=side)


@pytest.mark.claims("T1.5")
@pytest.mark.parametrize("n", [5, 11, 23])
def test_ratio_of_margins_on_sequences(claim: Assertions, n: int) -> None:
    """On fresh sequences a real OneLayer after one population step has Δ_ff/|Δ_attn| above the guaranteed ratio."""
    task = Task(n, 3 * n, 0.5, trigger=1)
    tokens = sample(task, 4000, seed=claim.seed(f"ratio {n}")).tokens
    found = {}
    for layer, name in zip(LAYERS, ("W_F", "W_V"), strict=True):
        model = OneLayer(task)
        getattr(model, name).data.copy_(model.W_F.new_tensor(gradient_mean(task, layer)))
        logits = model(tokens).detach()
        found[name] = (logits[:, task.tau] - logits[:, : task.N].max(dim=1).values).numpy()
    guaranteed = min(margins.feed_forward_margins(task).values()) / margins.attention_margin_bound(task)
    smallest = float((found["W_F"] / np.abs(found["W_V"])).min())
    claim.less(f"guaranteed ratio, N = {n}, T = {3 * n}", guaranteed, smallest)


@pytest.mark.claims("T1.6")
def test_copying_decreases_with_the_noise_level(claim: Assertions) -> None:
    """One sign change: equation (6) of `margins.copying_threshold` for all N, T, and Sturm's count of roots at 12."""
    beta, ratio, (x, y) = 1 - alpha, 1 - alpha - 1 / N, sympy.symbols("X Y")
    powers = {(-1 / N) ** (T - 2): x, ratio ** (T - 2): y}
    never, always = (  # Σ_{t<T-1} P(z_t = q), given c ≠ q and given c = q
        (T - 2 - r * (1 - powers[r ** (T - 2)]) / (1 - r)) / (1 - r) / N for r in (-1 / N, ratio)
    )
    spread = (T - 1 - never) / N
    rest = ((N - 1) * spread + (T - 1) / N) / (N + 1)
    stated = beta**2 * never + beta * (spread - never / (N + 1)) + always / (N * (N + 1)) - rest
    entry = closed_form("attention_value", "mean", "k", "E(k)").subs(powers)
    difference = sympy.QQ.frac_field(N, alpha, T, x, y).from_sympy(N * T * entry - stated)
    claim.equal("N T G_V[k,E(k)] term by term", 0, int(difference != 0))
    sizes = [(n, length) for n in (2, 3, 5, 11) for length in (2, 3, 9)]
    found = [copying_roots(*size) for size in sizes]
    for name, expected, column in (("of the copying entry", 1, 0), ("of its derivative", 0, 1)):
        counts = np.array([roots[column] for roots in found], dtype=object)
        claim.equal(
            f"noise levels in [0, 1] that are roots {name}", np.full(len(sizes), expected, dtype=object), counts
        )
