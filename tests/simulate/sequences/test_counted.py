"""Chains from counts, from a text and from float32: the rows against plain loops, names, and what is refused."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from simulate import Chain, Recall, sample
from simulate.sequences import chains, shakespeare_chain
from tests.places import ROOT
from theory import Law, Task

COUNTS = np.array([[0, 3, 1, 4], [1, 0, 5, 0], [9, 2, 6, 5], [0, 0, 7, 0]])
TEXT = "to be, or not to be: that is the question"
EPS = np.finfo(float).eps


def test_rows_are_relative_frequencies():
    chain = Chain.from_counts(COUNTS)
    rows = [[0, 3 / 8, 1 / 8, 4 / 8], [1 / 6, 0, 5 / 6, 0], [9 / 22, 2 / 22, 6 / 22, 5 / 22], [0, 0, 1, 0]]
    np.testing.assert_allclose(chain.transition, rows, rtol=8 * EPS)
    np.testing.assert_allclose(chain.initial, np.array([8, 6, 22, 7]) / 43, rtol=8 * EPS)
    assert chain.names == (0, 1, 2, 3) and isinstance(chain, chains.Chain)


def test_counts_of_shakespeare_give_the_reference_chain():
    reference, characters = shakespeare_chain()
    lines = (ROOT / "simulate" / "data" / "tinyshakespeare_bigrams.csv").read_text().split()[1:]
    counts = np.zeros((65, 65), dtype=int)
    for first, second, count in (map(int, line.split(",")) for line in lines):
        counts[characters.index(chr(first)), characters.index(chr(second))] = count
    chain = Chain.from_counts(counts, names=characters)
    assert np.array_equal(chain.transition, reference.transition) and np.array_equal(chain.initial, reference.initial)
    assert chain.token("!") == 2 and chain.names == tuple(characters)


@pytest.mark.parametrize("noise", range(4))
def test_the_noise_token_becomes_the_last_and_the_others_keep_their_order(noise):
    plain, moved = Chain.from_counts(COUNTS), Chain.from_counts(COUNTS, noise=noise)
    assert moved.names == (*(token for token in range(4) if token != noise), noise)
    for a in range(4):
        assert moved.initial[moved.token(a)] == pytest.approx(plain.initial[a], rel=8 * EPS)
        for b in range(4):
            expected = plain.transition[a, b]
            assert moved.transition[moved.token(a), moved.token(b)] == pytest.approx(expected, rel=8 * EPS)


def test_a_moved_noise_token_is_the_task_s_and_a_law_needs_no_move():
    """The same law twice: by a task on the moved chain, and at its own place; frequencies of pairs (c, y) and of τ."""
    moved, plain = Chain.from_counts(COUNTS, noise=1), Chain.from_counts(COUNTS)
    task = Task(3, 5, 0.5, moved.token(2))
    answers = np.array([1, 0, 1, 1]) / 3
    law = Law(plain.transition, T=5, trigger=2, alpha=0.5, first=plain.initial, answers=answers, noise=1)
    one, other = sample(task, 200_000, seed=1, chain=moved), sample(law, 200_000, seed=2)
    named = torch.tensor(moved.names)
    for part in ("correct", "target", "tokens"):
        here, there = (batch.double() for batch in (named[getattr(one, part)], getattr(other, part)))
        for token in range(4):
            rates = [(found == token).double().mean().item() for found in (here, there)]
            # Hoeffding, two samples: each within √(log(4/1e-9) / 2n) of its rate, at most 1e-9 apart from chance
            assert abs(rates[0] - rates[1]) < 2 * np.sqrt(np.log(4e9) / 400_000)


def test_smoothing_adds_to_every_count():
    counts = np.array([[0, 2], [0, 0]])
    chain = Chain.from_counts(counts, smoothing=0.5)
    np.testing.assert_allclose(chain.transition, [[1 / 6, 5 / 6], [1 / 2, 1 / 2]], rtol=8 * EPS)
    np.testing.assert_allclose(chain.initial, [3 / 4, 1 / 4], rtol=8 * EPS)


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.float32, np.float64, torch.int64])
def test_counts_of_any_type_and_scale(kind):
    counts = torch.tensor(COUNTS, dtype=kind) if isinstance(kind, torch.dtype) else COUNTS.astype(kind)
    assert np.array_equal(Chain.from_counts(counts).transition, Chain.from_counts(COUNTS).transition)
    scaled = Chain.from_counts(COUNTS * 1e-300)
    np.testing.assert_allclose(scaled.transition, Chain.from_counts(COUNTS).transition, rtol=8 * EPS)


@pytest.mark.parametrize("noise", [None, "o"])
def test_a_text_gives_the_frequencies_of_its_pairs(noise):
    chain = Chain.from_text(TEXT, noise)
    letters = sorted(set(TEXT))
    order = letters if noise is None else [*(letter for letter in letters if letter != noise), noise]
    assert chain.names == tuple(order)
    pairs, starts = Counter(pairwise(TEXT)), Counter(TEXT[:-1])
    expected = [[pairs[a, b] / starts[a] for b in order] for a in order]
    np.testing.assert_allclose(chain.transition, expected, rtol=len(order) * EPS)
    np.testing.assert_allclose(chain.initial, [starts[a] / (len(TEXT) - 1) for a in order], rtol=len(order) * EPS)


def test_a_text_of_any_characters():
    """Beyond two bytes, a lone surrogate, a character of zero; tokens by code point."""
    chain = Chain.from_text("a\U0001f600b\ud800\0a")
    assert chain.names == ("\0", "a", "b", "\ud800", "\U0001f600")
    assert chain.transition[chain.token("a"), chain.token("\U0001f600")] == 1


def test_everything_that_takes_a_chain_takes_one_of_counts():
    chain = Chain.from_counts(COUNTS, noise=3)
    base = chains.Chain(chain.transition, chain.initial)
    task = Task(3, 6, 0.5)
    assert torch.equal(sample(task, 50, seed=1, chain=chain).tokens, sample(task, 50, seed=1, chain=base).tokens)
    one, other = (Recall(found, 6, (0,), 0.5, 3) for found in (chain, base))
    assert torch.equal(one.sample(50, seed=1).sequence, other.sample(50, seed=1).sequence)
    assert one.configuration == other.configuration


@pytest.mark.parametrize("M", [2, 65, 1500])
def test_float32_rows_are_taken_and_sum_to_one(M):
    weights = np.random.default_rng(M).dirichlet(np.full(M, 0.3), M).astype(np.float32)
    rows = weights / weights.sum(axis=1, keepdims=True)
    assert rows.dtype == np.float32
    chain = Chain(rows, rows[0])
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1, rtol=0, atol=4 * M * EPS)
    np.testing.assert_allclose(chain.transition, rows, rtol=M * 2.0**-23, atol=0)
    assert np.array_equal(Chain(torch.tensor(rows), torch.tensor(rows[0])).transition, chain.transition)


@pytest.mark.parametrize("M", [4, 256])
def test_float32_rows_may_be_off_by_their_rounding_and_no_more(M):
    """Both sides of the bound M 2^-23; M is a power of two and the surplus a multiple of float32's spacing there."""
    rows = np.full((M, M), 1 / M, dtype=np.float32)
    for multiple, fits in ((1, True), (1.125, False)):
        off = rows.copy()
        off[1, 0] += np.float32(multiple * M * 2.0**-23)
        assert float(off[1].astype(float).sum()) - 1 == multiple * M * 2.0**-23
        if fits:
            assert Chain(off, rows[0]).transition[1].sum() == pytest.approx(1, abs=4 * M * EPS)
        else:
            with pytest.raises(ValueError, match="transition must sum to 1"):
                Chain(off, rows[0])
            with pytest.raises(ValueError, match="initial must sum to 1"):
                Chain(rows, off[1])


EMPTY = np.array([[1, 2, 3], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((COUNTS[:3],), {}, ValueError, r"counts must be a square \(M, M\) array, got shape \(3, 4\)"),
        ((COUNTS[0],), {}, ValueError, r"counts must be a square \(M, M\) array, got shape \(4,\)"),
        ((np.zeros((0, 0)),), {}, ValueError, r"counts must be a square \(M, M\) array, got shape \(0, 0\)"),
        (([[1, 2], [3]],), {}, ValueError, "counts must be a real array of rectangular shape"),
        ((COUNTS.astype(complex),), {}, TypeError, "counts must be a real array, got dtype complex128"),
        ((COUNTS - 1,), {}, ValueError, "counts must be >= 0, the least is -1"),
        ((np.where(COUNTS == 9, np.nan, COUNTS),), {}, ValueError, "counts must be finite"),
        ((np.full((2, 2), 1e308),), {}, ValueError, "counts must have a finite sum, got inf"),
        ((EMPTY,), {}, ValueError, "begins with each token, got none in row 1, 2; .* smoothing > 0"),
        ((EMPTY, 0), {}, ValueError, "got none in row 1, 2;"),
        ((EMPTY,), {"names": "abc"}, ValueError, r"got none in row 1 \('b'\), 2 \('c'\);"),
        ((np.zeros((13, 13)),), {}, ValueError, "row 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"),
        ((COUNTS, 4), {}, ValueError, "noise must be a token in 0..3, got 4"),
        ((COUNTS, -1), {}, ValueError, "noise must be an integer >= 0 or None, got -1"),
        ((COUNTS, "a"), {}, TypeError, "noise must be an integer >= 0 or None, got 'a'"),
        ((COUNTS,), {"smoothing": -0.5}, ValueError, "smoothing must be a finite real number >= 0.*got -0.5"),
        ((COUNTS,), {"smoothing": float("nan")}, ValueError, "smoothing must be a finite real number >= 0"),
        ((COUNTS,), {"smoothing": "1"}, TypeError, "smoothing must be a finite real number >= 0, got '1'"),
        ((COUNTS,), {"names": "abc"}, ValueError, "names must be 4 distinct ones, got 3, 3 of them distinct"),
        ((COUNTS,), {"names": "abca"}, ValueError, "names must be 4 distinct ones, got 4, 3 of them distinct"),
        ((COUNTS,), {"names": [1, 2, 3, None]}, TypeError, r"names\[3\] must be a string or an integer, got None"),
    ],
)
def test_bad_counts_are_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        Chain.from_counts(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((b"to be",), TypeError, "text must be a string.*, got b'to be' .bytes."),
        (("a",), ValueError, "text must be a string of at least 2 characters, got 'a'"),
        (("to be", "x"), ValueError, "noise must be a character of the text, one of ' ', 'b', 'e', 'o', 't', got 'x'"),
        (("to be!",), ValueError, r"got none in row 1 \('!'\); .* smoothing > 0"),
        (("abcdefghijkla", "z"), ValueError, "'j' and 2 more, got 'z'"),
    ],
)
def test_bad_texts_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Chain.from_text(*arguments)
    assert Chain.from_text("to be!", smoothing=1).token("!") == 1


def test_names_that_are_not_there():
    with pytest.raises(ValueError, match="name must be one of 0, 1, 2, 3, got 'a'"):
        Chain.from_counts(COUNTS).token("a")
    with pytest.raises(ValueError, match="names must be given to the chain"):
        Chain(np.full((2, 2), 0.5)).token(0)
    with pytest.raises(ValueError, match="names must be 2 distinct ones, got 3"):
        Chain(np.full((2, 2), 0.5), names=(1, 2, 3))
