"""What a model does with a batch: where its attention lies, and which token its logits put first."""

import torch

from simulate.runtime.arguments import MOST_TOKENS, IntegerArray, as_array, check_row_tokens, check_tokens, require_data
from theory.arguments import Natural, checked


@checked
def mass_after_trigger(attention: torch.Tensor, tokens: torch.Tensor, trigger: Natural) -> torch.Tensor:
    """Σ a_t over the positions t >= 2 with z_{t-1} = q, the last position included, shape (batch,).

    Args:
        attention: a_t, finite floating-point tensor of shape (batch, T), >= 0.
        tokens: shape (batch, T), int64, >= 0.
        trigger: q, >= 0.

    Raises:
        TypeError, ValueError: an argument of another type, shape or range.

    Source: Chen, Bruna, Bietti (ICLR 2025), attention to what follows the trigger.
    """
    check_tokens(tokens, MOST_TOKENS)
    _check_floating("attention", attention)
    if attention.shape != tokens.shape:
        raise ValueError(
            f"attention must have the shape of tokens, {tuple(tokens.shape)}, got {tuple(attention.shape)}"
        )
    if not attention.isfinite().all():
        raise ValueError("attention must be finite, got NaN or infinite entries")
    if (attention < 0).any():
        raise ValueError(f"attention must be >= 0, its least entry is {attention.min().item()}")
    return (attention[:, 1:] * (tokens[:, :-1] == trigger)).sum(dim=1)


@checked
def ranks_first(logits: torch.Tensor, correct: torch.Tensor, candidates: IntegerArray) -> torch.Tensor:
    """Whether the correct token's logit exceeds, strictly, those of all other candidates; bool, shape (batch,).

    Args:
        logits: finite floating-point tensor of shape (batch, M).
        correct: shape (batch,), int64, in 0..M-1.
        candidates: token ids in 0..M-1, one-dimensional, at least one; the correct token may be among them.

    Raises:
        TypeError, ValueError: an argument of another type, shape or range.
    """
    _check_floating("logits", logits)
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(f"logits must have shape (batch, M) with batch >= 1 and M >= 1, got {tuple(logits.shape)}")
    if not logits.isfinite().all():
        raise ValueError("logits must be finite, got NaN or infinite entries")
    batch, M = logits.shape
    check_row_tokens("correct", correct, batch, M)
    rivals = as_array("candidates", candidates, "iu")
    if rivals.ndim != 1 or len(rivals) < 1:
        raise ValueError(f"candidates must be one-dimensional and not empty, got shape {rivals.shape}")
    if rivals.min() < 0 or rivals.max() >= M:
        raise ValueError(f"candidates must be in 0..{M - 1}, got {rivals.min()}..{rivals.max()}")
    others = torch.tensor(rivals, device=logits.device)
    beaten = logits.gather(1, correct[:, None]) > logits[:, others]
    return (beaten | (correct[:, None] == others)).all(dim=1)


def _check_floating(name: str, values: object) -> None:
    if not isinstance(values, torch.Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, torch.Tensor) else type(values).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {kind}")
    require_data(name, values)
