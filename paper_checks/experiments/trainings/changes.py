"""What is changed in a trained model before it answers, and what is asked of its answers."""

from collections.abc import Callable
from dataclasses import dataclass

from simulate import RecallBatch, Transformer, answers, merged_values, truncated, without
from simulate.truncation import Keep

from .observers import last_shown, mean_probabilities

Change = Callable[[Transformer], Transformer]

TESTED = 1000
"""Fresh sequences on which a trained model is tested: standard errors of a probability stay below 0.016."""


def tested(model: Transformer, batch: RecallBatch) -> dict[str, float]:
    """Means of what the model answers, see `means`, at the last trigger of each sequence whose c was shown."""
    return mean_probabilities(answers(model, batch, last_shown(batch)))


def unchanged(model: Transformer) -> Transformer:
    """The model itself."""
    return model


@dataclass(frozen=True)
class Dropped:
    """The change that leaves out a feed-forward layer."""

    layer: str

    def __call__(self, model: Transformer) -> Transformer:
        """The model without it."""
        return without(model, self.layer)


@dataclass(frozen=True)
class Cut:
    """The change that truncates a weight; "W_OV2" is the product W_O2 W_V2."""

    name: str
    rank: int
    keep: Keep = "top"

    @property
    def is_late(self) -> bool:
        """Whether what the second layer reads does not depend on the weight."""
        return self.name in ("W_OV2", "F2.w1", "F2.w2")

    def __call__(self, model: Transformer) -> Transformer:
        """The model with the part that is kept."""
        if self.name == "W_OV2":
            return truncated(merged_values(model, 2), "W_O2", self.rank, keep=self.keep)
        return truncated(model, self.name, self.rank, keep=self.keep)
