"""Gradients of one sequence each at zero weights, kept one by one: the yardstick of moments that are streamed."""

import numpy as np
import torch

from theory.arguments import checked
from theory.task import Layer


@checked
def gradient_factors(tokens: torch.Tensor, target: torch.Tensor, M: int, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients e_y - 1/M, shape (sequences, M), and features, (sequences, 2M), whose products are the gradients.

    Args:
        tokens: z_1 … z_T of every sequence.   target: y of every sequence.
    """
    one, z, T = np.eye(M), tokens.numpy(), tokens.shape[1]
    if layer == "feed_forward":
        features = np.hstack([one[z[:, -1]], one[z[:, -2]]])
    else:
        before = one[z[:, :-1]].sum(axis=1)
        features = np.hstack([before + one[z[:, -1]], before]) / T
    return one[target.numpy()] - 1 / M, features
