"""The three steps of B3: identities, limits, and proofs of the boundaries."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulate import TwoLayer
from tests.oracles.induction import ALL_READS, EPS, EVERYTHING, NO_TOKENS, POSITIONS, TOKENS, every_sequence, sizes
from theory.birth import accuracy
from theory.birth import three_steps as head
from theory.birth.three_steps import BASIC, InductionTask
from theory.birth.weights import population_weights

# The steps


@pytest.mark.parametrize("reads", ALL_READS, ids=lambda r: "-".join((*r.values, *r.keys, *r.query)))
@pytest.mark.parametrize("task", [InductionTask(3, 6), InductionTask(4, 5), InductionTask(5, 4)], ids=str)
def test_weights_are_the_networks_steps_over_all_sequences(task, reads):
    """(1) to (3) at p̂ = 1/N: autograd of E[ξ_y - mean_k ξ_k], whose gradient in ξ is e_y - 1/N, where softmax bends.

    To rounding: a mean of T² terms per sequence, of exponents below 60, and ē - e_t > e⁻⁴/T.
    """
    tokens, target, _ = every_sequence(task.N, task.T)
    o = float(head.output_association(task))
    scores = head.uniform_scores(task, reads)
    size, last = 4 / float((scores.max(axis=1) - scores.min(axis=1)).max()), 7.0
    weights, model = population_weights(task, size, last, reads), TwoLayer(task.N, task.T)
    steps = (
        ("W_O", 1.0, (), reads.values),
        ("W_K2", size / o, reads.keys, reads.query),
        ("W_K1", last / o, *2 * ("P",)),
    )
    for name, step, rows, columns in steps:
        logits = model(tokens)
        objective = (logits.gather(1, target[:, None])[:, 0] - logits.mean(dim=1)).mean()
        found = step * torch.autograd.grad(objective, getattr(model, name))[0].numpy()
        seen = np.zeros(found.shape, dtype=bool)
        for row in [model.block(r) for r in rows] or [slice(None)]:
            for column in columns:
                seen[row, model.block(column)] = True
        expected = getattr(weights, name)
        assert (expected[~seen] == 0).all()
        found = np.where(seen, found, 0)
        if name == "W_K1":  # only earlier keys are attended to; a column's later keys have no gradient
            assert (found[expected == 0] == 0).all()
        assert np.abs(found - expected).max() <= 60 * task.T**2 * EPS * np.abs(found).max()
        model = model.with_weights(**{name: torch.from_numpy(expected)})


@given(sizes, st.sampled_from(ALL_READS))
@settings(deadline=None, derandomize=True, max_examples=12)
def test_what_is_added_to_all_positions_or_outputs_is_nothing(size, reads):
    """Σ_t b_t = 0, columns of W_K¹ sum to 0, rows and columns of W_O², W_K²'s token blocks sum to 0."""
    task = InductionTask(*size)
    assume(head.output_association(task) != 0)
    assert head.position_bias(task, reads).sum() == 0
    assert (head.previous_token_slope(task).sum(axis=0) == 0).all()
    assert (head.previous_token_slope(task)[np.tril_indices(task.T, -1)] == 0).all()
    step = head.previous_token_step(task, 0.7, reads)
    assert np.abs(step.sum(axis=0)).max() <= 8 * task.T**2 * EPS * np.abs(step).max()
    weights, N = population_weights(task, 1.0, 1.0, reads), task.N
    for block in (weights.W_O[:, :N], weights.W_K2[:N, :N]):
        scale = 4 * N * EPS * np.abs(block).max()
        assert np.abs(block.sum(axis=0)).max() <= scale and np.abs(block.sum(axis=1)).max() <= scale


@given(sizes)
@settings(deadline=None, derandomize=True, max_examples=15)
def test_closed_forms_for_values_that_read_tokens(size):
    """o, A_E = -2ē/T < 0, and b_t: least at T, then at 1, equal in between, highest at T-1."""
    task = InductionTask(*size)
    (N, T), f = size, Fraction(1, size[0] - 1)
    mean = (1 + (T - 3) * f) / Fraction(T)
    assert head.output_association(task) == Fraction(N * (N - 4) + T, T * N * (N - 1) ** 2)
    assert head.key_association(task, "E") == -2 * mean / T < 0
    bias, rate = head.position_bias(task), Fraction(1, T - 2)
    expected = [f * (T - 3) * rate, *[(1 + f * (T - 4)) * rate] * (T - 3), (1 + f * (T - 3)) * rate, 0]
    if T == 3:
        expected = [0, 1, 0]
    assert list(bias) == [(e - mean) / T for e in expected]
    assert T == 3 or bias[-2] - bias[1] == f / (T * (T - 2))


def symbolic_match(N, T, H):
    """A_E1 of equation (4)."""
    f = 1 / (N - 1)
    return ((H - 1 + f * (T - 2 * H)) / (T - 2) - (1 + (T - 3) * f) / T * (1 + 2 / T + 1 / (T - 1))) / T


def harmonic(T):
    return sum((sp.Rational(1, i) for i in range(1, T)), sp.Integer(0))


@pytest.mark.parametrize("T", [3, 4, 5, 6, 9, 12])
def test_the_match_in_closed_form_for_symbolic_N(T):
    """A_E1 from its definition, in f; linear in f, so that agreement at two N is agreement at all."""
    f, total = sp.Symbol("f"), 0
    for j in range(1, T - 1):
        e = [0 if t in (j, T) else 1 if t == j + 1 else f for t in range(1, T + 1)]
        u = [sp.Rational((t >= j) + (t == T), t) for t in range(1, T + 1)]
        total += sum((x - sum(e) / sp.Integer(T)) * y for x, y in zip(e, u, strict=True))
    defined, N = sp.expand(total / (T * (T - 2))), sp.Symbol("N")
    assert sp.degree(defined, f) <= 1
    assert sp.simplify(defined.subs(f, 1 / (N - 1)) - symbolic_match(N, sp.Integer(T), harmonic(T))) == 0
    for n in (2, 5, 10**9):
        value = defined.subs(f, sp.Rational(1, n - 1))
        assert head.basic_key_association(InductionTask(n, T)) == Fraction(int(value.p), int(value.q))


def test_where_the_match_is_learned_is_proved():
    """N = 2, 3: never. N >= 4: T (T-2) A_E1 rises with T from 5 on and A_E1 with N, so a threshold T(N) falls.

    So do thresholds of the form A_E1 > constant/(T (T-2)), among them that of positions.
    """
    N, T, H = sp.symbols("N T H", positive=True)
    n, t, h = sp.symbols("n t h", nonnegative=True)
    match = symbolic_match(N, T, H)
    assert sp.simplify(match.subs(N, 3) + (T - 1) / T**3) == 0
    # N = 2, T >= 3: H_{T-1} >= 3/2, and T = 3, 4, 5 beside all T >= 6.
    two = sp.fraction(sp.factor(match.subs({N: 2, H: sp.Rational(3, 2) + h, T: 6 + t})))
    assert all(c > 0 for c in sp.Poly(two[1], h, t).coeffs()) and all(c < 0 for c in sp.Poly(two[0], h, t).coeffs())
    assert all(match.subs({N: 2, T: k, H: harmonic(k)}) < 0 for k in (3, 4, 5))
    for k, expected in ((3, -sp.Rational(2, 27)), (4, -(N + 6) / (96 * (N - 1))), (5, (7 * N - 93) / (1125 * (N - 1)))):
        assert sp.simplify(match.subs(H, harmonic(k)).subs(T, k) - expected) == 0
    rise = (T * (T - 2) * match).subs({T: T + 1, H: H + 1 / T}, simultaneous=True) - T * (T - 2) * match
    top, bottom = sp.fraction(sp.factor(rise))
    assert H not in top.free_symbols
    shifted = [sp.Poly(sp.expand(part.subs({N: 4 + n, T: 5 + t})), n, t) for part in (top, bottom)]
    assert all(c > 0 for part in shifted for c in part.coeffs())
    top, bottom = sp.fraction(sp.factor(sp.diff(match, N)))  # H >= 11/6 from T = 4 on; at T = 3 the derivative is 0
    shifted = [
        sp.Poly(sp.expand(part.subs({N: 4 + n, T: 4 + t, H: sp.Rational(11, 6) + h})), n, t, h)
        for part in (top, bottom)
    ]
    assert all(c > 0 for part in shifted for c in part.coeffs())


@pytest.mark.parametrize(("N", "least"), [(2, None), (3, None), (4, 26), (5, 10), (6, 7), (7, 7), (13, 6), (14, 5)])
def test_the_match_is_learned_from_one_length_on(N, least):
    for T in (*range(3, 60), 200, 511, 512):
        assert accuracy.learns_match(InductionTask(N, T)) == (least is not None and least <= T)
    assert accuracy.least_length(N, 60) == least


@pytest.mark.parametrize("T", [3, 5, 9, 33])
def test_many_tokens(T):
    """N → ∞: N o → 1/T, A_E1 → ((H-1)/(T-2) - (1/T)(1 + 2/T + 1/(T-1)))/T, A_E → -2/T², T b → (0, r..r, 0) - 1/T."""
    N, task = 10**9, InductionTask(10**9, T)
    limit = symbolic_match(sp.oo, sp.Integer(T), harmonic(T))
    assert abs(N * head.output_association(task) * T - 1) < Fraction(T + 5, N)  # 1/N-terms of o T N: at most T + 5
    assert abs(float(head.basic_key_association(task) - Fraction(int(limit.p), int(limit.q)))) < 5 / N
    assert abs(head.key_association(task, "E") + Fraction(2, T**2)) < Fraction(3, N)
    expected = np.array([0, *[1 / (T - 2)] * (T - 2), 0]) - 1 / T
    assert np.abs(T * head.position_bias(task).astype(float) - expected).max() < 3 / N


# W_K¹


def mpmath_step(task, size, reads):
    """(3) over o from its definition in 60 digits, and a bound on the rounding of each column in floats."""

    def number(x):
        return mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator

    T, f = task.T, Fraction(1, task.N - 1)
    ratio = head.copied_output_association(task) / head.output_association(task) * ("E1" in reads.values)
    match, scores = head.match_score(task, size, reads), head.uniform_scores(task, reads) * Fraction(size)
    step, bound = np.full((T, T), mpmath.mpf(0)), np.zeros(T)
    for j in range(T - 2):
        rates = [Fraction(t == j + 1) if t in (j, j + 1, T - 1) else f for t in range(T)]
        shares = [sum(rates[: t + 1], Fraction(0)) / (t + 1) for t in range(T)]
        values = [number(r + ratio * v) for r, v in zip(rates, shares, strict=True)]
        weights = [mpmath.exp(number(score)) for score in scores[j]]
        attention = [w / mpmath.fsum(weights) for w in weights]
        mean = mpmath.fsum(a * v for a, v in zip(attention, values, strict=True))
        for s, t in zip(*np.triu_indices(T), strict=True):
            copied = Fraction(int(s in (j, T - 1))) - Fraction(int(t >= j) + int(t == T - 1), int(t) + 1)
            entry = (values[t] - mean) * number(match * copied) + number(ratio * (rates[s] - shares[t]))
            step[s, t] += attention[t] * entry / int((t + 1) * (T - 2))
        # a_t is off by |exponents| + T + 6 roundings, e_t - ē by twice that times max e; T + 6 more in the sums.
        rounds = 8 * (max(map(abs, map(float, scores[j]))) + T + 6) * EPS * (1 + float(max(values)))
        bound += [rounds * float(a * number(abs(match) + ratio)) / (t + 1) / (T - 2) for t, a in enumerate(attention)]
    return step, bound


@pytest.mark.parametrize("match", [1e-3, 3.0, 20.0])
@pytest.mark.parametrize("reads", [BASIC, TOKENS, POSITIONS, EVERYTHING], ids=lambda r: "-".join((*r.values, *r.keys)))
@pytest.mark.parametrize("task", [InductionTask(20, 9), InductionTask(5, 11)], ids=str)
def test_previous_token_step_in_floats(task, reads, match):
    size = match / abs(float(head.match_score(task, 1, reads)))
    with mpmath.workdps(60):
        exact, bound = mpmath_step(task, size, reads)
        found = head.previous_token_step(task, size, reads)
        error = np.array(
            [
                [float(abs(mpmath.mpf(float(x)) - y)) for x, y in zip(*rows, strict=True)]
                for rows in zip(found, exact, strict=True)
            ]
        )
    assert found.dtype == np.float64 and found.shape == (task.T, task.T)
    assert (error <= bound).all()


def row_logs(N, T, match, reads):
    """log G of key t-1 and of the best other key in rows t = 2..T-1, G_s = a_t (e_t - ē) given j = s; values read E.

    Row t of (3) is λ/(t (T-2)) times G_s for s = j <= T-2 and 0 for s = T-1, up to a constant; no G is rounded to 0.
    """
    f, J, at = 1 / (N - 1), T - 2, np.arange(T - 2)
    e, own = np.full((J, T), f), np.zeros((J, T))
    own[at, at] = own[:, -1] = e[at, at + 1] = 1
    e[at, at] = e[:, -1] = 0
    copied = np.cumsum(own, axis=1) / np.arange(1, T + 1)
    centred = e - e.mean(axis=1, keepdims=True)
    A = (centred * copied).sum(axis=1).mean()
    scores = match * copied + match / A * ("E" in reads.keys) * (centred * own).sum(axis=1).mean() * own
    scores += match / A * (N - 1) * (1 / N + ("P" in reads.query)) * ("P" in reads.keys) * centred.mean(axis=0)
    attention = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    with np.errstate(divide="ignore"):
        follower = np.logaddexp.reduce(attention + np.log(1 - e), axis=1)  # log(1 - ē)
        weights = np.exp(attention)
        excess = f * (weights[at, at] + weights[:, -1]) - (1 - f) * weights[at, at + 1]  # f - ē
        others = np.log(np.maximum(excess, 0))
        best = [attention[t - 2, t - 1] + follower[t - 2] for t in range(2, T)]
        rest = [max((attention[s, t - 1] + others[s] for s in range(t - 2)), default=-np.inf) for t in range(2, T)]
    return np.array(best), np.array(rest), (A > 0, excess, scores)


@given(st.integers(4, 300) | st.integers(4, 10**6), st.integers(5, 120), st.floats(-4, 2.7))
@settings(deadline=None, derandomize=True, max_examples=80)
def test_previous_token_rows_are_right_at_every_step_size(N, T, log_match):
    """Rows 2..T-1 for basic reads, keys that read tokens, and these with positions, λ from 10⁻⁴ to 500.

    Row T needs no test: its best key T-1, which is never q, scores 0; every other -a_T ē < 0.
    """
    for reads in (BASIC, TOKENS, POSITIONS):
        best, rest, (learned, _, _) = row_logs(N, T, 10**log_match, reads)
        assert not learned or (best > rest).all()


@given(st.integers(3, 10**6), st.integers(4, 200), st.floats(-4, 2.7))
@settings(deadline=None, derandomize=True, max_examples=50)
def test_the_proof_for_basic_reads(N, T, log_match):
    """λ > 0, N >= 3: a_t falls in j (a later trigger lifts fewer positions' scores), ē <= 1/2, f <= 1/2, hence
    a_t (1 - ē) at j = t-1 exceeds a_t (f - ē) at j < t-1; key t scores -a_t ē < 0. The sign of A_E1 is not used.
    """
    match, f = 10**log_match, 1 / (N - 1)
    copied = [[((t >= j) + (t == T)) / t for t in range(1, T + 1)] for j in range(1, T - 1)]
    log_sum = np.logaddexp.reduce(match * np.array(copied), axis=1)
    assert (np.diff(log_sum) <= 4 * T * EPS * log_sum[0]).all()
    attention = np.exp(match * np.array(copied) - log_sum[:, None])
    at = np.arange(T - 2)
    e = np.full((T - 2, T), f)
    e[at, at + 1], e[at, at], e[:, -1] = 1, 0, 0
    assert (attention * e).sum(axis=1).max() <= 0.5 + 4 * T * EPS


def test_rows_go_wrong_where_keys_read_positions_and_not_tokens():
    """N = 14, T = 24, λ = 20: the scores prefer the follower, but row 23 of W_K¹ does not find the previous token."""
    task = InductionTask(14, 24)
    best, rest, _ = row_logs(14, 24, 20.0, NO_TOKENS)
    assert list(np.flatnonzero(best <= rest) + 2) == [23]
    assert min(accuracy.score_gaps(task, NO_TOKENS)) > 0
    assert 23 in accuracy.wrong_rows(task, 20 / float(head.match_score(task, 1)), NO_TOKENS)
