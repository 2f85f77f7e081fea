"""What is looked at while a two-layer transformer is trained: one observer for recall, one for memories."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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


class Observer:
    """Called with a model, returns numbers by name."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells observers apart."""
        raise NotImplementedError

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        raise NotImplementedError


def last_shown(batch: RecallBatch) -> torch.Tensor:
    """The last position of each sequence whose trigger's output was shown before, if there is one."""
    order = torch.arange(1, batch.shown.shape[1] + 1, device=batch.shown.device) * batch.shown
    return batch.shown & (order == order.amax(dim=1, keepdim=True))


def means(answer: Answer) -> dict[str, float]:
    """Mean probabilities of τ and of c, the share of c ahead of all tokens but τ ("recall") and of all ("leads")."""
    named = {"noise": answer.noise, "correct": answer.correct, "recall": answer.recalls, "leads": answer.leads}
    return {name: float(values.double().mean()) for name, values in named.items()}


@dataclass(frozen=True, eq=False)
class RecallObserver(Observer):
    """P(τ), P(c) and accuracy at the last trigger whose c was shown, with F2 and without, and both layers' attention.

    "after": first-layer attention to the previous token from positions that follow a trigger, "previous": from all.
    """

    law: Recall
    sequences: int
    seed: int

    @property
    def key(self) -> tuple[Any, ...]:
        """The test sequences."""
        return "recall", self.sequences, self.seed, json.dumps(self.law.configuration)

    @cached_property
    def batch(self) -> RecallBatch:
        """The test sequences."""
        return self.law.sample(self.sequences, seed=self.seed)

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        at = last_shown(batch)
        # What a progress bar has room for comes first.
        looked = attention_on_answers(model, batch, at)
        seen = {"on (q,c)": float(looked.correct.mean()), "on (q,τ)": float(looked.noise.mean())}
        seen |= means(answers(model, batch, at))
        if model.F2 is not None:
            dropped = means(answers(without(model, "F2"), batch, at))
            seen |= {f"{name} without F2": value for name, value in dropped.items()}
        previous = previous_token_attention(model, batch)
        after = batch.correct[:, :-1] >= 0
        return seen | {"previous": float(previous.mean()), "after": float(previous[after].mean())}


@dataclass(frozen=True, eq=False)
class MemoryObserver(Observer):
    """Memory recall of the three matrices, KL on global bigrams, accuracy of recall on the law's own sequences, and on
    those of another law ("ood")."""

    law: Recall
    other: Recall
    sequences: int
    seed: int

    @property
    def key(self) -> tuple[Any, ...]:
        """The test sequences."""
        laws = json.dumps([self.law.configuration, self.other.configuration])
        return "memory", self.sequences, self.seed, laws

    @cached_property
    def batches(self) -> tuple[RecallBatch, RecallBatch]:
        """The test sequences of both laws."""
        return self.law.sample(self.sequences, seed=self.seed), self.other.sample(self.sequences, seed=self.seed + 1)

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        own, other = (batch.to(model.E.device) for batch in self.batches)
        seen = {"bigrams": bigram_divergence(model, own, self.law.chain)}
        for name, batch in (("recall", own), ("ood", other)):
            seen[name] = float(answers(model, batch, batch.shown).leads.double().mean())
        return seen | memory_recall(model)
