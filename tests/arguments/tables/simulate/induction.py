"""Rows of `simulate.induction`."""

import numpy as np
import torch

from simulate.induction import TwoLayer, gaussian_grams, sample_induction
from tests.arguments.rows import Table, of, row

MODEL = TwoLayer(3, 5)
TOKENS = sample_induction(3, 5, 4, seed=1)
GRADIENT = np.zeros(tuple(MODEL.W_K1.shape))

TABLE = Table(
    rows={
        "TwoLayer": row(N=3, T=5),
        "TwoLayer.block": of(row(name="E"), on=MODEL, alias={"name": "block"}),
        "TwoLayer.with_weights": of(row(W_O=torch.zeros_like(MODEL.W_O).detach()), on=MODEL),
        "TwoLayer.attention": of(row(tokens=TOKENS.tokens), on=MODEL),
        "TwoLayer.forward": of(row(tokens=TOKENS.tokens), on=MODEL),
        "TwoLayer.loss": of(row(tokens=TOKENS.tokens, target=TOKENS.target), on=MODEL),
        "gaussian_grams": row(N=3, T=5, width=7, seed=1),
        "gradient_step": row(
            model=MODEL,
            matrix="W_K1",
            gradient=GRADIENT,
            size=0.5,
            rows=("P",),
            columns=("P",),
            grams=gaussian_grams(3, 5, 7, seed=1),
        ),
        "sample_induction": row(N=3, T=5, batch=4, seed=1),
        "two_layer_gradient": of(
            row(model=MODEL, matrix="W_O", samples=64, seed=1, blocks=2, workers=1), long=("samples",)
        ),
    },
    results=frozenset({"BlockGradients", "Grams", "InductionBatch"}),
)
