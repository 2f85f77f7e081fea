"""Numbers of the pictures of training, made by hand as the ledger has them."""

import numpy as np

from paper_checks import training_picture_data as data
from paper_checks.recall_settings import marks
from simulate import Trained

SHIFTS = (0.0, 0.01, 0.03)
"""What the seeds differ by: the median is the second."""


def run_of(steps, at):
    history = [{"step": step} | at(step) for step in marks(steps)]
    return Trained(None, history)


def recall_run(shift=0.0, steps=600):
    """Noise from step 1 on, recall from 280 on, as the ledger has it."""

    def at(step):
        late, noise = step >= 280, 0.5 if step else 0.1
        answers = {"noise": noise - shift, "correct": 0.45 if late else 0.05, "recall": (0.99 if late else 0.1) - shift}
        less = {"noise": 0.1 + shift, "correct": 0.8 if late else 0.06, "recall": 0.95 if late else 0.08}
        answers |= {f"{name} without F2": value for name, value in less.items()}
        looks = {"on (q,c)": 0.9 if late else 0.07, "on (q,τ)": 0.02 + shift}
        return answers | looks | {"previous": 0.7 if late else 0.1 + shift, "after": 0.6 if late else 0.09}

    return run_of(steps, at)


def birth_run(loss_on, shift=0.0):
    """Bigrams at step 20, recall at 200; W_O² at 50, then W_K¹ before W_K² or the other way about, by the loss."""
    starts = {"W_O2": 50, "W_K1": 140 if loss_on == "every" else 200, "W_K2": 200 if loss_on == "every" else 140}

    def at(step):
        memories = {name: 1 - shift if step >= start else 0.1 for name, start in starts.items()}
        return memories | {"bigrams": 0.2 + shift if step >= 20 else 2.0, "recall": 0.9 if step >= 200 else 0.2 + shift}

    return run_of(400, at)


def truncation(matrix):
    """E3 and E6 as the ledger has them; the third panel's noise comes with rank 10."""
    ranks = np.array(data.RANKS)
    kept = {"F2.w1": np.linspace(0.1, 0.5, len(ranks)), "F2.w2": np.where(ranks, 0.7 - 0.004 * ranks, 0.1),
            "W_OV2": np.where(ranks < 10, 0.2, 0.5)}[matrix]  # fmt: skip
    lost = {"F2.w1": 0.5 - 0.008 * ranks, "F2.w2": np.where(ranks, 0.06, 0.5), "W_OV2": 0.5 - 0.005 * ranks}[matrix]
    spread = [{name: np.array([values + shift for shift in SHIFTS]) for name, values in
               (("noise", noise), ("correct", 0.95 - noise))} for noise in (kept, lost)]  # fmt: skip
    return data.Truncation(matrix, data.RANKS, *spread)


def shown():
    """What the three pictures show."""
    return {
        "curves": data.RecallCurves(0.5, 1, [recall_run(shift) for shift in SHIFTS]),
        "ranks": [truncation(matrix) for matrix in data.MATRICES],
        "probes": data.ProbeCurves(
            {loss: [birth_run(loss, shift) for shift in SHIFTS] for loss in ("every", "recall")}
        ),
    }
