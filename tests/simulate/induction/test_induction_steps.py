"""Steps of the two-layer model at finite width against a real network of that width; bad input."""

import numpy as np
import pytest
import torch

from simulate import Grams, TwoLayer, gaussian_grams, gradient_step, sample_induction, two_layer_gradient
from simulate.runtime import byte_limit
from tests.oracles.simulate import threshold
from tests.oracles.two_layer import BLOCKS, SHAPES, F, N, T, assert_close, causal, one_hot_features, random_model

# Steps


class FiniteWidth:
    """Matrices d x d between explicit embeddings; each stream holds only the features its matrix may read."""

    def __init__(self, width, seed, reads):
        draws = torch.Generator().manual_seed(seed)
        self.outputs, self.values, self.residual = (
            torch.randn(count, width, generator=draws, dtype=torch.float64) / width**0.5 for count in (N, 2 * F, 2 * F)
        )
        self.weights = {name: torch.zeros(width, width, dtype=torch.float64, requires_grad=True) for name in SHAPES}
        self.reads = reads

    def grams(self):
        return Grams(*((rows @ rows.T).numpy() for rows in (self.outputs, self.values, self.residual)))

    def stream(self, features, embeddings, blocks):
        return sum(features[..., BLOCKS[name]] @ embeddings[BLOCKS[name]] for name in blocks)

    def logits(self, tokens):
        x = one_hot_features(tokens, N)
        keys, queries = (self.stream(x, self.residual, blocks) for blocks in self.reads["W_K1"])
        first = causal(keys @ self.weights["W_K1"] @ queries.transpose(1, 2))
        x = torch.cat([x, first @ x], dim=2)
        keys, queries = (self.stream(x, self.residual, blocks) for blocks in self.reads["W_K2"])
        second = (keys @ self.weights["W_K2"] @ queries[:, -1, :, None])[..., 0].softmax(dim=1)
        values = self.stream((second[:, None] @ x)[:, 0], self.values, self.reads["W_O"][1])
        return values @ self.weights["W_O"].T @ self.outputs.T

    def step(self, matrix, size, tokens, target):
        loss = torch.nn.functional.cross_entropy(self.logits(tokens), target)
        gradient = torch.autograd.grad(loss, self.weights[matrix])[0]
        self.weights[matrix] = (self.weights[matrix] - size * gradient).detach().requires_grad_()


READS = {
    "basic": {"W_O": ((), ("E",)), "W_K2": (("E1",), ("E",)), "W_K1": (("P",), ("P",))},
    "everything": {
        "W_O": ((), ("E", "E1")),
        "W_K2": (("E1", "E", "P"), ("E", "P")),
        "W_K1": (("P",), ("P",)),
    },
    "other blocks": {
        "W_O": ((), ("E", "P", "P1")),
        "W_K2": (("P1", "E1"), ("E", "E1", "P1")),
        "W_K1": (("E", "P"), ("E",)),
    },
}


@pytest.mark.parametrize("reads", READS.values(), ids=READS)
@pytest.mark.parametrize("width", [7, 40])
def test_grams_are_a_network_of_finite_width(reads, width):
    """Three steps and a fourth on a matrix that is no longer zero; widths below and above the number of features."""
    network, model = FiniteWidth(width, 31, reads), TwoLayer(N, T)
    grams, fresh = network.grams(), sample_induction(N, T, 50, seed=99).tokens
    ideal = model
    for index, (matrix, change) in enumerate((("W_O", 2.0), ("W_K2", 10.0), ("W_K1", 15.0), ("W_O", 0.5))):
        batch = sample_induction(N, T, 64, seed=index)
        gradient = two_layer_gradient(ideal, matrix, 64, seed=index, blocks=2).mean
        size = change / np.abs(gradient[:, BLOCKS[reads[matrix][1][0]]]).max()
        ideal = gradient_step(ideal, matrix, gradient, size, *reads[matrix])
        gradient = two_layer_gradient(model, matrix, 64, seed=index, blocks=2).mean
        model = gradient_step(model, matrix, gradient, size, *reads[matrix], grams)
        network.step(matrix, size, batch.tokens, batch.target)
        assert_close(model(fresh), network.logits(fresh))
    first, second = model.attention(fresh)
    assert second.max() > 0.3 and first[:, -1].max() > 0.3, "attention must have moved from 1/6"
    assert float((model(fresh) - ideal(fresh)).detach().abs().max()) > 0.05, "width must matter"


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("matrix", SHAPES)
def test_a_step_at_infinite_width_adds_the_gradient_in_the_blocks_that_are_read(matrix, identity):
    model, gradient = random_model(), np.random.default_rng(2).normal(size=SHAPES[matrix])
    rows, columns = {"W_O": ((), ("E", "P1")), "W_K2": (("P", "E1"), ("E1",)), "W_K1": (("P",), ("E", "P"))}[matrix]
    kept, before = gradient.copy(), {name: value.detach().clone() for name, value in model.named_parameters()}
    grams = Grams(np.eye(N), np.eye(2 * F), np.eye(2 * F)) if identity else None
    after = gradient_step(model, matrix, gradient, 0.37, rows, columns, grams)
    seen = np.zeros(SHAPES[matrix], dtype=bool)
    for row in [BLOCKS[name] for name in rows] or [slice(None)]:
        for name in columns:
            seen[row, BLOCKS[name]] = True
    for name, value in after.named_parameters():
        expected = before[name].numpy() + (0.37 * np.where(seen, gradient, 0) if name == matrix else 0)
        assert (value.detach().numpy() == expected).all()
    assert (gradient == kept).all()
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_gaussian_grams():
    width, one = 5000, gaussian_grams(3, 4, 5000, seed=1)
    assert one.outputs.shape == (3, 3) and one.values.shape == one.residual.shape == (14, 14)
    entries = np.concatenate([(g - np.eye(len(g)))[np.triu_indices(len(g))] for g in vars(one).values()])
    assert np.abs(entries).max() < threshold(len(entries)) * (2 / width) ** 0.5  # diagonals have variance 2/d
    off = np.concatenate([g[np.triu_indices(len(g), 1)] for g in vars(one).values()]) * width**0.5
    assert abs((off**2).mean() - 1) < threshold(1) * (2 / len(off)) ** 0.5  # others 1/d
    assert np.abs(one.values - one.residual).max() > 1e-3
    again, other = gaussian_grams(3, 4, 5000, seed=1), gaussian_grams(3, 4, 5000, seed=2)
    assert all((getattr(one, k) == getattr(again, k)).all() for k in vars(one))
    assert not any((getattr(one, k) == getattr(other, k)).any() for k in vars(one))
    assert np.linalg.matrix_rank(gaussian_grams(3, 4, 2, seed=0).values) == 2


# Bad input

MODEL = TwoLayer(N, T)
ZEROS = {name: np.zeros(shape) for name, shape in SHAPES.items()}
TOKENS = torch.zeros((2, T), dtype=torch.int64)


def draw(n=3, length=5, batch=2, seed=0):
    return sample_induction(n, length, batch, seed=seed)


def gradient(model=MODEL, matrix="W_O", samples=4, seed=0, blocks=2):
    return two_layer_gradient(model, matrix, samples, seed=seed, blocks=blocks)


def step(model=MODEL, matrix="W_K2", array=ZEROS["W_K2"], size=1.0, rows=("E",), columns=("E",), grams=None):
    return gradient_step(model, matrix, array, size, rows, columns, grams)


BAD = [
    (lambda: draw(n=1), ValueError, "N must be an integer >= 2, got 1"),
    (lambda: draw(n=2.0), TypeError, r"N must be an integer >= 2, got 2.0"),
    (lambda: draw(length=2), ValueError, "T must be an integer >= 3, got 2"),
    (lambda: draw(length="5"), TypeError, "T must be an integer >= 3, got '5'"),
    (lambda: draw(batch=0), ValueError, "batch must be an integer >= 1, got 0"),
    (lambda: draw(batch=True), TypeError, "batch must be an integer >= 1, got True"),
    (lambda: draw(seed=-1), ValueError, "seed must be an integer >= 0, got -1"),
    (lambda: draw(seed=None), TypeError, "seed must be an integer >= 0, got None"),
    (lambda: draw(batch=10**14), ValueError, "batch = 100000000000000 sequences of T = 5 tokens take .* bytes"),
    (lambda: draw(length=10**13), ValueError, "T = 10000000000000 tokens take .* bytes"),
    (lambda: TwoLayer(1, 3), ValueError, "N must be an integer >= 2, got 1"),
    (lambda: TwoLayer(3, 1), ValueError, "T must be an integer >= 2, got 1"),
    (lambda: TwoLayer(3, None), TypeError, "T must be an integer >= 2, got None"),
    (lambda: MODEL.block("Q"), ValueError, "name must be one of .*'E', 'P', 'E1', 'P1'.*, got 'Q'"),
    (lambda: MODEL.block("11"), ValueError, "name must be .* got '11'"),
    (lambda: MODEL(TOKENS[:, :-1]), ValueError, "tokens must have length T = 6, got 5"),
    (lambda: MODEL(TOKENS + N), ValueError, r"tokens must be in 0..3, got 4..4"),
    (lambda: MODEL(TOKENS - 1), ValueError, r"tokens must be in 0..3, got -1..-1"),
    (lambda: MODEL(TOKENS[0]), ValueError, r"tokens must have shape \(batch, T\)"),
    (lambda: MODEL(TOKENS.int()), TypeError, "tokens must be an int64 tensor, got torch.int32"),
    (lambda: MODEL.attention(TOKENS.numpy()), TypeError, "tokens must be a torch.Tensor that has data, got array"),
    (lambda: MODEL.loss(TOKENS, TOKENS[:, 0] + N), ValueError, r"target must be in 0..3, got 4..4"),
    (lambda: MODEL.loss(TOKENS, TOKENS[:1, 0]), ValueError, r"target must have shape \(batch,\) = \(2,\), got \(1,\)"),
    (lambda: MODEL.loss(TOKENS, None), TypeError, "target must be a torch.Tensor that has data, got None"),
    (lambda: MODEL.with_weights(W_O=torch.zeros(3).double()), ValueError, r"W_O must have shape \(4, 20\), got .*3"),
    (lambda: MODEL.with_weights(W_V=torch.zeros(3)), ValueError, "weights must be named W_O, W_K2, W_K1, got W_V"),
    (lambda: gradient(model=3), TypeError, "model must be a simulate.induction.TwoLayer, got 3"),
    (lambda: gradient(matrix="W_V"), ValueError, "matrix must be .*'W_K1', got 'W_V'"),
    (lambda: gradient(matrix=["W_O"]), ValueError, r"matrix must be .*, got \['W_O'\]"),
    (lambda: gradient(samples=5), ValueError, "samples must be a multiple of blocks = 2, got 5"),
    (lambda: gradient(samples=True), TypeError, "samples must be an integer >= 2, got True"),
    (lambda: gradient(blocks=1), ValueError, "blocks must be an integer >= 2, got 1"),
    (lambda: gradient(seed=1.0), TypeError, "seed must be an integer >= 0, got 1.0"),
    (lambda: gradient(model=TwoLayer(3, 2)), ValueError, "T must be an integer >= 3, got 2"),
    (lambda: gaussian_grams(3, 3, 0, seed=0), ValueError, "width must be an integer >= 1, got 0"),
    (lambda: gaussian_grams(3, 3, 2.0, seed=0), TypeError, "width must be an integer >= 1, got 2.0"),
    (lambda: gaussian_grams(3, 3, 2, seed=None), TypeError, "seed must be an integer >= 0, got None"),
    (lambda: step(model=None), TypeError, "model must be a simulate.induction.TwoLayer, got None"),
    (lambda: step(matrix="K"), ValueError, "matrix must be .*, got 'K'"),
    (lambda: step(array=ZEROS["W_O"]), ValueError, r"gradient must have shape \(20, 20\), got \(4, 20\)"),
    (lambda: step(rows=("X",)), ValueError, r"rows must be .* got \('X',\)"),
    (lambda: draw(n=2**63 + 1), ValueError, "N must be"),
    (lambda: MODEL.with_weights(W_O=ZEROS["W_O"]), TypeError, "W_O must be"),
    (lambda: MODEL.with_weights(W_O=torch.zeros(N, 2 * F)), TypeError, "W_O must be .*float32"),
    (lambda: step(size="1"), TypeError, "size must be"),
    (lambda: step(size=float("nan")), ValueError, "size must be .* nan"),
    (lambda: step(array="steep"), TypeError, "gradient must be an array of real numbers"),
    (lambda: step(array=np.full((2 * F, 2 * F), np.nan)), ValueError, "gradient must be finite"),
    (lambda: step(rows=()), ValueError, "rows must be"),
    (lambda: step(columns="E"), (TypeError, ValueError), "columns must be"),
    (lambda: step(matrix="W_K1", array=ZEROS["W_K1"], rows=("E1",)), ValueError, "rows must be .*E1"),
    (lambda: step(matrix="W_O", array=ZEROS["W_O"], rows=("P",)), ValueError, "rows must be"),
    (lambda: step(grams=gaussian_grams(N + 1, T - 1, 3, seed=0)), ValueError, r"grams must .*N = 4, T = 6"),
    (lambda: step(grams=gaussian_grams(N, T + 1, 3, seed=0)), ValueError, r"grams must .*N = 4, T = 6"),
    (lambda: step(grams=3), TypeError, "grams must be"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_memory_is_asked_for_before_any_work(monkeypatch):
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: 24 * 10 * 7 - 1)
    with pytest.raises(ValueError, match=r"batch = 10 sequences of T = 5 tokens take 1680 bytes .* smaller batch"):
        draw(batch=10)
    assert len(draw(batch=9).target) == 9
