"""What a `Transformer` does on recall sequences: probabilities, accuracy, attention, memory recall, bigrams."""

from typing import NamedTuple

import torch

from simulate.one_layer.probes import ranks_first
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.sequences.chains import Chain
from simulate.sequences.recall import RecallBatch
from theory.arguments import checked

from .model import Transformer


@checked
class Answer(NamedTuple):
    """At each of n positions that hold a trigger q: the noise token's and the correct token's probability, shape (n,),
    and whether c_q has the largest logit of all tokens but τ, and of all tokens, bool."""

    noise: torch.Tensor
    correct: torch.Tensor
    recalls: torch.Tensor
    leads: torch.Tensor


@checked
def answers(model: Transformer, batch: RecallBatch, at: torch.Tensor) -> Answer:
    """What the model answers at the positions marked in `at`; where there is no τ its probability is 0.

    Args:
        at: bool, shape (batch, T), true at one position or more, all of which hold a trigger.

    Raises:
        TypeError, ValueError: an argument of another type or shape, or a marked position without a trigger.
    """
    _correct(model, batch, at)
    with torch.no_grad():
        return answer_of(model(batch.tokens, at), batch, at)


def answer_of(logits: torch.Tensor, batch: RecallBatch, at: torch.Tensor) -> Answer:
    """The answers that these logits, shape (n, M), are at the n positions marked in `at`, which hold triggers."""
    correct, probabilities = batch.correct[at], logits.softmax(dim=1)
    everything = range(logits.shape[1])
    ordinary = [token for token in everything if token != batch.noise]
    noise = torch.zeros_like(logits[:, 0]) if batch.noise is None else probabilities[:, batch.noise]
    right = probabilities.gather(1, correct[:, None])[:, 0]
    return Answer(noise, right, ranks_first(logits, correct, ordinary), ranks_first(logits, correct, everything))


class AnswerAttention(NamedTuple):
    """Second-layer attention at each of n positions that hold a trigger q, shape (n,): its mass on positions up to
    that one that follow q and hold c_q, and on those that follow q and hold τ."""

    correct: torch.Tensor
    noise: torch.Tensor


@checked
def attention_on_answers(model: Transformer, batch: RecallBatch, at: torch.Tensor) -> AnswerAttention:
    """Where the second layer looks from the positions marked in `at`; arguments and errors as for `answers`.

    Source: Chen, Bruna, Bietti (ICLR 2025), attention to what follows the trigger.
    """
    correct = _correct(model, batch, at)
    with torch.no_grad():
        _, attention = model.attention(batch.tokens, at)
    row, position = at.nonzero(as_tuple=True)
    tokens = batch.tokens[row]
    follows = torch.zeros_like(tokens, dtype=torch.bool)
    follows[:, 1:] = tokens[:, :-1] == tokens.gather(1, position[:, None])
    noise = -1 if batch.noise is None else batch.noise
    masses = (attention * (follows & (tokens == held)) for held in (correct[:, None], noise))
    return AnswerAttention(*(mass.sum(dim=1) for mass in masses))


@checked
def previous_token_attention(model: Transformer, batch: RecallBatch) -> torch.Tensor:
    """First-layer attention a_{t,t-1} from t = 2..T, shape (batch, T-1)."""
    _check_batch(model, batch)
    with torch.no_grad():
        first = model.first_attention(batch.tokens)
    return first.diagonal(offset=-1, dim1=1, dim2=2)


@checked
def memory_recall(model: Transformer) -> dict[str, float]:
    """How much of its memory each matrix has learned, as shares in [0, 1].

    "W_O2": tokens k for which U W_O2 W_V2 E(k) is largest at k. "W_K2": tokens k whose query E(k) scores highest, among
    the keys W_O1 W_V1 E(k'), that with k' = k. "W_K1": positions t >= 2 whose query P(t) scores highest, among the keys
    P(s) with s <= t, that with s = t-1.

    Source: Bietti et al. (NeurIPS 2023), memory recall probes.
    """
    M, T = model.architecture.tokens, model.architecture.length
    what = f"model of {M} tokens and {T} positions: scores"
    require_bytes(what, 4 * max(2 * M**2, T**2), CPU, "use a smaller one")
    with torch.no_grad():
        tokens, positions = torch.arange(len(model.E), device=model.E.device), torch.arange(len(model.P))
        outputs = model.U @ model.W_O2 @ model.W_V2 @ model.E.T
        matches = model.E @ model.W_K2 @ model.W_O1 @ model.W_V1 @ model.E.T
        previous = (model.P @ model.W_K1 @ model.P.T).cpu()
        previous = previous.masked_fill(positions[None] > positions[:, None], -torch.inf)
        hits = {
            "W_O2": outputs.argmax(dim=0) == tokens,
            "W_K2": matches.argmax(dim=1) == tokens,
            "W_K1": previous.argmax(dim=1)[1:] == positions[:-1],
        }
    return {name: float(hit.double().mean()) for name, hit in hits.items()}


@checked
def bigram_divergence(model: Transformer, batch: RecallBatch, chain: Chain) -> float:
    """Mean KL(π_b(·|z_t) ‖ p_t) over the positions without a trigger, in nats, π_b the rows of the chain.

    Raises:
        TypeError, ValueError: an argument of another type, or with another number of tokens than the model.

    Source: Bietti et al. (NeurIPS 2023), the loss on global bigrams, less the chain's entropy.
    """
    _check_batch(model, batch)
    if len(chain.transition) != model.architecture.tokens:
        raise ValueError(f"chain must be over {model.architecture.tokens} tokens, got {len(chain.transition)}")
    at = batch.correct < 0
    with torch.no_grad():
        predicted = model(batch.tokens, at).log_softmax(dim=1).double()
    law = torch.tensor(chain.transition).to(predicted)[batch.tokens[at]]
    return float((torch.xlogy(law, law) - law * predicted).sum(dim=1).mean())


def _correct(model: Transformer, batch: RecallBatch, at: torch.Tensor) -> torch.Tensor:
    _check_batch(model, batch)
    model.check(batch.tokens, at)
    correct = batch.correct[at]
    if (correct < 0).any():
        raise ValueError("at must mark positions that hold a trigger, got one that does not")
    return correct


def _check_batch(model: Transformer, batch: RecallBatch) -> None:
    if batch.answers.shape[1] != model.architecture.tokens:
        raise ValueError(f"batch must be over {model.architecture.tokens} tokens, got {batch.answers.shape[1]}")
