"""G1: the first gradients of sequences as torch draws them, which simulations on a GPU are made of."""

import numpy as np
import pytest
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.witnesses.literal_gradients import gradient_factors
from simulate.sequences.sources import as_source
from simulate.sequences.torch_sampling import draw_torch_block
from theory import LAYERS, Law, Task, gradient_mean, gradient_variance
from theory.task import Layer

ROWS = 2**17
"""A whole block."""
ROWS_OF_A_CHAIN = np.array([[1, 4, 8, 3], [6, 2, 0, 8], [5, 5, 3, 3], [2, 7, 6, 1]]) / 16
LAWS: dict[str, Task | Law] = {
    "uniform chain": Task(7, 5, 0.75, 4),
    "any law": Law(ROWS_OF_A_CHAIN, T=5, trigger=1, alpha=0.375, answers=np.array([8, 0, 3, 5]) / 16,
                   noise=np.array([3, 4, 0, 9]) / 16),
}  # fmt: skip
NOISE_ERROR = 0.1


@pytest.mark.claims("G1")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", LAWS)
def test_gradients_of_sequences_that_torch_draws(claim: Assertions, name: str, layer: Layer) -> None:
    """The rows of the last token, which is noise, and of the first; the noise from E(q) to NOISE_ERROR."""
    law, seed = LAWS[name], claim.seed(f"torch {name}")
    block = draw_torch_block(as_source(law), seed, 0, ROWS, torch.device("cpu"))
    claim.equal(f"sequences, {name}", ROWS, len(block.tokens))
    coefficients, features = gradient_factors(block.tokens, block.target, law.M, layer)
    found = coefficients.T @ features / ROWS
    exact, error = gradient_mean(law, layer), np.sqrt(gradient_variance(law, layer) / ROWS)
    details = {"samples": ROWS, "seed": seed}
    for what, rows, columns, size in (
        ("entries", [0, -1], slice(None), None),
        ("noise from E(q)", -1, law.q, NOISE_ERROR),
    ):
        parts = exact[rows, columns], found[rows, columns], error[rows, columns]
        claim.estimate(f"{what}, {layer}, {name}", *parts, size, **details)
