"""Rows of `simulate.memory`."""

import numpy as np
import torch

from simulate.memory import AssociativeMemory, gradient_descent, orthonormal_embeddings
from tests.arguments.rows import Table, of, row

EMBEDDINGS = orthonormal_embeddings(3)
WEIGHT = np.arange(12).reshape(4, 3) / 8
MEMORY = AssociativeMemory(EMBEDDINGS, WEIGHT)
RATES = np.array([0.5, 0.25, 0.5])
RUN = {
    "embeddings": EMBEDDINGS, "alpha": 0.25, "learning_rates": RATES, "snapshots": np.array([0, 3]), "progress": False,
}  # fmt: skip

TABLE = Table(
    rows={
        "AssociativeMemory": row(embeddings=EMBEDDINGS, weight=WEIGHT),
        "AssociativeMemory.forward": of(row(inputs=torch.tensor([0, 1, 2])), on=MEMORY),
        "AssociativeMemory.population_loss": of(row(alpha=0.25), on=MEMORY),
        "AssociativeMemory.with_weight": of(row(weight=WEIGHT), on=MEMORY),
        "Embeddings": row(inputs=torch.eye(3, dtype=torch.float64), outputs=torch.eye(4, dtype=torch.float64)),
        "Trajectory.model": of(row(index=0), on=gradient_descent(EMBEDDINGS, 0.25, RATES)),
        "gaussian_embeddings": row(n=3, dimension=5, seed=1),
        "gradient_descent": row(RUN),
        "orthonormal_embeddings": row(n=3),
        "stochastic_gradient_descent": row({**RUN, "batch": 4, "replicates": 2, "seed": 1}),
    },
    results=frozenset({"Trajectory"}),
)
