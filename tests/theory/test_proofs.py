"""Proofs for all N, T, α at once: each closed form satisfies its recursion in T and its first value at T = 2.

Everything is exact in the field of rational functions of N, α, T, X = (-1/N)^(T-2), Y = (1-α-1/N)^(T-2), where
equality to 0 is decidable. Advancing T by one multiplies X and Y by their ratios, so a recursion holds for every T
once its residual is 0. The transition rule is restated here from the definition of the task, not taken from the code
under test.
"""

from functools import cached_property

import pytest
import sympy

import theory
from theory.evaluation import N, T, alpha, field_element, long_sequence_limit, symbolic_numbers
from theory.one_step import margins
from theory.one_step.trigger_chain import TriggerChain
from theory.quotients import as_quotient

n, length, a, power = symbolic_numbers()
CASES = [(False, token) for token in ("q", "c", "j", "rest", "tau")] + [(True, t) for t in ("q", "j", "rest", "tau")]


class TwoAlike(TriggerChain):
    """The chain with one more token name: "i" is another ordinary token with the law of "j"."""

    @cached_property
    def laws(self):
        laws = super().laws
        return laws | {"i": laws["j"]}


def chain(is_trigger, step=0):
    """The chain at sequence length T + step."""
    return TwoAlike(n, length + step, a, is_trigger, lambda r, e: power(r, e) * r**step)


def first_chain(is_trigger):
    """The chain at T = 2, where X = Y = 1 and only z_1 counts."""
    return TwoAlike(n, 2, a, is_trigger, lambda r, e: as_quotient(1))


def transition(is_trigger, token):
    """(P(next = token | not after q), P(next = token | after q)), from the definition of the task."""
    number = {"rest": n - 1 if is_trigger else n - 2, "tau": 0}.get(token, 1)
    correct = "q" if is_trigger else "c"
    return number / n, {correct: 1 - a, "tau": a}.get(token, 0 * n)


def trigger_probability(found):
    return found.probability_at_end("q")


@pytest.mark.parametrize(("is_trigger", "token"), CASES)
def test_law_of_the_last_position(is_trigger, token):
    """p_{t+1} = p_{t+1|not q} (1 - u_t) + p_{t+1|q} u_t, and p_1 uniform on ordinary tokens."""
    elsewhere, after = transition(is_trigger, token)
    u = trigger_probability(chain(is_trigger))
    assert chain(is_trigger, 1).probability_at_end(token) - (elsewhere * (1 - u) + after * u) == 0
    assert first_chain(is_trigger).probability_at_end(token) - elsewhere == 0


@pytest.mark.parametrize(("is_trigger", "token"), CASES)
def test_mean_count(is_trigger, token):
    """E[C] grows by the probability of the new position, and is that probability at T = 2."""
    grown = chain(is_trigger, 1)
    assert grown.mean_count(token) - chain(is_trigger).mean_count(token) - grown.probability_at_end(token) == 0
    first = first_chain(is_trigger)
    assert first.mean_count(token) - first.probability_at_end(token) == 0


def product_of_counts(found, left, right):
    return found.count_covariance(left, right) + found.mean_count(left) * found.mean_count(right)


def joint_with_trigger(is_trigger, left, right, now, grown):
    """F = b_right f_left + b_left f_right, solved from the growth of E[C_left C_right]; and (b_left, b_right)."""
    (e_left, a_left), (e_right, a_right) = transition(is_trigger, left), transition(is_trigger, right)
    growth = product_of_counts(grown, left, right) - product_of_counts(now, left, right)
    growth -= grown.probability_at_end(left) if left == right else 0
    free = e_right * now.mean_count(left) + e_left * now.mean_count(right)
    return growth - free, (a_left - e_left, a_right - e_right)


NAMES = [(flag, i, j) for flag, i in CASES for other, j in CASES if flag == other]
PAIRS = [case for case in NAMES if set(case[1:]) != {"j", "rest"}] + [(flag, "j", "i") for flag in (False, True)]


@pytest.mark.parametrize(("is_trigger", "left", "right"), PAIRS)
def test_product_of_counts(is_trigger, left, right):
    """E[C_i C_j] obeys, with P(z = j | past) = e_j + b_j 1{z_t = q} and f_i = E[C_i 1{z_t = q}],

    E[C_i C_j]_{t+1} = E[C_i C_j]_t + (e_j E[C_i] + b_j f_i) + (e_i E[C_j] + b_i f_j) + 1{i=j} p_i,
    f_i at t+1 = (1/N) E[C_i] + r f_i + 1{i=q} u_{t+1},    f_i at t = 1: 1{i=q}/N,    E[C_i C_j] at t = 1: 1{i=j} p_i.

    The first line, solved for F = b_j f_i + b_i f_j, defines F from the closed form; F must then obey the second line.
    """
    now, grown, later = (chain(is_trigger, step) for step in (0, 1, 2))
    combined, (b_left, b_right) = joint_with_trigger(is_trigger, left, right, now, grown)
    combined_next, _ = joint_with_trigger(is_trigger, left, right, grown, later)
    source = (b_right * now.mean_count(left) + b_left * now.mean_count(right)) / n
    arrivals = (left == "q") * b_right + (right == "q") * b_left
    stays = transition(is_trigger, "q")[1] - transition(is_trigger, "q")[0]
    assert combined_next - (source + stays * combined + arrivals * trigger_probability(grown)) == 0

    first, second = first_chain(is_trigger), TwoAlike(n, 3, a, is_trigger, lambda r, e: r)
    assert product_of_counts(first, left, right) - (first.probability_at_end(left) if left == right else 0) == 0
    assert joint_with_trigger(is_trigger, left, right, first, second)[0] - arrivals / n == 0


@pytest.mark.parametrize(("is_trigger", "previous", "current"), NAMES)
def test_pair_count(is_trigger, previous, current):
    """Pairs within z_1 … z_{T-1} grow by P(z_{T-1} = previous) P(current | previous) from 0 at T = 2; then (·, q)."""
    elsewhere, after = transition(is_trigger, current)

    def within(found):
        return found.pair_count(previous, current) - (current == "q") * found.probability_at_end(previous)

    growth = chain(is_trigger).probability_at_end(previous) * (after if previous == "q" else elsewhere)
    assert within(chain(is_trigger, 1)) - within(chain(is_trigger)) - growth == 0
    assert within(first_chain(is_trigger)) == 0


def given(layer, is_trigger, block, token, order):
    """E[f^order | c] from chain moments, by the definition of x_T and x̄."""
    found = chain(is_trigger)
    if layer == "feed_forward":
        return int(token == "q") + 0 * n if block == "E" else found.probability_at_end(token)
    extra = int(block == "E" and token == "q")
    mean = found.mean_count(token)
    square = product_of_counts(found, token, token)
    return (mean + extra) / length if order == 1 else (square + 2 * extra * mean + extra) / length**2


def expectation(layer, row, block, token, order):
    """E[(1{y=row} - 1/M)^order f^order], summed over the classes of the correct token with their probabilities."""
    M = n + 1
    # classes of c: (probability, is_trigger, name of the column's token then, P(y = row | c))
    classes = [(1 / n, True, token if token in ("q", "tau") else "j", {"q": 1 - a, "tau": a}.get(row, 0))]
    hit_elsewhere = {"q": 0, "tau": a}
    if token in ("q", "tau"):
        own = (1 - a) / (n - 1) if row == "k" else hit_elsewhere[row]
        classes.append(((n - 1) / n, False, token, own))
    else:
        same = (1 - a if token == "k" else 0) if row == "k" else hit_elsewhere[row]
        other = (0 if token == "k" else (1 - a) / (n - 2)) if row == "k" else hit_elsewhere[row]
        classes += [(1 / n, False, "c", same), ((n - 2) / n, False, "j", other)]
    total = 0 * n
    for probability, is_trigger, name, hit in classes:
        residual = hit * (1 - 1 / M) ** order + (1 - hit) * (-1 / M) ** order
        total += probability * residual * given(layer, is_trigger, block, name, order)
    return total


def in_field(expression):
    """A closed form as a field element, its two powers read as X and Y."""
    x, y = sympy.symbols("X Y")
    powers = {(-1 / N) ** (T - 2): x, (1 - alpha - 1 / N) ** (T - 2): y}
    powers |= {(-1 / N) ** (2 * T - 4): x**2, (1 - alpha - 1 / N) ** (2 * T - 4): y**2}
    return sympy.QQ.frac_field(N, alpha, T, x, y).from_sympy(expression.subs(powers))


@pytest.mark.parametrize("layer", theory.LAYERS)
@pytest.mark.parametrize("entry", theory.ENTRY_CLASSES)
def test_closed_forms_are_the_definition(layer, entry):
    """Every published closed form equals the gradient's moments, in terms of the proved chain moments."""
    row, column = entry
    block, token = column[0], column[2:-1]
    mean = expectation(layer, row, block, token, 1)
    assert in_field(theory.closed_form(layer, "mean", *entry)) == field_element(mean)
    variance = expectation(layer, row, block, token, 2) - mean**2
    assert in_field(theory.closed_form(layer, "variance", *entry)) == field_element(variance)


def test_limit_of_the_noise_threshold():
    """Equation (16) is the limit T → ∞ of (10) at j = k = q, and the stated level its one positive root."""
    noise, trigger = (
        sum(theory.closed_form("feed_forward", "mean", row, f"{block}(q)") for block in "EP") for row in ("tau", "q")
    )
    limit = long_sequence_limit(noise - trigger)
    u = 1 / (1 + alpha * N)
    w = ((N - 1) / (N + 1) + u) / N
    assert sympy.simplify(limit - (alpha - (1 - alpha) / N + alpha * w - (1 - alpha) * u / N)) == 0
    numerator = sympy.Poly(sympy.fraction(sympy.together(limit))[0], alpha)
    assert numerator.degree() == 2
    assert sympy.simplify(numerator.eval(margins.limiting_noise_threshold())) == 0


def test_closed_forms_use_only_the_three_symbols():
    assert theory.closed_form("attention_value", "variance", "k", "P(j)").free_symbols == {N, T, alpha}
    assert {str(symbol) for symbol in (N, T, alpha)} == {"N", "T", "alpha"}
