"""Numbers of the pictures of training, made by hand as the ledger has them."""

from dataclasses import dataclass

from paper_checks.experiments.trainings.changes import Cut, Dropped
from paper_checks.experiments.trainings.runs import Run
from paper_checks.experiments.trainings.settings import close_marks, fine_marks
from paper_checks.pictures import training_data as data

SHIFTS = (0.0, 0.01, 0.03)
"""What the seeds differ by: the median is the second."""
EARLY = {0: 0.1, 1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8, 5: 0.85, 7: 0.7, 10: 0.3, 14: 0.4, 20: 0.55}
"""P(τ): it passes α, falls below it, and settles at 1/2."""


@dataclass(frozen=True)
class ByHand:
    """A training as the ledger has it, in the place of a replicate."""

    history: list
    shift: float

    def answers(self, change):
        """E2, E3 and E6: the noise of w1 comes with the rank, that of w2 goes with it."""
        whole = {"noise": 0.5 - self.shift, "correct": 0.45, "recall": 0.97, "leads": 0.5}
        if isinstance(change, Dropped):
            return whole | ({"noise": 0.1, "correct": 0.8, "leads": 0.9} if change.layer == "F2" else {"correct": 0.3})
        if not isinstance(change, Cut) or change.rank == data.DESK_WIDTH:
            return whole
        kept, removed = CURVES[change.name]
        noise = (kept(change.rank) if change.keep == "top" else removed(data.DESK_WIDTH - change.rank)) - self.shift
        if change.name == "W_OV2":
            return whole | ({"noise": noise} if change.rank >= 12 else {"noise": noise, "correct": 0.1, "recall": 0.2})
        return whole | {"noise": noise, "correct": 0.95 - noise}

    def looks(self):
        """E4."""
        return {"on (q,c)": 0.9, "on (q,τ)": 0.03 + self.shift, "apart": 0.85, "on (q,τ) of equal": 0.1}

    def first_looks(self):
        """E5."""
        return {"mean": 0.7, "largest": 0.9, "least": 0.03 + self.shift}

    def noise_alignment(self, space):
        """E3."""
        return 0.9


class StillNoisy(ByHand):
    """One of which w2 without its top direction has all the noise."""

    def answers(self, change):
        """As for the others, but for that."""
        found = super().answers(change)
        return found | {"noise": 0.5 - self.shift} if change == Cut("F2.w2", data.DESK_WIDTH - 1, "bottom") else found


CURVES = {
    "F2.w1": (lambda rank: 0.1 + 0.4 * min(rank, 24) / 24, lambda rank: 0.5 - 0.008 * rank),
    "F2.w2": (lambda rank: 0.7 - 0.004 * rank if rank else 0.1, lambda rank: 0.1 if rank else 0.5),
    "W_OV2": (lambda rank: 0.2 if rank < 10 else 0.5, lambda rank: 0.5 - 0.005 * rank),
}
"""P(τ) by the number of top directions kept, and removed."""


def recall_run(shift=0.0, steps=600):
    """Noise from step 4 on, recall from 280 on, as the ledger has it."""

    def at(step):
        late = step >= 280
        answers = {"noise": EARLY.get(step, 0.5) - shift, "correct": 0.45 if late else 0.05}
        answers |= {"recall": (0.99 if late else 0.1) - shift}
        less = {"noise": 0.1 + shift, "correct": 0.8 if late else 0.06, "recall": 0.95 if late else 0.08}
        answers |= {f"{name} without F2": value for name, value in less.items()}
        looks = {"on (q,c)": 0.9 if late else 0.07, "on (q,τ)": 0.02 + shift}
        return answers | looks | {"previous": 0.7 if late else 0.1 + shift, "after": 0.6 if late else 0.09}

    return ByHand([{"step": step} | at(step) for step in fine_marks(steps)], shift)


def birth_run(loss_on, shift=0.0):
    """Bigrams at step 20, answers at 140; W_O² at 10, W_K² at 50, W_K¹ at 120, or 100 by the loss; not all of W_K¹."""
    starts = {"W_O2": (10, 1.0), "W_K2": (50, 0.95), "W_K1": (120 if loss_on == "every" else 100, 0.8)}

    def at(step):
        memories = {name: end - shift if step >= start else 0.1 for name, (start, end) in starts.items()}
        late = {"recall": 0.8 if step >= 140 else 0.2 + shift, "answers": 1.0 if step >= 140 else 2.5 + shift}
        return memories | late | {"bigrams": 0.2 + shift if step >= 20 else 2.0}

    return Run({}, [{"step": step} | at(step) for step in close_marks(200)])


def truncation(matrix):
    """E3 and E6 as the ledger has them; the third panel's noise comes with rank 10."""
    return data._truncation(matrix, [recall_run(shift) for shift in SHIFTS], lambda number: None)


def shown():
    """What the three pictures show."""
    return {
        "curves": data.RecallCurves(0.5, 1, [recall_run(shift) for shift in SHIFTS]),
        "ranks": [truncation(matrix) for matrix in data.MATRICES],
        "probes": data.ProbeCurves(
            {loss: [birth_run(loss, shift) for shift in SHIFTS] for loss in ("every", "recall")}
        ),
    }
