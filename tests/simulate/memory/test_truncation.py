"""Truncation: against spectra known by construction, as a best approximation, in every type, and under faults."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulate.runtime import byte_limit
from simulate.truncation import decompose, remove_direction, truncate

EPS = np.finfo(np.float64).eps
SHAPES = [(5, 7), (7, 5), (6, 6), (1, 4), (4, 1), (1, 1), (23, 3)]
KINDS = {"array": np.copy, "tensor": lambda values: torch.from_numpy(values.copy())}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def matrix(shape, values, seed):
    """A matrix with the given singular values (k of them, in any order) and random singular vectors."""
    rng, k = np.random.default_rng(seed), min(shape)
    left, right = (np.linalg.qr(rng.standard_normal((size, k)))[0] for size in shape)
    return (left * np.asarray(values, dtype=float)[:k]) @ right.T


def gapped(shape, seed=0):
    """Singular values k, k-1, …, 1: every gap is 1."""
    return matrix(shape, np.arange(min(shape), 0, -1), seed)


def rounding(weight):
    """Bound on the error of a truncation, apart from the choice of singular spaces: 16 max(shape) ε times the norm.

    The decomposition is that of a matrix within p ε σ_1 of `weight`, p of the order of the size, and the product of the
    factors adds about as much again.
    """
    return 16 * max(weight.shape) * EPS * np.linalg.norm(weight)


def perturbed(weight):
    """Bound on the error of a truncated matrix with unit gaps: its singular spaces turn by at most rounding / gap."""
    return rounding(weight) * (1 + 2 * np.linalg.norm(weight, 2))


spectra = st.lists(st.sampled_from([0.0, 1e-9, 1.0, 1.0, 2.0, 3.7]), min_size=8, max_size=8)
sizes = st.tuples(st.integers(1, 8), st.integers(1, 8))
seeds = st.integers(0, 2**32 - 1)


@shapes
@kinds
def test_parts_have_the_singular_triples_they_should(shape, kind):
    """Against sums of the constructed triples, for every rank, top and bottom."""
    rng, k = np.random.default_rng(3), min(shape)
    left, right = (np.linalg.qr(rng.standard_normal((size, k)))[0] for size in shape)
    triples = [(k - i) * np.outer(left[:, i], right[:, i]) for i in range(k)]
    weight = np.sum(triples, axis=0)
    spectrum = decompose(kind(weight))
    for rank in range(k + 1):
        for keep, part in (("top", triples[:rank]), ("bottom", triples[k - rank :])):
            found = np.asarray(spectrum.truncate(rank, keep=keep))
            expected = np.sum(part, axis=0) if part else np.zeros(shape)
            np.testing.assert_allclose(found, expected, rtol=0, atol=perturbed(weight))
            np.testing.assert_array_equal(found, np.asarray(truncate(kind(weight), rank, keep=keep)))


@shapes
def test_against_numpy(shape):
    weight = gapped(shape)
    spectrum, (left, values, right) = decompose(weight), np.linalg.svd(weight, full_matrices=False)
    np.testing.assert_allclose(spectrum.values, values, rtol=0, atol=rounding(weight))
    for i in range(min(shape)):
        expected = np.outer(left[:, i], right[i])
        found = np.outer(spectrum.left[:, i], spectrum.right[:, i])
        np.testing.assert_allclose(found, expected, rtol=0, atol=2 * rounding(weight))


@settings(max_examples=150, deadline=None)
@given(sizes, spectra, seeds, st.data())
def test_no_matrix_of_the_rank_is_nearer(shape, values, seed, data):
    """Eckart-Young, degenerate and singular matrices included, and what is dropped says how far the part is."""
    weight, k = matrix(shape, values, seed), min(shape)
    rank = data.draw(st.integers(0, k))
    dropped = np.append(0.0, np.sort(values[:k])[: k - rank])
    part, bound = truncate(weight, rank), rounding(weight) + 1e-300
    assert (np.linalg.svd(part, compute_uv=False)[rank:] <= bound).all()
    rng, size = np.random.default_rng(seed), data.draw(st.sampled_from([1e-6, 1e-2, 1.0]))
    left, values, right = np.linalg.svd(part)
    left, right = left[:, :rank] * values[:rank], right[:rank]
    near = (left + size * rng.standard_normal(left.shape)) @ (right + size * rng.standard_normal(right.shape))
    for order, distance in ((None, np.linalg.norm(dropped)), (2, dropped.max())):
        nearest = np.linalg.norm(weight - part, order)
        assert abs(nearest - distance) <= bound
        assert np.linalg.norm(weight - near, order) >= nearest - bound


@settings(max_examples=100, deadline=None)
@given(sizes, spectra, seeds, st.data())
def test_top_and_bottom_are_orthogonal_and_add_up(shape, values, seed, data):
    weight, k = matrix(shape, values, seed), min(shape)
    rank = data.draw(st.integers(0, k))
    spectrum, bound = decompose(weight), rounding(weight)
    top, bottom = spectrum.truncate(rank), spectrum.truncate(k - rank, keep="bottom")
    np.testing.assert_allclose(top + bottom, weight, rtol=0, atol=bound)
    for product in (top @ bottom.T, top.T @ bottom):
        np.testing.assert_allclose(product, 0, rtol=0, atol=bound * np.linalg.norm(weight, 2))


@shapes
def test_idempotent_and_equivariant(shape):
    """Truncating again changes nothing; scales, signs and transposition pass through, as do orthogonal maps."""
    weight, rng = gapped(shape), np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for size in shape)
    for rank in range(1, min(shape)):
        for keep in ("top", "bottom"):
            part = truncate(weight, rank, keep=keep)
            for image, expected in (
                (truncate(part, rank), part),
                (truncate(-3.7 * weight, rank, keep=keep), -3.7 * part),
                (truncate(weight.T, rank, keep=keep), part.T),
                (truncate(left @ weight @ right, rank, keep=keep), left @ part @ right),
                (truncate(1e200 * weight, rank, keep=keep) / 1e200, part),
                (truncate(1e-200 * weight, rank, keep=keep) / 1e-200, part),
            ):
                np.testing.assert_allclose(image, expected, rtol=0, atol=8 * perturbed(weight))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_every_type_is_rounded_once(name):
    """The result is that of float64, rounded to the weight's type: no entry moves by more than one spacing."""
    dtype = getattr(torch, name)
    weight = torch.from_numpy(gapped((6, 9))).to(dtype)
    exact = torch.from_numpy(truncate(weight.double().numpy(), 4))
    for values in (weight, weight.numpy()) if name != "bfloat16" else (weight,):
        found = truncate(values, 4)
        assert type(found) is type(values) and found.dtype == values.dtype
        error = (torch.as_tensor(found).double() - exact).abs()
        assert (error <= torch.finfo(dtype).eps * exact.abs() + torch.finfo(dtype).tiny).all()


def test_other_byte_orders_and_layouts():
    weight = gapped((5, 4))
    for values in (weight.astype(">f8"), np.asfortranarray(weight), np.repeat(weight, 2, axis=0)[::2]):
        found = truncate(values, 2)
        assert found.dtype == values.dtype
        np.testing.assert_allclose(found, truncate(weight, 2), rtol=0, atol=perturbed(weight))


@kinds
def test_full_rank_is_a_copy_and_rank_zero_is_zero(kind):
    weight = kind(-np.abs(gapped((4, 6))))
    for keep in ("top", "bottom"):
        full, none = truncate(weight, 4, keep=keep), truncate(weight, 0, keep=keep)
        assert (np.asarray(full) == np.asarray(weight)).all()
        assert (np.asarray(none) == 0).all() and not np.signbit(np.asarray(none)).any()


@kinds
@pytest.mark.parametrize("rank", range(5))
def test_the_weight_is_neither_changed_nor_aliased(kind, rank):
    weight = kind(gapped((4, 6)))
    before, spectrum = np.asarray(weight).copy(), decompose(weight)
    expected = np.asarray(spectrum.truncate(rank)).copy()
    for found in (truncate(weight, rank), spectrum.truncate(rank), remove_direction(weight, kind(np.eye(6)[0]))):
        found[:] = 7.0
    spectrum.values[:] = 7.0
    np.testing.assert_array_equal(np.asarray(weight), before)
    weight[:] = 0.0
    np.testing.assert_array_equal(np.asarray(spectrum.truncate(rank)), expected)


def test_tensors_that_require_a_gradient_give_results_without():
    weight = torch.nn.Parameter(torch.from_numpy(gapped((4, 6))))
    for found in (*(truncate(weight, rank) for rank in (0, 2, 4)), remove_direction(weight, np.eye(6)[0])):
        assert type(found) is torch.Tensor and not found.requires_grad


FRACTIONS = [
    *[(0, 7, 0), (1, 7, 7), (1.0, 7, 7), (0.01, 10, 0), (np.float32(0.5), 3, 2)],
    *[(0.5, 7, 4), (Fraction(1, 2), 5, 3), (Fraction(1, 2) - Fraction(1, 10**30), 5, 2)],  # ties go up
    *[(0.3, 5, 2), (0.29, 50, 15), (0.2899, 50, 14)],  # 1.5 and 14.5 as written, less in binary
]


@pytest.mark.parametrize(("fraction", "size", "rank"), FRACTIONS)
def test_fractions(fraction, size, rank):
    weight = gapped((size, size + 2))
    np.testing.assert_array_equal(truncate(weight, fraction=fraction), truncate(weight, rank))


def test_where_divide_and_conquer_does_not_converge(monkeypatch):
    weight = gapped((6, 9))
    expected = truncate(weight, 3)

    def failing(*args, **kwargs):
        raise torch.linalg.LinAlgError("did not converge")

    monkeypatch.setattr(torch.linalg, "svd", failing)
    for values in (weight, torch.from_numpy(weight)):
        np.testing.assert_allclose(np.asarray(truncate(values, 3)), expected, rtol=0, atol=perturbed(weight))


@settings(max_examples=50, deadline=None)
@given(sizes, seeds)
@example((3, 1), 0)
def test_removing_a_direction(shape, seed):
    """Zero on v, unchanged on what is orthogonal to it; one triple less if v is a singular vector."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal(shape)
    basis = np.linalg.qr(rng.standard_normal((shape[1], shape[1])))[0]
    found = remove_direction(weight, basis[:, 0])
    np.testing.assert_allclose(found @ basis[:, 0], 0, rtol=0, atol=rounding(weight))
    np.testing.assert_allclose(found @ basis[:, 1:], weight @ basis[:, 1:], rtol=0, atol=rounding(weight))
    spectrum, i = decompose(weight), int(rng.integers(min(shape)))
    rest = remove_direction(weight, spectrum.right[:, i])
    left = np.sort(np.delete(spectrum.values, i))[::-1]
    expected = np.append(left, 0.0)[: min(shape)]
    np.testing.assert_allclose(decompose(rest).values, expected, rtol=0, atol=2 * rounding(weight))


def test_a_rounded_direction_is_made_a_unit_vector():
    weight, direction = gapped((4, 6)), np.full(6, 6**-0.5, dtype=np.float32)
    found = remove_direction(torch.from_numpy(weight), direction).numpy()
    np.testing.assert_allclose(found @ direction.astype(float), 0, rtol=0, atol=rounding(weight))


GOOD = gapped((4, 6))
BAD_WEIGHTS = [
    (GOOD.tolist(), TypeError, "weight must be a numpy array or a torch tensor, got"),
    (np.ma.masked_array(GOOD), TypeError, "weight must be a numpy array or a torch tensor, got"),
    (GOOD.astype(complex), TypeError, "weight must be of type float16, .* got complex128"),
    (GOOD.astype(int), TypeError, "weight must be of type .* got int64"),
    (torch.ones(4, 6).to(torch.float8_e5m2), TypeError, "weight must be of type .* got float8_e5m2"),
    (torch.eye(4).to_sparse(), TypeError, "weight must be a dense tensor"),
    (torch.empty(4, 6, device="meta"), TypeError, "weight must be a dense tensor with data, .* meta"),
    (GOOD[None], ValueError, r"weight must have shape \(rows, columns\), both >= 1, got \(1, 4, 6\)"),
    (GOOD[:0], ValueError, r"weight must have shape .* got \(0, 6\)"),
    (np.where(np.eye(4, 6) == 1, np.nan, GOOD), ValueError, "weight must be finite"),
    (torch.full((4, 6), -torch.inf), ValueError, "weight must be finite"),
]
BAD_OPTIONS = [
    ({}, ValueError, "give exactly one of rank and fraction, got rank = None and fraction = None"),
    ({"rank": 1, "fraction": 0.5}, ValueError, "give exactly one of rank and fraction, got rank = 1"),
    ({"rank": -1}, ValueError, "rank must be an integer >= 0 or None, got -1"),
    ({"rank": 5}, ValueError, r"rank must be at most min\(weight.shape\) = 4, got 5"),
    ({"rank": 1.0}, TypeError, "rank must be an integer >= 0 or None, got 1.0"),
    ({"fraction": 1.01}, ValueError, r"fraction must be a real number in \[0, 1\] or None, got 1.01"),
    ({"fraction": float("nan")}, ValueError, "fraction must be a real number"),
    ({"rank": 1, "keep": "middle"}, ValueError, "keep must be 'top' or 'bottom', got 'middle'"),
]
BAD_DIRECTIONS = [
    ("right", TypeError, "right must be .* an array of real numbers, got 'right'"),
    (np.eye(6, dtype=int)[0], TypeError, "right must be of type float32, float64, got int64"),
    (np.eye(6)[:1], ValueError, r"right must have shape \(columns,\) = \(6,\), got \(1, 6\)"),
    (np.zeros(6), ValueError, "right must have norm 1 within 5.3e-15, got 0.0"),
    (np.eye(6)[0] * (1 + 1e-12), ValueError, "right must have norm 1"),
    (np.full(6, np.nan), ValueError, "right must be finite"),
    (torch.full((6,), torch.nan), ValueError, "right must have norm 1"),
]


@pytest.mark.parametrize(("weight", "error", "message"), BAD_WEIGHTS)
def test_bad_weights(weight, error, message):
    for call in (
        lambda: truncate(weight, 1),
        lambda: decompose(weight),
        lambda: remove_direction(weight, np.eye(6)[0]),
    ):
        with pytest.raises(error, match=message):
            call()


@kinds
@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS)
def test_bad_options(kind, options, error, message):
    with pytest.raises(error, match=message):
        truncate(kind(GOOD), **options)


@pytest.mark.parametrize(("right", "error", "message"), BAD_DIRECTIONS)
def test_bad_directions(right, error, message):
    with pytest.raises(error, match=message):
        remove_direction(GOOD, right)


def test_overflow_is_an_error_and_not_infinite():
    with pytest.raises(ValueError, match="weight must have singular values within the range of float64"):
        truncate(np.full((4, 4), 1.7e308), 1)
    # The rank-one part of this matrix has an entry greater than 1.
    sign = np.array([[1, 1, 1, 1], [1, 1, 1, -1], [1, 1, -1, -1], [1, -1, -1, -1]])
    with pytest.raises(ValueError, match=r"weight has type float16, and an entry of the result, .* is beyond it"):
        truncate((65504.0 * sign).astype(np.float16), 1)


def test_too_large_for_the_memory(monkeypatch):
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: 1000)
    with pytest.raises(ValueError, match=r"weight of shape \(4, 6\): singular vectors take .* bytes and 1000"):
        truncate(GOOD, 1)
