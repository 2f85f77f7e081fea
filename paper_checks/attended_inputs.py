"""What W_O² W_V² is a memory of: the inputs that the second layer reads, by the correct token."""

from typing import NamedTuple

import numpy as np
import torch

from simulate import RecallBatch, Transformer, merged_values, remove_direction, with_weights

from .recall_observers import last_shown


class AttendedMemory(NamedTuple):
    """W_O² W_V² on the mean input of each of N correct tokens, in the terms of `theory.memory_shared`.

    `spread` is D and `noise_logit` s, of the logits less their mean over outputs; `shared` is γ², the mean inner
    product of two inputs over what an input's square has beyond it; `place` is that, from 1, of the singular direction
    of the logits that adds most to the mean noise logit, by size of the singular values.
    """

    spread: float
    noise_logit: float
    shared: float
    place: int


def attended_memory(model: Transformer, batch: RecallBatch) -> AttendedMemory:
    """Of sequences with the noise token N and one trigger, at the last trigger whose c was shown."""
    at = last_shown(batch)
    with torch.no_grad():
        read, correct = model.attended(batch.tokens, at).double().numpy(), batch.correct[at].numpy()
        outputs = (model.U - model.U.mean(dim=0)).double()
        weight = (outputs @ model.W_O2.double() @ model.W_V2.double()).numpy()
    N = len(outputs) - 1
    inputs = np.stack([read[correct == token].mean(axis=0) for token in range(N)])
    logits = weight @ inputs.T
    own, other = on_and_off_diagonal(inputs @ inputs.T)
    right, wrong = on_and_off_diagonal(logits[:N])
    left, values, across = np.linalg.svd(logits, full_matrices=False)
    found = int(np.argmax(left[N] * values * across.mean(axis=1))) + 1
    return AttendedMemory(right - wrong, float(logits[N].mean()), other / (own - other), found)


def without_mean_input(model: Transformer, batch: RecallBatch) -> Transformer:
    """The model whose W_O² W_V² is zero on the mean of what the second layer reads at the last trigger of these
    sequences whose c was shown.
    """
    with torch.no_grad():
        mean = model.attended(batch.tokens, last_shown(batch)).double().mean(dim=0)
    merged = merged_values(model, 2)
    return with_weights(merged, {"W_O2": remove_direction(merged.W_O2.detach(), mean / mean.norm())})


def on_and_off_diagonal(square: np.ndarray) -> tuple[float, float]:
    """The mean of the diagonal, and of all other entries."""
    size, trace = len(square), float(np.trace(square))
    return trace / size, (float(square.sum()) - trace) / (size * (size - 1))
