"""What is looked at of a two-layer transformer trained on a law: noise is any of the tokens that ν draws."""

from dataclasses import dataclass

import torch

from paper_checks.evidence import experiment_seed
from paper_checks.experiments.trainings.changes import TESTED
from paper_checks.experiments.trainings.measured import own_training, trained_model
from paper_checks.experiments.trainings.observers import LawObserver, last_shown
from paper_checks.experiments.trainings.runs import ObservedTraining
from paper_checks.jobs import job
from simulate import LawRecall, RecallBatch, Transformer, without
from simulate.one_layer.probes import ranks_first


@dataclass(frozen=True, eq=False)
class LawAnswerObserver(LawObserver):
    """As an `AnswerObserver`, at the last trigger whose c was shown, with ν in place of τ.

    "noise", "correct": mean probability of the tokens of ν together, and of c. "recall": the share of sequences in
    which c is ahead of all tokens outside ν, "leads", of all.
    """

    law: LawRecall

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        return self._answers(model, self.batch.to(model.E.device))

    def _answers(self, model: Transformer, batch: RecallBatch) -> dict[str, float]:
        at = last_shown(batch)
        with torch.no_grad():
            logits = model(batch.tokens, at)
        return self._answered(logits, batch.correct[at])

    def _answered(self, logits: torch.Tensor, correct: torch.Tensor) -> dict[str, float]:
        probabilities, noises = logits.softmax(dim=1), list(self.law.noises)
        everything = range(self.law.M)
        ordinary = [token for token in everything if token not in noises]
        found = {
            "noise": probabilities[:, noises].sum(dim=1),
            "correct": probabilities.gather(1, correct[:, None])[:, 0],
            "recall": ranks_first(logits, correct, ordinary),
            "leads": ranks_first(logits, correct, everything),
        }
        return {name: float(values.double().mean()) for name, values in found.items()}


@dataclass(frozen=True, eq=False)
class LawLookObserver(LawAnswerObserver):
    """And the second layer's attention.

    "on (q,c)", "on (q,ν)": to positions that follow a trigger and hold c, or another token of ν; the latter over
    sequences with such a position, and 0 if there is none. Over these, "of equal" is the median of that attention over
    what equal attention to all positions would give, and "over equal" the mean over the mean.
    """

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        at = last_shown(batch)
        row, place = at.nonzero(as_tuple=True)
        with torch.no_grad():
            _, attention = model.attention(batch.tokens, at)
        return self._answers(model, batch) | self._looked(attention, batch.tokens[row], place, batch.correct[at])

    def _looked(
        self, attention: torch.Tensor, tokens: torch.Tensor, place: torch.Tensor, correct: torch.Tensor
    ) -> dict[str, float]:
        follows = torch.zeros_like(tokens, dtype=torch.bool)
        follows[:, 1:] = tokens[:, :-1] == self.law.law.q
        follows &= torch.arange(tokens.shape[1], device=tokens.device) <= place[:, None]
        is_correct = follows & (tokens == correct[:, None])
        noises = torch.tensor(self.law.noises, device=tokens.device)
        is_noise = follows & torch.isin(tokens, noises) & ~is_correct
        seen = {"on (q,c)": float((attention * is_correct).sum(dim=1).mean())}
        stands = is_noise.any(dim=1)
        if not stands.any():
            return seen | dict.fromkeys(("on (q,ν)", "of equal", "over equal"), 0.0)
        mass = (attention * is_noise).sum(dim=1)[stands].double()
        equal = is_noise.sum(dim=1)[stands] / (place[stands] + 1).double()
        return seen | {
            "on (q,ν)": float(mass.mean()),
            "of equal": float((mass / equal).median()),
            "over equal": float(mass.mean() / equal.mean()),
        }


@dataclass(frozen=True, eq=False)
class LawRecallObserver(LawLookObserver):
    """And the answers "without F2"."""

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        dropped = self._answers(without(model, "F2"), self.batch.to(model.E.device))
        return super().__call__(model) | {f"{name} without F2": value for name, value in dropped.items()}


@job("answers", cost=0.1, inputs=own_training)
def law_tested(observed: ObservedTraining) -> dict[str, float]:
    """`LawRecallObserver` of a trained model, on TESTED sequences that neither training nor observation has seen."""
    law, seed = observed.training.law, experiment_seed(observed.training.seed, "fresh sequences")
    if not isinstance(law, LawRecall):
        raise TypeError(f"observed must be a training on a LawRecall, got one on {law!r:.80}")
    observer = LawRecallObserver(law, TESTED, seed)
    return observer(trained_model(observed))
