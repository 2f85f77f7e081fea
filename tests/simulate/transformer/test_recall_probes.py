"""What a transformer does on recall sequences: against plain loops, and known answers of models built by hand."""

import math

import numpy as np
import pytest
import torch

from simulate import (
    Architecture,
    Chain,
    Transformer,
    answers,
    attention_on_answers,
    bigram_divergence,
    memory_recall,
    previous_token_attention,
    with_weights,
)
from tests.oracles.simulate import rounding

from .recall_batches import BATCH, M, T, drawn, every_law, random_chain, random_model


def places(at):
    return [(row, t) for row in range(at.shape[0]) for t in range(at.shape[1]) if at[row, t]]


def softmax(logits):
    exponentials = [math.exp(x - max(logits)) for x in logits]
    return [e / sum(exponentials) for e in exponentials]


def assert_close(found, expected, bound):
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


# Against loops


@every_law
def test_answers_are_the_loop(law):
    batch, at = drawn(law)
    wins = []
    for seed in range(11):
        model = random_model(seed)
        logits, found = model(batch.tokens, at).tolist(), answers(model, batch, at)
        assert found.noise.dtype == found.correct.dtype == torch.float64
        # Exponents below 30 in size: relative errors of 30 ε, as of 30 terms more.
        assert np.abs(logits).max() < 30
        for i, (row, (sequence, t)) in enumerate(zip(logits, places(at), strict=True)):
            c, tau, p = int(batch.answers[sequence, batch.tokens[sequence, t]]), batch.noise, softmax(row)
            expected = (0.0 if tau is None else p[tau], p[c])
            assert_close((found.noise[i], found.correct[i]), expected, rounding(M + 30))
            wins.append(tuple(row[c] > max(row[k] for k in range(M) if k not in rivals) for rivals in ({c, tau}, {c})))
            assert (bool(found.recalls[i]), bool(found.leads[i])) == wins[-1]
    assert set(wins) == {(True, True), (False, False)} | ({(True, False)} if batch.noise is not None else set())


@every_law
def test_attention_on_answers_is_the_loop(law):
    (batch, at), model = drawn(law), random_model()
    _, attention = model.attention(batch.tokens, at)
    found = attention_on_answers(model, batch, at)
    correct, noise = [], []
    for b, (sequence, t) in zip(attention.tolist(), places(at), strict=True):
        z = batch.tokens[sequence].tolist()
        after = [s for s in range(1, t) if z[s - 1] == z[t]]
        correct.append(sum(b[s] for s in after if z[s] == batch.answers[sequence, z[t]]))
        noise.append(sum(b[s] for s in after if z[s] == batch.noise))
    assert_close(found.correct, correct, rounding(T))
    assert_close(found.noise, noise, rounding(T))
    assert 0 in correct and max(correct) > 0.05 and (max(noise) > 0.05) == (batch.noise is not None)


@every_law
def test_previous_token_attention_is_the_loop(law):
    (batch, at), model = drawn(law), random_model()
    first = model.attention(batch.tokens, at)[0].tolist()
    expected = [[first[row][t][t - 1] for t in range(1, T)] for row in range(BATCH)]
    assert_close(previous_token_attention(model, batch).tolist(), expected, rounding(T))


@pytest.mark.parametrize("seed", range(5))
def test_memory_recall_is_the_loop(seed):
    model = random_model(seed)
    w = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    hits = {"W_O2": 0, "W_K2": 0, "W_K1": 0}
    for k in range(M):
        outputs = [w["U"][m] @ w["W_O2"] @ w["W_V2"] @ w["E"][k] for m in range(M)]
        keys = [w["E"][k] @ w["W_K2"] @ w["W_O1"] @ w["W_V1"] @ w["E"][m] for m in range(M)]
        hits["W_O2"] += outputs[k] == max(outputs)
        hits["W_K2"] += keys[k] == max(keys)
    for t in range(1, T):
        scores = [w["P"][t] @ w["W_K1"] @ w["P"][s] for s in range(t + 1)]
        hits["W_K1"] += scores[t - 1] == max(scores)
    assert memory_recall(model) == {"W_O2": hits["W_O2"] / M, "W_K2": hits["W_K2"] / M, "W_K1": hits["W_K1"] / (T - 1)}


@every_law
def test_bigram_divergence_is_the_loop(law):
    (batch, _), model = drawn(law), random_model()
    chain, logits = random_chain(seed=9), model(batch.tokens, batch.everywhere)
    terms = []
    for row, (sequence, t) in zip(logits.tolist(), places(batch.everywhere), strict=True):
        token = int(batch.tokens[sequence, t])
        if batch.answers[sequence, token] < 0:
            pi, p = chain.transition[token].tolist(), softmax(row)
            terms.append(sum(pi[m] * math.log(pi[m] / p[m]) for m in range(M) if pi[m] > 0))
    assert 0 < len(terms) < BATCH * T
    # Means of sums of M terms, logarithms below 30 in size.
    assert_close([bigram_divergence(model, batch, chain)], [np.mean(terms)], rounding(M + len(terms), 30))


# Models built by hand
#
# Orthonormal directions: e_k of the tokens, p_t of the positions, and f_k, the copy that says "k stood before me".

WIDTH = 2 * M + T
DIRECTIONS = torch.eye(WIDTH, dtype=torch.float64)
TOKEN, POSITION, BEFORE = DIRECTIONS[:M], DIRECTIONS[M : M + T], DIRECTIONS[M + T :]


def memory(outputs, inputs, strength=1.0):
    """W with W inputs_i = strength · outputs_i."""
    return strength * outputs.T @ inputs


def built(previous=1.0, match=1.0, read=1.0):
    """Previous-token head, induction head and read-out; scores of the heads in units before the softmax."""
    model = Transformer(Architecture(M, T, WIDTH), dtype=torch.float64)
    one = torch.eye(WIDTH, dtype=torch.float64)
    weights = {
        "W_K1": memory(POSITION[1:], POSITION[:-1], previous * WIDTH**0.5),
        "W_V1": memory(BEFORE, TOKEN),
        "W_K2": memory(TOKEN, BEFORE, match * WIDTH**0.5),
        "W_O2": memory(TOKEN, TOKEN, read),
    }
    return with_weights(model, {"E": TOKEN, "P": POSITION, "U": TOKEN, "W_O1": one, "W_V2": one, **weights})


def changed(name, outputs, inputs):
    model = built()
    return with_weights(model, {name: model.get_parameter(name).detach() + 2 * memory(outputs, inputs)})


def test_a_perfect_memory_is_recalled_whole():
    assert memory_recall(built()) == {"W_O2": 1, "W_K2": 1, "W_K1": 1}
    # A key that comes later does not count, however high its score.
    later = changed("W_K1", POSITION[4:5], 50 * POSITION[7:8])
    assert memory_recall(later) == {"W_O2": 1, "W_K2": 1, "W_K1": 1}


@pytest.mark.parametrize(
    ("name", "outputs", "inputs", "share"),
    [
        ("W_O2", TOKEN[5] + TOKEN[6], TOKEN[2], (M - 1) / M),
        ("W_V2", TOKEN[5] + TOKEN[6], TOKEN[2], (M - 1) / M),
        ("W_K2", TOKEN[2], BEFORE[5] + BEFORE[6], (M - 1) / M),
        ("W_K1", POSITION[7], POSITION[7] + POSITION[2], (T - 2) / (T - 1)),
    ],
)
def test_one_wrong_association_costs_one_share(name, outputs, inputs, share):
    """Token 2 goes to 5 and 6, much rather than to 2; those to themselves, and with the axes swapped both were lost."""
    model = changed(name, outputs[None], inputs[None] * WIDTH)
    matrix = name.replace("V", "O")
    assert memory_recall(model) == {"W_O2": 1, "W_K2": 1, "W_K1": 1} | {matrix: share}


@every_law
def test_a_previous_token_head_attends_by_its_score(law):
    """t keys, one of score β and the others 0: a_{t,t-1} = e^β / (e^β + t - 1)."""
    batch, _ = drawn(law)
    for beta in (0.7, 3.0, 1000.0):
        expected = [1 / (1 + (t - 1) * math.exp(-beta)) for t in range(2, T + 1)]
        found = previous_token_attention(built(previous=beta), batch)
        # √d · β / √d in place of β, and the exponent of it.
        assert_close(found, [expected] * BATCH, rounding(T + min(beta, 30)))


@every_law
def test_an_induction_model_answers_by_counts(law):
    """The second layer attends alike to all that follows the trigger; and to z_1 = q, which follows itself.

    The logit of k is its share of this attention times the strength of the read-out, and 1 more for the token itself.
    """
    batch, _ = drawn(law)
    at, strength = batch.repeated, 8.0
    model = built(previous=1000.0, match=1000.0, read=strength)
    shares, found = attention_on_answers(model, batch, at), answers(model, batch, at)
    for i, (row, t) in enumerate(places(at)):
        z = batch.tokens[row].tolist()
        c, tau = int(batch.answers[row, z[t]]), batch.noise
        read = [z[s] for s in range(t + 1) if z[max(s - 1, 0)] == z[t]]
        share = [read.count(k) / len(read) for k in range(M)]
        logits = [strength * share[k] + (k == z[t]) for k in range(M)]
        p = softmax(logits)
        expected = (0.0 if tau is None else share[tau], share[c], 0.0 if tau is None else p[tau], p[c])
        numbers = (shares.noise[i], shares.correct[i], found.noise[i], found.correct[i])
        assert_close(numbers, expected, rounding(T, strength))
        for first, rivals in ((found.recalls[i], {c, tau}), (found.leads[i], {c})):
            lead = logits[c] - max(logits[k] for k in range(M) if k not in rivals)
            # Of equal logits rounding may put either first.
            assert abs(lead) < rounding(T, strength) or bool(first) == (lead > 0)
    assert found.recalls.any() and not found.leads.all()


def test_divergence_from_a_model_of_bigrams_is_the_relative_entropy():
    """Logits log ρ(·|z) and a constant: Σ_m π(m|z) log π(m|z)/ρ(m|z) on average over z without triggers; 0 at ρ = π."""
    batch, _ = drawn("two fixed triggers")
    pi, rho = (np.random.default_rng(seed).dirichlet(np.full(M, 2.0), M) for seed in (1, 2))
    pi[:, 3] = 0
    pi /= pi.sum(axis=1, keepdims=True)
    counts = np.bincount(batch.tokens[batch.correct < 0], minlength=M)
    for law in (rho, np.where(pi == 0, 1e-300, pi), np.full((M, M), 1 / M)):
        logits = torch.from_numpy(np.log(law).T.copy()) + torch.arange(M)
        model = with_weights(built(read=0.0), {"U": logits @ TOKEN})
        terms = [sum(pi[z, m] * math.log(pi[z, m] / law[z, m]) for m in range(M) if m != 3) for z in range(M)]
        expected = counts @ terms / counts.sum()
        # The logarithms are below 1000 in size.
        assert_close([bigram_divergence(model, batch, Chain(pi))], [expected], rounding(2 * M, 1000))
        assert (expected > 0.1) == (law[0, 3] > 1e-300)
