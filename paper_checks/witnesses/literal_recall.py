"""Recall sequences: their marks by plain loops over positions, and how often tokens follow."""

import numpy as np
import torch

from simulate.sequences.recall import RecallBatch
from theory.arguments import checked


@checked
def literal_marks(batch: RecallBatch, replaced: bool) -> np.ndarray:
    """`repeated` and `shown` of a batch by their sentences in `RecallBatch`, bool, shape (2, batch, T).

    Args:
        replaced: whether z_T is replaced by a trigger, so that no law draws what follows z_{T-1}.
    """
    marks = np.zeros((2, *batch.tokens.shape), dtype=bool)
    for row, (z, answers) in enumerate(zip(batch.sequence.tolist(), batch.answers.tolist(), strict=True)):
        for t in range(len(z) - 1):
            if answers[z[t]] < 0:
                continue
            earlier = [s for s in range(t) if z[s] == z[t]]
            marks[0, row, t] = len(earlier) > 0 and not (replaced and t == len(z) - 3)
            marks[1, row, t] = any(z[s + 1] == answers[z[t]] for s in earlier)
    return marks


@checked
def followers(batch: RecallBatch, at: torch.Tensor, M: int) -> np.ndarray:
    """How often each token follows at the positions marked in `at`, shape (M,)."""
    return np.bincount(batch.following[at].numpy(), minlength=M)
