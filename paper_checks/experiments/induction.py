"""What the checks of B3 share: models with theory's weights, simulated steps, statistics with their standard errors."""

from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.jobs import job
from simulate import (
    Grams,
    TwoLayer,
    gaussian_grams,
    gradient_step,
    ranks_first,
    sample_induction,
    two_layer_gradient,
)
from simulate.induction.model import MatrixName
from theory.birth.three_steps import (
    InductionTask,
    Reads,
    match_score,
    output_association,
    previous_token_margins,
    previous_token_step,
)
from theory.birth.weights import Weights, population_weights

ASKED = 2**14
"""Fresh sequences that a model is asked after simulated steps."""
BLOCKS = 64
"""Independent averages behind a standard error: t-tests with 63 degrees of freedom."""


def size_of_match(task: InductionTask, match: float, reads: Reads) -> float:
    """o times the W_K² step size that scores a full match with `match`."""
    return match / float(match_score(task, 1, reads))


def sharp_last_size(task: InductionTask, size: float, reads: Reads, log_odds: float, last_row: int = 0) -> float:
    """o times the W_K¹ step size at which rows 2..`last_row` (0: T-1) prefer the previous token by `log_odds`."""
    margins = previous_token_margins(previous_token_step(task, size, reads))[: (last_row or task.T - 1) - 1]
    return log_odds / float(abs(margins.min()))


def population_model(task: InductionTask, size: float, last: float, reads: Reads) -> TwoLayer:
    """The model with theory's weights."""
    return model_of(task, population_weights(task, size, last, reads))


def model_of(task: InductionTask, weights: Weights) -> TwoLayer:
    """The model with these weights."""
    return TwoLayer(task.N, task.T).with_weights(**{k: torch.from_numpy(v) for k, v in weights._asdict().items()})


@lru_cache(maxsize=64)
def _first_gradient(N: int, T: int, samples: int, seed: int) -> np.ndarray:
    """Of W_O² at zero, which is the same at every width and whatever is read."""
    return two_layer_gradient(TwoLayer(N, T), "W_O", samples, seed=seed, blocks=2).mean


def simulated_model(
    task: InductionTask, size: float, last: float, reads: Reads, samples: int, seed: int, grams: Grams | None = None
) -> TwoLayer:
    """Three steps from zero on gradients of `samples` fresh sequences each; sizes as in `population_weights`."""
    model, o = TwoLayer(task.N, task.T), float(output_association(task))
    steps: tuple[tuple[MatrixName, float, tuple[str, ...], tuple[str, ...]], ...] = (
        ("W_O", 1.0, (), reads.values),
        ("W_K2", size / o, reads.keys, reads.query),
        ("W_K1", last / o, ("P",), ("P",)),
    )
    for index, (matrix, step, rows, columns) in enumerate(steps):
        if matrix == "W_O":
            gradient = _first_gradient(task.N, task.T, samples, seed)
        else:
            gradient = two_layer_gradient(model, matrix, samples, seed=seed + index, blocks=2).mean
        model = gradient_step(model, matrix, gradient, step, rows, columns, grams)
    return model


class Answers(NamedTuple):
    """Of one model after three simulated steps: the share of fresh sequences answered, and 1 if all probes are 1, else
    -1."""

    accuracy: float
    probes: float


@job("induction heads", cost=lambda task, size, last, reads, sequences, *rest: 6e-6 * sequences + 0.05)
def three_steps(
    task: InductionTask,
    size: float,
    last: float,
    reads: Reads,
    sequences: int,
    width: int | None,
    draw: int,
    base_seed: int,
) -> Answers:
    """Three steps on fresh sequences, the same at every width; asked on ASKED others."""
    seed, grams_seed = (experiment_seed(base_seed, f"{name} draw {draw}") for name in ("three steps", f"width {width}"))
    grams = None if width is None else gaussian_grams(task.N, task.T, width, seed=grams_seed)
    model = simulated_model(task, size, last, reads, sequences, seed, grams)
    found, _ = recalled(model, ASKED, seed + 9)
    return Answers(float(found.mean()), 1.0 if min(memory_recall(model).values()) == 1 else -1.0)


@job("induction heads", cost=lambda weights, matrix, samples, seed: 3e-6 * samples)
def block_gradients(weights: Weights, matrix: str, samples: int, seed: int) -> np.ndarray:
    """Gradients of the model with these weights in one matrix, in BLOCKS independent averages."""
    N, T = len(weights.W_O), weights.W_O.shape[1] // 2 - len(weights.W_O)
    model, name = model_of(InductionTask(N, T), weights), cast(MatrixName, matrix)
    return two_layer_gradient(model, name, samples, seed=seed, blocks=BLOCKS).blocks


def recalled(model: TwoLayer, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether y alone has the highest logit on fresh sequences, and the trigger's position j, shapes (samples,)."""
    batch = sample_induction(model.N, model.T, samples, seed=seed)
    return leads(model, batch.tokens, batch.target).numpy(), batch.position.numpy() + 1


def leads(model: TwoLayer, tokens: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Whether y alone has the highest logit, bool, shape (batch,)."""
    with torch.no_grad():
        logits = torch.cat([model(part) for part in torch.split(tokens, 4096)])
    return ranks_first(logits, target, range(model.N))


def memory_recall(model: TwoLayer) -> dict[str, float]:
    """Probes: how often W_O² answers E(k) with k, W_K² finds E1(k) for E(k), W_K¹ finds P(t-1) for P(t), t >= 2."""
    E, E1, P = model.block("E"), model.block("E1"), model.block("P")
    W_O, W_K2, W_K1 = (getattr(model, name).detach() for name in ("W_O", "W_K2", "W_K1"))
    tokens, positions = torch.arange(model.N), torch.arange(1, model.T)
    later = torch.ones(model.T, model.T, dtype=torch.bool).tril(-1)
    found = W_K1[P, P].masked_fill(later, -torch.inf).argmax(dim=0)[1:]
    hits = (W_O[:, E].argmax(dim=0) == tokens, W_K2[E1, E].argmax(dim=0) == tokens, found == positions - 1)
    return {name: float(hit.double().mean()) for name, hit in zip(("W_O", "W_K2", "W_K1"), hits, strict=True)}


def check_blocks(claim: Assertions, name: str, exact: Any, blocks: np.ndarray, error: float, **details: Any) -> None:
    """Statistics of `BLOCKS` independent blocks, first axis, against exact values."""
    count = len(blocks)
    spread = blocks.std(axis=0, ddof=1) / count**0.5
    claim.estimate(name, exact, blocks.mean(axis=0), spread, error, degrees=count - 1, **details)
