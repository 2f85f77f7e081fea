"""What is looked at while a two-layer transformer is trained: one observer for recall, one for memories."""

import json
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from simulate import (
    Answer,
    Recall,
    RecallBatch,
    Transformer,
    answers,
    attention_on_answers,
    bigram_divergence,
    memory_recall,
    previous_token_attention,
    without,
)
from simulate.transformer.probes import answer_of


class Observer:
    """Called with a model, returns numbers by name."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells observers apart."""
        raise NotImplementedError

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class LawObserver(Observer):
    """An observer on sequences of a law, which training does not see."""

    law: Recall
    sequences: int
    seed: int

    @property
    def key(self) -> tuple[object, ...]:
        """The kind of observer and the test sequences."""
        return type(self).__name__, self.sequences, self.seed, json.dumps(self.law.configuration)

    @cached_property
    def batch(self) -> RecallBatch:
        """The test sequences."""
        return self.law.sample(self.sequences, seed=self.seed)


def last_shown(batch: RecallBatch) -> torch.Tensor:
    """The last position of each sequence whose trigger's output was shown before, if there is one."""
    order = torch.arange(1, batch.shown.shape[1] + 1, device=batch.shown.device) * batch.shown
    return batch.shown & (order == order.amax(dim=1, keepdim=True))


def mean_probabilities(answer: Answer) -> dict[str, float]:
    """Mean probabilities of τ and of c, the share of c ahead of all tokens but τ ("recall") and of all ("leads")."""
    named = {"noise": answer.noise, "correct": answer.correct, "recall": answer.recalls, "leads": answer.leads}
    return {name: float(values.double().mean()) for name, values in named.items()}


LOOKED = ("on (q,c)", "on (q,τ)")
"""Of the second layer's attention, what is looked at during training."""


def noises_shown(batch: RecallBatch, at: torch.Tensor) -> torch.Tensor:
    """How many positions up to each of those n marked in `at`, which hold a trigger q, follow q and hold τ."""
    row, position = at.nonzero(as_tuple=True)
    tokens, noise = batch.tokens[row], -1 if batch.noise is None else batch.noise
    shown = (tokens[:, :-1] == tokens.gather(1, position[:, None])) & (tokens[:, 1:] == noise)
    places = torch.arange(1, tokens.shape[1], device=tokens.device)
    return (shown & (places <= position[:, None])).sum(dim=1)


def looks(model: Transformer, batch: RecallBatch, at: torch.Tensor) -> dict[str, float]:
    """Second-layer attention from the positions marked in `at`, which hold a trigger q whose c stood before.

    "on (q,c)": mean mass there. Over the positions before which a (q,τ) stands as well, and 0 if there is no such:
    "on (q,τ)", mean mass there; "apart", what (q,c) has more; "on (q,τ) of equal", the median of that mass over what
    equal attention to all positions would give.
    """
    looked, shown = attention_on_answers(model, batch, at), noises_shown(batch, at)
    both = shown > 0
    seen = {"on (q,c)": float(looked.correct.mean()), "on (q,τ)": 0.0, "apart": 0.0, "on (q,τ) of equal": 0.0}
    if both.any():
        noise, reach = looked.noise[both], at.nonzero()[both, 1] + 1
        seen["on (q,τ)"] = float(noise.mean())
        seen["apart"] = float((looked.correct[both] - noise).mean())
        seen["on (q,τ) of equal"] = float((noise * reach / shown[both]).median())
    return seen


def first_looks(model: Transformer, batch: RecallBatch) -> dict[str, float]:
    """First-layer attention a(t,t-1): its "mean", the share of positions t >= 2 that attend most to t-1, "largest", and
    its mean at the position where that is "least"."""
    with torch.no_grad():
        first, _ = model.attention(batch.tokens, last_shown(batch))
    previous = previous_token_attention(model, batch).double()
    leads = first[:, 1:].argmax(dim=2) == torch.arange(previous.shape[1], device=first.device)
    return {
        "mean": float(previous.mean()),
        "largest": float(leads.double().mean()),
        "least": float(previous.mean(dim=0).min()),
    }


@dataclass(frozen=True, eq=False)
class RecallObserver(LawObserver):
    """P(τ), P(c) and accuracy at the last trigger whose c was shown, with F2 and without, and both layers' attention.

    "on (q,c)", "on (q,τ)": see `looks`. "after": first-layer attention to the previous token from positions that follow
    a trigger, "previous": from all.
    """

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        at = last_shown(batch)
        # What a progress bar has room for comes first.
        seen = {name: value for name, value in looks(model, batch, at).items() if name in LOOKED}
        with torch.no_grad():
            reads = model.read_in(batch.tokens, at)  # the same with F2 and without
            seen |= mean_probabilities(answer_of(model.read_out(*reads), batch, at))
            if model.F2 is not None:
                dropped = mean_probabilities(answer_of(without(model, "F2").read_out(*reads), batch, at))
                seen |= {f"{name} without F2": value for name, value in dropped.items()}
        previous = previous_token_attention(model, batch)
        after = batch.correct[:, :-1] >= 0
        return seen | {"previous": float(previous.mean()), "after": float(previous[after].mean())}


class ProbeObserver(Observer):
    """Memory recall of the three matrices."""

    @property
    def key(self) -> tuple[object, ...]:
        """Nothing but the kind of observer."""
        return ("probes",)

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        return memory_recall(model)


def forced(law: Recall) -> Recall:
    """The law with z_T replaced by a uniform trigger."""
    return replace(law, ends_on_trigger=True)


def on_a_trigger(batch: RecallBatch) -> torch.Tensor:
    """The last position of each sequence, if it holds a trigger whose output was shown before."""
    at = torch.zeros_like(batch.shown)
    at[:, -1] = batch.shown[:, -1]
    return at


@dataclass(frozen=True, eq=False)
class MemoryObserver(LawObserver):
    """Memory recall of the three matrices; the losses in nats on global bigrams ("bigrams", KL from the chain's rows)
    and on answers ("answers", -ln p(c)), and how often these lead ("recall"), where z_T is made a trigger."""

    @cached_property
    def batch(self) -> RecallBatch:
        """The test sequences."""
        return forced(self.law).sample(self.sequences, seed=self.seed)

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        answer = answers(model, batch, on_a_trigger(batch))
        loss = -float(answer.correct.double().log().mean())
        seen = {"recall": float(answer.leads.double().mean()), "answers": loss}
        return seen | {"bigrams": bigram_divergence(model, batch, self.law.chain)} | memory_recall(model)
