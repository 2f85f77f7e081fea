"""An observer that comes to jobs as an argument: modules of jobs do not import this one."""

from dataclasses import dataclass

from simulate import RecallBatch, Transformer, answers


@dataclass(frozen=True, eq=False)
class Watched:
    """Mean probability of the correct answer in training, on sequences of its own."""

    batch: RecallBatch

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The mean."""
        return {"correct": float(answers(model, self.batch, self.batch.shown).correct.double().mean())}
