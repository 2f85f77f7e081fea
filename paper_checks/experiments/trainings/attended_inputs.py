"""What weights are a memory of: W_O² W_V² of the inputs that the second layer reads, w2 of F2 of the noise."""

from typing import NamedTuple

import numpy as np
import torch

from simulate import RecallBatch, Transformer, decompose, merged_values, remove_direction, with_weights

from .observers import last_shown


class AttendedMemory(NamedTuple):
    """W_O² W_V² on the mean inputs x_k of the N correct tokens, x̄ their mean, and the logits of the x_k less the mean
    over outputs.

    Attributes:
        place: that, from 1, of the singular direction of the logits that adds most to the mean noise logit, by size of
            the singular values.
        lead: in `theory.memory.shared_inputs`, of the logits, the singular value of the noise over that of the correct
            outputs: √N ‖mean logits‖ over the root mean square of the N-1 singular values of the rest.
        gain: ‖W x̄‖ / ‖x̄‖ over the largest singular value, of W = W_O² W_V².
        cosine: the largest squared cosine between x̄ and a right singular vector of W.
    """

    place: int
    lead: float
    gain: float
    cosine: float


def attended_memory(model: Transformer, batch: RecallBatch) -> AttendedMemory:
    """Of sequences with the noise token N and one trigger, at the last trigger whose c was shown."""
    at = last_shown(batch)
    with torch.no_grad():
        read, correct = model.attended(batch.tokens, at).double().numpy(), batch.correct[at].numpy()
        outputs = (model.U - model.U.mean(dim=0)).double().numpy()
        weight = (model.W_O2.double() @ model.W_V2.double()).numpy()
    N = len(outputs) - 1
    inputs = np.stack([read[correct == token].mean(axis=0) for token in range(N)])
    logits = outputs @ weight @ inputs.T
    left, values, across = np.linalg.svd(logits, full_matrices=False)
    place = int(np.argmax(left[N] * values * across.mean(axis=1))) + 1
    mean = logits.mean(axis=1, keepdims=True)
    lead = np.sqrt(N * (N - 1)) * np.linalg.norm(mean) / np.linalg.norm(logits - mean)
    return AttendedMemory(place, float(lead), *against_directions(weight, inputs.mean(axis=0)))


def against_directions(weight: np.ndarray, vector: np.ndarray) -> tuple[float, float]:
    """`gain` and `cosine` of a vector."""
    _, values, right = np.linalg.svd(weight)
    unit = vector / np.linalg.norm(vector)
    return float(np.linalg.norm(weight @ unit) / values[0]), float(np.max((right @ unit) ** 2))


def without_mean_input(model: Transformer, batch: RecallBatch) -> Transformer:
    """The model whose W_O² W_V² is zero on the mean of what the second layer reads at the last trigger of these
    sequences whose c was shown.
    """
    with torch.no_grad():
        mean = model.attended(batch.tokens, last_shown(batch)).double().mean(dim=0)
    merged = merged_values(model, 2)
    return with_weights(merged, {"W_O2": remove_direction(merged.W_O2.detach(), mean / mean.norm())})


def noise_alignment(model: Transformer, space: str) -> float:
    """|cosine| between the logits, less their mean, of the top left singular vector of F2's w2, and a space of an
    associative memory's outputs: "noise", the logits of the noise alone, or "correct", what is orthogonal to them."""
    U, w2 = (dict(model.named_parameters())[name].detach().numpy() for name in ("U", "F2.w2"))
    logits = U @ decompose(w2).left[:, 0]
    logits -= logits.mean()
    noise = (np.arange(len(U)) == len(U) - 1) - 1 / len(U)
    along = abs(logits @ noise) / (np.linalg.norm(logits) * np.linalg.norm(noise))
    return float(along if space == "noise" else np.sqrt(1 - along**2))
