"""Rows of `simulate.one_layer`."""

import numpy as np
import torch

from simulate import attention_model, sample
from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import TASK

CHAIN = np.tile([0.2] * 5 + [0.0], (6, 1))
BATCH = sample(TASK, 4, seed=1)
DRAWN = {"tokens": BATCH.tokens, "target": BATCH.target}
RUN = {"samples": 80_000, "seed": 3, "chain": CHAIN, "workers": 1, "progress": False}
W_V = np.arange(6 * 12).reshape(6, 12) / 100
P = np.array([0.25, 0.25, 0.125, 0.125, 0.125, 0.125])
LABELS = np.zeros((6, 12), np.int64)
MODEL = attention_model(TASK, W_V, np.zeros(12))

TABLE = Table(
    rows={
        "OneLayer": row(task=TASK, dtype=torch.float64, device="cpu"),
        "OneLayer.attention": of(row(tokens=BATCH.tokens), on=MODEL),
        "OneLayer.forward": of(row(tokens=BATCH.tokens), on=MODEL),
        "OneLayer.loss": of(row(DRAWN), on=MODEL),
        "attention_model": row(task=TASK, W_V=W_V, key_scores=np.arange(12) / 10, dtype=torch.float64),
        "counted_gradient": row({**DRAWN, "task": TASK, "layer": "feed_forward"}),
        "counted_key_query_gradient": row({**DRAWN, "task": TASK, "W_V": W_V, "probabilities": P}),
        "gradient_moments": of(
            row({**RUN, "task": TASK, "layer": "feed_forward", "device": "cpu", "labels": LABELS}), long=("samples",)
        ),
        "held_loss": row({**DRAWN, "model": MODEL, "probabilities": P}),
        "key_query_moments": of(
            row({**RUN, "task": TASK, "W_V": W_V, "probabilities": P, "directions": np.eye(12)[:2]}), long=("samples",)
        ),
        "mass_after_trigger": row(attention=torch.full((4, 7), 0.125), tokens=BATCH.tokens, trigger=0),
        "projected_moments": of(
            row({**RUN, "task": TASK, "layer": "feed_forward", "direction": np.arange(72).reshape(6, 12) / 7}),
            long=("samples",),
        ),
        "ranks_first": row(logits=torch.arange(24.0).reshape(4, 6), correct=BATCH.correct, candidates=np.array([1, 2])),
        "shared_gradient_moments": row(
            {**RUN, "samples": {"feed_forward": 80_000}, "task": TASK, "device": "cpu", "labels": LABELS}
        ),
    },
    results=frozenset({"GradientMoments", "KeyQueryMoments", "PooledMoments", "ProjectedMoments"}),
)
