"""Rows of `simulate.sequences`."""

import numpy as np
import torch

from simulate.sequences import Chain, LawRecall, Recall
from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import CHAIN as TRANSITION
from tests.arguments.tables.common import LAW, TASK

CHAIN = Chain(TRANSITION)
RECALL = Recall(CHAIN, 5, (0,), 0.5, 2)
BATCH = RECALL.sample(4, seed=1)
DRAWN = {"task": TASK, "batch": 4, "seed": 3, "device": "cpu", "chain": np.tile([0.2] * 5 + [0.0], (6, 1))}

TABLE = Table(
    rows={
        "Batch.of_recall": row(batch=Recall.of_task(TASK).sample(4, seed=1)),
        "Chain": of(
            row(transition=TRANSITION, initial=np.array([0.5, 0.25, 0.25]), names=("a", "b", "c")),
            free={"names": ("of int", "text")},
            alias={"transition": "chain"},
        ),
        "Chain.from_counts": of(
            row(counts=np.array([[2, 1, 1], [1, 2, 1], [1, 1, 2]]), noise=2, smoothing=0.5, names=("a", "b", "c")),
            free={"counts": ("halves",)},
        ),
        "Chain.from_text": of(
            row(text="abcabcabbaac", noise="c", smoothing=0.5), free={"text": ("nonsense",), "noise": ("nonsense",)}
        ),
        "Chain.token": of(row(name="a"), on=Chain(TRANSITION, names=("a", "b", "c"))),
        "LawRecall": row(law=LAW),
        "LawRecall.sample": of(row(batch=4, seed=3, index=1, device="cpu"), on=LawRecall(LAW)),
        "Recall": row(chain=CHAIN, T=5, triggers=(0,), alpha=0.5, noise=2, outputs="uniform", ends_on_trigger=False),
        "Recall.of_task": row(
            task=TASK, chain=Chain(np.tile([0.2] * 5 + [0.0], (6, 1)), np.array([0.2] * 5 + [0])), count=2
        ),
        "Recall.sample": of(row(batch=4, seed=3, index=1, device="cpu"), on=RECALL),
        "RecallBatch.to": of(row(device=torch.device("cpu")), on=BATCH),
        "sample": row(DRAWN),
        "shakespeare_chain": row(),
        "sample_stream": of(row({**DRAWN, "chunk": 2}), long=("batch",)),
    },
    results=frozenset({"Batch", "CharacterChain", "RecallBatch"}),
)
