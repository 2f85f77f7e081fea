"""Draws and descents as jobs."""

import numpy as np

from paper_checks.jobs import job
from simulate.memory import Trajectory, gaussian_embeddings, stochastic_gradient_descent
from simulate.one_layer import gradient_moments
from theory import Task


@job("descents")
def descended(n: int, alpha: float, seed: int) -> Trajectory:
    """A memory by stochastic gradient descent."""
    embeddings = gaussian_embeddings(n, 8, seed=seed)
    return stochastic_gradient_descent(embeddings, alpha, [0.5] * 4, batch=3, replicates=2, seed=seed, progress=False)


@job("moments")
def drawn(task: Task, seed: int) -> np.ndarray:
    """Means of the gradient of the feed-forward layer."""
    return gradient_moments(task, "feed_forward", 200, seed=seed).mean
