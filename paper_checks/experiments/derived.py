"""Symbolic work that checks ask for, as jobs: what is derived less what is stated, as text, "0" if nothing is left."""

import math
from typing import Any

import numpy as np
import sympy

from paper_checks.jobs import job
from theory import closed_form
from theory.evaluation import N, alpha, long_sequence_limit
from theory.memory import gradient_flow as flow
from theory.one_step import signal_to_noise as signal

Differences = list[tuple[str, str]]
"""Of named statements."""


def _differences(*stated: tuple[str, Any]) -> Differences:
    return [(name, str(sympy.simplify(difference))) for name, difference in stated]


@job("symbolic work", cost=0.5)
def noise_row_limit() -> str:
    """T2.3: lim SNR² of the noise row for T → ∞, then N → ∞, against α/(1-α)."""
    mean, variance = (
        long_sequence_limit(closed_form("attention_value", moment, "tau", "E(k)")) for moment in ("mean", "variance")
    )
    limit = sympy.limit(sympy.factor(mean**2 / variance), N, sympy.oo)
    return str(sympy.simplify(limit - alpha / (1 - alpha)))


@job("symbolic work", cost=0.7)
def copying_limits() -> Differences:
    """T2.4: SNR² along D for T → ∞, then N → ∞, and N SNR² for N → ∞ at fixed T."""
    mean, variance = (signal.centred_copying_closed_form(moment) for moment in ("mean", "variance"))
    long = sympy.factor(long_sequence_limit(mean) ** 2 / long_sequence_limit(variance))
    found = [("limit T → ∞, then N → ∞", sympy.limit(long, N, sympy.oo) - (1 - alpha) / alpha)]
    for length in (3, 4, 5, 7, 8, 12):
        stated = (length - 2) ** 2 * (1 - alpha) ** 3 / (2 * (length - 1) - (length - 2) * alpha)
        found.append((f"limit of N SNR² for N → ∞, T = {length}", signal.short_context_limit(length) - stated))
    return _differences(*found, ("no signal at T = 2", signal.short_context_limit(2)))


@job("symbolic work", cost=0.6)
def three_values() -> Differences:
    """T4.1: the sum of the rates (1) for every n; the flow of a whole matrix at three values, and its column sums."""
    symbols, rates = flow.symbolic_rates()
    n = symbols["n"]
    found = [("(a + (n-1) b + s)'", rates["a"] + (n - 1) * rates["b"] + rates["s"])]
    for size in (2, 3):
        matrix = sympy.Matrix(size + 1, size, sympy.symarray("w", (size + 1, size)).ravel())
        three = {
            matrix[k, x]: symbols["s" if k == size else "a" if k == x else "b"]
            for k in range(size + 1)
            for x in range(size)
        }
        stated = {name: rate.subs(n, size) for name, rate in rates.items()}
        whole = _matrix_rates(matrix, size, symbols["alpha"])
        for (k, x), rate in np.ndenumerate(whole):
            name = "s" if k == size else "a" if k == x else "b"
            found.append((f"rate of W[{k}, {x}] at three values, n = {size}", rate.subs(three) - stated[name]))
        found += [(f"column sum {x} conserved from any W, n = {size}", sum(whole[:, x])) for x in range(size)]
    return _differences(*found)


def _matrix_rates(matrix: sympy.Matrix, n: int, alpha: sympy.Symbol) -> np.ndarray:
    """-∇L of the cross-entropy L itself, by differentiation, shape (n+1, n)."""
    logs = [[matrix[k, x] - sympy.log(sum(sympy.exp(w) for w in matrix[:, x])) for x in range(n)] for k in range(n + 1)]
    loss = -sum((1 - alpha) * logs[x][x] + alpha * logs[n][x] for x in range(n)) / n
    return np.array([[-sympy.diff(loss, matrix[k, x]) for x in range(n)] for k in range(n + 1)])


@job("symbolic work", cost=0.5)
def boundary_algebra(ties: tuple[tuple[int, float], ...]) -> tuple[Differences, list[float]]:
    """T4.4: what its boundary rests on, for every n, and h at these n and D by (8)."""
    n, y, m = sympy.Symbol("n", positive=True), sympy.Symbol("y", positive=True), sympy.Symbol("m", positive=True)
    inverse = (y ** (m - 1) + y + m**2 - 2) / (y + m - 1)
    slope = sympy.diff(inverse, y) * (y + m - 1) ** 2
    factor = (m - 2) * y ** (m - 1) + (m - 1) ** 2 * y ** (m - 2) - (m**2 - m - 1)
    growth = sympy.diff(factor, y) - (m - 1) * (m - 2) * y ** (m - 3) * (y + m - 1)
    symbols, rates = flow.symbolic_rates()
    at_tie = {symbols["a"]: symbols["b"] + (m - 1) * sympy.log(y), symbols["s"]: symbols["b"] + sympy.log(y)}
    rate = (m * rates["s"] - rates["a"] + rates["b"]).subs(symbols["n"], m**2 - 1).subs(at_tie)
    rest = sympy.powsimp((m**2 - 1) * rate - (m + 1) * (symbols["alpha"] - 1 / inverse))
    found = _differences(
        ("(n-1)² - (n+1)", (n - 1) ** 2 - (n + 1) - n * (n - 3)),
        ("(1/h)'", sympy.powsimp(sympy.expand(slope - factor))),
        ("it vanishes at y = 1", sympy.expand(factor.subs(y, 1))),
        ("and has the sign of m - 2", sympy.powsimp(sympy.expand(growth))),
        ("n G' = (m+1)(α - h) where G = 0", sympy.cancel(sympy.together(sympy.expand(rest)))),
    )
    roots = [(math.sqrt(count + 1), D) for count, D in ties]
    return found, [float((1 / inverse).subs({m: root, y: math.exp(D / (root - 1))})) for root, D in roots]
