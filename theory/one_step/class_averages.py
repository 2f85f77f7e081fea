"""Exact per-sample variance of the average over a symmetry class of gradient entries.

A class average is a far sharper statistic than one entry, and its variance, which fixes how many sequences a check
needs, follows from the joint moments of the class sums: given c and y, the sum over a class is a linear function

    S = Σ_(k,a) (1{y=k} - 1/M) f_a = v·f̃,    f̃ = (f_q, f_c, f_rest, f_τ),  f_rest = Σ f_j over ordinary j ∉ {q, c},

so E[S²] = Σ_c,y P(c, y) vᵀ E[f̃ f̃ᵀ | c] v.  Source: this project.
"""

from fractions import Fraction
from typing import Literal, overload

from theory.arguments import Element, checked
from theory.arrays import Number
from theory.evaluation import evaluate
from theory.task import Layer, Task

from .gradients import EntryMoments
from .symmetry import ENTRY_CLASSES, EntryClass
from .trigger_chain import TriggerChain

Vector = dict[str, Number]


@checked
def class_sizes(N: Element) -> dict[EntryClass, Number]:
    """Number of entries per class; 0 for the classes that need more ordinary tokens than there are."""
    rows = {"q": 1, "k": N - 1, "tau": 1}
    sizes = {}
    for row, column in ENTRY_CLASSES:
        token = column[2:-1]
        columns = {"q": 1, "tau": 1, "k": 1, "j": N - 2 if row == "k" else N - 1}[token]
        sizes[row, column] = rows[row] * columns
    return sizes


@overload
def class_average_variance(task: Task, layer: Layer, exact: Literal[False] = False) -> dict[EntryClass, float]: ...
@overload
def class_average_variance(task: Task, layer: Layer, *, exact: Literal[True]) -> dict[EntryClass, Fraction]: ...
@overload
def class_average_variance(task: Task, layer: Layer, exact: bool = False) -> dict[EntryClass, Number]: ...
@checked
def class_average_variance(task: Task, layer: Layer, exact: bool = False) -> dict[EntryClass, Number]:
    """Per-sample variance of the class average of the negative gradient's entries, for every class that has entries.

    Args:
        task: the task; `exact=True` needs a rational alpha.
        layer: "feed_forward" or "attention_value".
        exact: `Fraction`s instead of floats.

    Raises:
        ValueError: unknown layer.   TypeError: exact=True with a float alpha.
    """
    present = [entry for entry, size in class_sizes(task.N).items() if size]
    return evaluate(lambda *numbers: _variances(layer, present, *numbers), task, exact)


def _variances(
    layer: Layer, present: list[EntryClass], N: Number, T: Number, alpha: Number
) -> dict[EntryClass, Number]:
    moments = EntryMoments(layer, N, T, alpha)
    sizes = class_sizes(N)
    second = dict.fromkeys(present, 0 * N)
    for is_trigger, chain in moments.chains.items():
        weight = (1 if is_trigger else N - 1) / N
        products = {block: _second_moments(layer, chain, block) for block in "EP"}
        for target, probability in (("c", 1 - alpha), ("tau", alpha)):
            for entry in present:
                vector = _class_sum(entry, is_trigger, target, N)
                quadratic = sum(
                    a * b * products[entry[1][0]][i, j] for i, a in vector.items() for j, b in vector.items()
                )
                second[entry] += weight * probability * quadratic
    means = {entry: moments.mean(entry) for entry in present}
    return {entry: second[entry] / (sizes[entry] * sizes[entry]) - means[entry] * means[entry] for entry in present}


def _second_moments(layer: Layer, chain: TriggerChain, block: str) -> dict[tuple[str, str], Number]:
    """E[f_i f_j | c] for the lumped coordinates."""
    tokens = [token for token in chain.laws if token != "j"]
    zero = 0 * chain.N
    if layer == "feed_forward":  # f is the indicator of one token
        own = {t: chain.probability_at_end(t) if block == "P" else int(t == "q") + zero for t in tokens}
        return {(i, j): own[i] if i == j else zero for i in tokens for j in tokens}
    shift = {token: int(block == "E" and token == "q") for token in tokens}
    mean = {token: chain.mean_count(token) + shift[token] for token in tokens}
    return {(i, j): (mean[i] * mean[j] + chain.count_covariance(i, j)) / chain.T**2 for i in tokens for j in tokens}


def _class_sum(entry: EntryClass, is_trigger: bool, target: str, N: Number) -> Vector:
    """The vector v for one class, given the class of c (c = q or not) and the target (c or τ)."""
    row, token = entry[0], entry[1][2:-1]
    M = N + 1
    hits = {"q": int(is_trigger and target == "c"), "tau": int(target == "tau")}
    hits["k"] = 1 - hits["q"] - hits["tau"]
    coefficient = hits[row] - (N - 1 if row == "k" else 1) / M  # Σ over the class's rows of 1{y=k} - 1/M
    ordinary = ["rest"] if is_trigger else ["rest", "c"]
    tokens = ordinary if token in ("j", "k") else [token]
    if row != "k" or token not in ("j", "k"):
        return dict.fromkeys(tokens, coefficient)
    diagonal = {name: (hits["k"] if name == "c" else 0) - 1 / M for name in ordinary}
    return diagonal if token == "k" else {name: coefficient - diagonal[name] for name in ordinary}
