"""B3: every statement about what the three steps recall, by force; bad input."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from paper_checks.experiments.induction import leads, model_of
from paper_checks.witnesses.induction_enumeration import votes
from tests.oracles.induction import ALL_READS, COPIES, EPS, EVERYTHING, POSITIONS, TOKENS, every_sequence
from theory.birth import accuracy
from theory.birth import three_steps as head
from theory.birth.three_steps import BASIC, InductionTask, Reads
from theory.birth.weights import population_weights

# Accuracy


@pytest.mark.parametrize("reads", ALL_READS, ids=lambda r: "-".join((*r.values, *r.keys, *r.query)))
@pytest.mark.parametrize("task", [InductionTask(6, 7), InductionTask(4, 9), InductionTask(9, 3)], ids=str)
def test_final_scores_are_those_of_a_first_layer_that_copies_the_previous_token(task, reads):
    """Scores of W_K² on written-out features, up to a constant per sequence; fillers must not matter."""
    N, T, F = task.N, task.T, task.N + task.T
    weights, draws = population_weights(task, 1.0, 0.0, reads), np.random.default_rng(4)
    exact = accuracy.final_scores(task, reads)
    for j in range(T - 2):
        tokens = draws.integers(1, N, T)
        tokens[[j, T - 1]] = 0
        x = np.hstack([np.eye(N)[tokens], np.eye(T)])
        stream = np.hstack([x, x[[0, *range(T - 1)]]])
        scores = stream @ weights.W_K2 @ stream[-1]
        expected = exact[j].astype(float)
        scale = np.abs(weights.W_K2).max()
        assert np.abs((scores - scores[0]) - (expected - expected[0])).max() <= 8 * F * EPS * scale
    with_trigger = accuracy.final_scores(task, reads, 1)
    assert ((with_trigger - exact)[:, :-1] == 0).all()
    assert set((with_trigger - exact)[:, -1]) == {head.match_score(task, 1, reads)}


@given(st.integers(2, 30), st.integers(3, 12), st.sampled_from(ALL_READS))
@settings(deadline=None, derandomize=True, max_examples=15)
def test_score_gaps_are_followers_against_the_best_other(N, T, reads):
    assume(N * (N - 4) + T)
    task = InductionTask(N, T)
    scores = accuracy.final_scores(task, reads).tolist()
    gaps = [row[j + 1] - max(row[: j + 1] + row[j + 2 :]) for j, row in enumerate(scores)]
    assert list(accuracy.score_gaps(task, reads)) == gaps


@pytest.mark.parametrize(("N", "T"), [(14, 5), (8, 6), (6, 7), (50, 5)])
def test_basic_accuracy_over_all_sequences(N, T):
    """Attention in proportion to 1 on unmatched positions and W on the follower, with position 1 at j = 1; W → ∞."""
    task = InductionTask(N, T)
    counts, answers = votes(N, T, 10**6)  # beside sums of at most T
    rows = np.arange(len(counts))
    answer = counts[rows, answers]
    counts[rows, answers] = -1
    exact = Fraction(int((answer > counts.max(axis=1)).sum()), len(counts))
    assert accuracy.basic_accuracy(task) == exact
    if N < 10:  # and the network with theory's weights: row T, the least sharp, gives ties to q
        size = 6 / float(head.match_score(task, 1))
        margins = head.previous_token_margins(head.previous_token_step(task, size))
        model = model_of(task, population_weights(task, size, 12 / min(margins)))
        assert Fraction(int(leads(model, *every_sequence(N, T, first=True)[:2]).sum()), len(counts)) == exact


@pytest.mark.parametrize(("N", "T"), [(14, 5), (8, 6), (6, 7)])
def test_sufficient_sizes_answer_every_sequence(N, T):
    task = InductionTask(N, T)
    model = model_of(task, population_weights(task, *accuracy.sufficient_sizes(task, TOKENS), TOKENS))
    tokens, target, _ = every_sequence(N, T, first=N < 14)
    assert leads(model, tokens, target).all()


@given(st.integers(4, 40), st.integers(5, 26), st.sampled_from([TOKENS, POSITIONS, Reads(keys=("E1", "E", "P"))]))
@settings(deadline=None, derandomize=True, max_examples=15)
def test_sufficient_sizes_give_the_follower_more_than_half(N, T, reads):
    """Attention depends on the trigger's position alone, so T-2 sequences stand for all; y has more than all others."""
    task = InductionTask(N, T)
    learned = accuracy.learns_match(task)
    try:
        size, last = accuracy.sufficient_sizes(task, reads)
        stated = 4 / 3 * math.log(T - 1) / float(min(accuracy.score_gaps(task, reads, 1)))
        assert stated < size < 1.02 * stated
    except ValueError:
        assert not learned or reads is not TOKENS
        return
    assert learned and float(head.match_score(task, size)) > 0
    tokens, at = torch.ones((T - 2, T), dtype=torch.int64), torch.arange(T - 2)
    tokens[at, at] = tokens[:, -1] = 0
    attention = model_of(task, population_weights(task, size, last, reads)).attention(tokens)[1]
    assert (attention[at, at + 1] > 0.5).all()


@pytest.mark.parametrize("task", [InductionTask(20, 16), InductionTask(100, 13)], ids=str)
def test_right_rows_are_not_called_wrong(task):
    """Just above the threshold of positions λ is near 700: every row is right, by margins that floats do not hold."""
    with pytest.raises(ValueError) as refused:
        accuracy.sufficient_sizes(task, POSITIONS)
    assert "wrong" not in str(refused.value)


@given(st.integers(4, 10**4), st.integers(5, 25))
@settings(deadline=None, derandomize=True, max_examples=16)
def test_threshold_where_positions_are_read(N, T):
    """The follower wins if and only if A_E1 > (N-1) w (b_{T-1} - b_2) = w/(T (T-2)), w = 1 + 1/N; for E alone 1/N."""
    task = InductionTask(N, T)
    for query, weight in ((("E", "P"), 1 + Fraction(1, N)), (("E",), Fraction(1, N))):
        wins = min(accuracy.score_gaps(task, Reads(keys=("E1", "E", "P"), query=query))) > 0
        assert wins == (head.basic_key_association(task) > weight / (T * (T - 2)))


def test_copies_as_values_can_win_the_match_and_lose_the_answer():
    """N = 8, T = 16: attention settles on position j+1, which answers o y + o₁ q, and o₁ > o; every answer is wrong."""
    task = InductionTask(8, 16)
    size = 8 / float(head.match_score(task, 1, COPIES))
    assert min(accuracy.score_gaps(task, COPIES)) > 0 and not accuracy.wrong_rows(task, size, COPIES)
    assert head.copied_output_association(task) > head.output_association(task)
    model = model_of(task, population_weights(task, size, 1e5, COPIES))
    draws = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 8, (500, 16), generator=draws)
    position, rows = torch.randint(14, (500,), generator=draws), torch.arange(500)
    tokens[rows, position] = tokens[:, -1] = 0
    assert (model.attention(tokens)[1][rows, position + 1] > 0.9).all()
    assert not leads(model, tokens, tokens[rows, position + 1]).any()


def test_copies_and_positions():
    """The bias grows up to T-1; it loses to the match at N = 8, T = 12 where queries read tokens alone."""
    for N, T in ((5, 20), (8, 12), (100, 9)):
        bias = head.position_bias(InductionTask(N, T), EVERYTHING)
        assert (np.diff(bias[:-1]) > 0).all() and bias[-1] < bias[-2]
    reads = Reads(values=("E", "E1"), keys=("E1", "E", "P"))
    assert min(accuracy.score_gaps(InductionTask(8, 12), reads)) > 0
    assert min(accuracy.score_gaps(InductionTask(8, 12), EVERYTHING)) < 0


# Bad input

TASK = InductionTask(5, 11)
BAD = [
    (lambda: InductionTask(1, 5), ValueError, "N must be an integer >= 2, got 1"),
    (lambda: InductionTask(5.0, 5), TypeError, "N must be an integer >= 2, got 5.0"),
    (lambda: InductionTask(5, 2), ValueError, "T must be an integer >= 3, got 2"),
    (lambda: InductionTask(5, True), TypeError, "T must be an integer >= 3, got True"),
    (lambda: Reads(values="E"), TypeError, "values must be a sequence, got 'E'"),
    (lambda: Reads(keys=("E1", "E1")), ValueError, "keys must be a tuple of 'E1' .* got"),
    (lambda: Reads(keys=("E",)), ValueError, "keys must be a tuple of 'E1' .* got"),
    (lambda: Reads(query=("E", "E1")), ValueError, "query must be a tuple of 'E' .* got"),
    (
        lambda: head.output_association((5, 11)),
        TypeError,
        r"task must be a theory\.birth\.InductionTask, got \(5, 11\)",
    ),
    (lambda: head.position_bias(InductionTask(5, 513)), ValueError, "T must be at most 512 here, got 513"),
    (lambda: head.key_association(TASK, "P"), ValueError, r"block must be one of \('E1', 'E'\), got 'P'"),
    (lambda: head.previous_token_step(TASK, -1.0), ValueError, "size must be a finite real number >= 0, .* got -1.0"),
    (lambda: head.previous_token_step(TASK, float("inf")), ValueError, "size must be .* got inf"),
    (lambda: head.match_score(TASK, float("nan")), ValueError, "size must be .* got nan"),
    (lambda: head.match_score(TASK, "1"), TypeError, "size must be .* got '1'"),
    (lambda: head.match_score(TASK, True), TypeError, "size must be .* got True"),
    (lambda: population_weights(TASK, 1.0, -1.0), ValueError, "last must be .* got -1.0"),
    (lambda: population_weights(TASK, 1.0, None), TypeError, "last must be .* got None"),
    (lambda: accuracy.basic_accuracy(InductionTask(3, 20)), ValueError, "N = 3, T = 20: the match is not learned"),
    (lambda: accuracy.basic_accuracy(InductionTask(5, 9)), ValueError, "N = 5, T = 9: the match is not learned"),
    (lambda: accuracy.sufficient_sizes(TASK, BASIC), ValueError, "no step size suffices, least gap 0"),
    (lambda: accuracy.sufficient_sizes(InductionTask(5, 9), TOKENS), ValueError, "no step size suffices"),
    (lambda: accuracy.sufficient_sizes(TASK, COPIES), ValueError, r"values must be \('E',\) here, got \('E', 'E1'\)"),
    (lambda: accuracy.least_length(1), ValueError, "N must be an integer >= 2, got 1"),
    (lambda: Reads(values=(["E"],)), TypeError, r"values\[0\] must be a string, got \['E'\]"),
    (lambda: head.position_bias(TASK, None), TypeError, "reads must be"),
    (lambda: head.key_association(TASK, "E1", None), TypeError, "reads must be"),
    (lambda: head.previous_token_step(TASK, 10**400), ValueError, "size must be"),
    (lambda: accuracy.final_scores(3), TypeError, r"task must be a theory\.birth\.InductionTask, got 3"),
    (lambda: accuracy.final_scores(TASK, BASIC, 2), ValueError, "last_copy must be"),
    (lambda: accuracy.score_gaps(TASK, BASIC, -1), ValueError, "last_copy must be"),
    (lambda: accuracy.sufficient_sizes(3, TOKENS), TypeError, r"task must be a theory\.birth\.InductionTask, got 3"),
    (lambda: accuracy.sufficient_sizes(TASK, None), TypeError, "reads must be"),
    (lambda: accuracy.least_length(5, 2), ValueError, "most must be"),
    (lambda: accuracy.least_length(5, 600), ValueError, "most must be"),
    (lambda: population_weights(3, 1.0, 1.0), TypeError, r"task must be a theory\.birth\.InductionTask, got 3"),
    (lambda: population_weights(InductionTask(10**6, 5), 1.0, 1.0), ValueError, "N = 1000000"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
