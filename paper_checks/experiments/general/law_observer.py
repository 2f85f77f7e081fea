"""What is looked at while a two-layer transformer is trained on a law: noise is any of the tokens that ν draws."""

from dataclasses import dataclass

import torch

from paper_checks.experiments.trainings.observers import LawObserver, last_shown
from simulate import LawRecall, Transformer, without
from simulate.one_layer.probes import ranks_first


@dataclass(frozen=True, eq=False)
class LawRecallObserver(LawObserver):
    """As a `RecallObserver`, at the last trigger whose c was shown, with ν in place of τ.

    "noise", "correct": mean probability of the tokens of ν together, and of c. "recall": the share of sequences in
    which c is ahead of all tokens outside ν, "leads", of all. The same "without F2", where there is one. "on (q,c)",
    "on (q,ν)": second-layer attention to positions that follow a trigger and hold c, or another token of ν; the latter
    over sequences with such a position, and 0 if there is none. Over these, "of equal" is the median of that attention
    over what equal attention to all positions would give, and "over equal" the mean over the mean.
    """

    law: LawRecall

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        at = last_shown(batch)
        correct = batch.correct[at]
        with torch.no_grad():
            asked, read, attention = model.second_layer(batch.tokens, at)  # the same with F2 and without
            seen = self._answered(model.read_out(asked, read), correct)
            if model.F2 is not None:
                dropped = self._answered(without(model, "F2").read_out(asked, read), correct)
                seen |= {f"{name} without F2": value for name, value in dropped.items()}
        row, place = at.nonzero(as_tuple=True)
        return seen | self._looked(attention, batch.tokens[row], place, correct)

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
