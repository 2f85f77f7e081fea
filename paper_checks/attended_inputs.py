"""What W_O² W_V² is a memory of: the inputs that the second layer reads, by the correct token."""

from typing import NamedTuple

import numpy as np
import torch

from simulate import RecallBatch, Transformer, merged_values, remove_direction, with_weights

from .recall_observers import last_shown


class AttendedMemory(NamedTuple):
    """W_O² W_V² on the mean inputs x_k of the N correct tokens, and their logits less the mean over outputs.

    `place` is that, from 1, of the singular direction of the logits that adds most to the mean noise logit, by size of
    the singular values. `ratio` is the length that the weight gives to the unit vector along x̄, in logits, over the
    root mean square of that which it gives to the unit vectors along x_k - x̄; in `theory.memory_shared` these are the
    singular values of the noise and of the correct outputs.
    """

    place: int
    ratio: float


def attended_memory(model: Transformer, batch: RecallBatch) -> AttendedMemory:
    """Of sequences with the noise token N and one trigger, at the last trigger whose c was shown."""
    at = last_shown(batch)
    with torch.no_grad():
        read, correct = model.attended(batch.tokens, at).double().numpy(), batch.correct[at].numpy()
        outputs = (model.U - model.U.mean(dim=0)).double()
        weight = (outputs @ model.W_O2.double() @ model.W_V2.double()).numpy()
    N = len(weight) - 1
    inputs = np.stack([read[correct == token].mean(axis=0) for token in range(N)])
    left, values, across = np.linalg.svd(weight @ inputs.T, full_matrices=False)
    place = int(np.argmax(left[N] * values * across.mean(axis=1))) + 1
    mean = inputs.mean(axis=0)
    lengths = given_lengths(weight, np.vstack([mean, inputs - mean]))
    return AttendedMemory(place, float(lengths[0] / np.sqrt(np.mean(lengths[1:] ** 2))))


def given_lengths(weight: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """‖W v‖/‖v‖ for each row v."""
    lengths: np.ndarray = np.linalg.norm(vectors @ weight.T, axis=1) / np.linalg.norm(vectors, axis=1)
    return lengths


def without_mean_input(model: Transformer, batch: RecallBatch) -> Transformer:
    """The model whose W_O² W_V² is zero on the mean of what the second layer reads at the last trigger of these
    sequences whose c was shown.
    """
    with torch.no_grad():
        mean = model.attended(batch.tokens, last_shown(batch)).double().mean(dim=0)
    merged = merged_values(model, 2)
    return with_weights(merged, {"W_O2": remove_direction(merged.W_O2.detach(), mean / mean.norm())})
