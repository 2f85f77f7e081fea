"""What the claims E1 to E6 make of trainings, by hand: numbers of a history, of attention, of a weight."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from paper_checks.experiments.trainings import changes, observers, statements
from paper_checks.experiments.trainings import recall as experiments
from paper_checks.experiments.trainings.attended_inputs import against_directions, noise_alignment
from paper_checks.experiments.trainings.changes import Cut
from paper_checks.experiments.trainings.measured import answers_after, fresh_sequences
from paper_checks.experiments.trainings.runs import Run, train_observed
from paper_checks.experiments.trainings.settings import MARKS, desk, fine_marks
from paper_checks.jobs.runner import Here, running
from paper_checks.project import rule_of
from simulate import initialised, with_weights
from simulate.sequences.recall import RecallBatch

Q, C, NOISE = 0, 1, 4


def batch_of(*rows):
    """Sequences with the trigger 0, whose answer is 1, and the noise token 4 of five; one token more at the end."""
    tokens = torch.tensor(rows)
    answers = torch.full((len(rows), 5), -1)
    answers[:, Q] = C
    shown = torch.zeros(tokens[:, :-1].shape, dtype=torch.bool)
    return RecallBatch(torch.cat([tokens, tokens[:, :1]], dim=1)[:, : tokens.shape[1]], answers, shown, shown, NOISE)


def at_last(batch):
    at = torch.zeros_like(batch.shown)
    at[:, -1] = True
    return at


def test_noises_after_the_trigger_are_counted_up_to_the_position():
    batch = batch_of([0, 4, 0, 1, 0, 9], [0, 1, 2, 4, 0, 9], [0, 4, 0, 4, 0, 9])
    assert observers.noises_shown(batch, at_last(batch)).tolist() == [1, 0, 2]
    at = torch.zeros_like(batch.shown)
    at[:, 0] = at[0, 2] = at[2, 2] = True
    assert observers.noises_shown(batch, at).tolist() == [0, 1, 0, 0, 1]


def test_attention_on_the_noise_is_of_sequences_that_have_one(monkeypatch):
    """Two of three; equal attention over five positions gives one a fifth, two two fifths."""
    batch = batch_of([0, 4, 0, 1, 0, 9], [0, 1, 2, 4, 0, 9], [0, 4, 0, 4, 0, 9])
    looked = SimpleNamespace(correct=torch.tensor([0.8, 0.9, 0.1]), noise=torch.tensor([0.1, 0.0, 0.6]))
    monkeypatch.setattr(observers, "attention_on_answers", lambda model, batch, at: looked)
    seen = observers.looks(None, batch, at_last(batch))
    assert seen["on (q,c)"] == pytest.approx(0.6) and seen["on (q,τ)"] == pytest.approx(0.35)
    assert seen["apart"] == pytest.approx(0.1) and seen["on (q,τ) of equal"] == pytest.approx(0.5)  # of 0.5 and 1.5
    without = batch_of([0, 1, 2, 4, 0, 9])
    looked = SimpleNamespace(correct=torch.tensor([0.9]), noise=torch.tensor([0.0]))
    assert observers.looks(None, without, at_last(without))["on (q,τ)"] == 0


def test_first_layer_attention_by_position(monkeypatch):
    """Positions 2 and 3 of one sequence: 0.6 on the previous token and 0.2, of which the second is not the largest."""
    first = torch.tensor([[[1.0, 0, 0], [0.6, 0.4, 0], [0.7, 0.2, 0.1]]])
    model = SimpleNamespace(attention=lambda tokens, at: (first, None))
    monkeypatch.setattr(
        observers, "previous_token_attention", lambda model, batch: first.diagonal(offset=-1, dim1=1, dim2=2)
    )
    batch = batch_of([0, 1, 0, 9])
    assert observers.first_looks(model, batch) == pytest.approx({"mean": 0.4, "largest": 0.5, "least": 0.2})


def observed(noise, recall=None):
    """A training with these P(τ) and recalls by step."""
    return SimpleNamespace(
        history=[{"step": k, "noise": v, "recall": (recall or {}).get(k, 0)} for k, v in noise.items()]
    )


def test_fall_after_the_peak():
    """What comes before the peak, or after step 20, or a later and higher value, does not count."""
    run = observed({0: 0.01, 3: 0.6, 5: 0.8, 10: 0.4, 14: 0.2, 20: 0.9, 30: 0.1})
    assert experiments.fall_after_peak([run], 10, 20) == pytest.approx([0.25])
    assert experiments.largest_early_noise([run], 10) == [0.8]


@pytest.mark.parametrize(
    ("noise", "step"), [({0: 0.1, 5: 0.8, 10: 0.5, 14: 0.4}, 14), ({0: 0.1, 5: 0.8, 10: 0.6, 30: 0.5}, np.inf)]
)
def test_step_at_which_the_noise_is_below_its_level_again(noise, step):
    assert experiments.step_below([observed(noise)], 0.5, 10) == [step]


def test_settled_noise_is_of_step_30_on():
    run = observed({0: 0.1, 20: 0.9, 30: 0.4, 60: 0.6, 90: 0.65})
    assert experiments.settled_noise([run], 30).tolist() == [[0.4, 0.6, 0.65]]
    heard = {}
    claim = SimpleNamespace(
        rule=rule_of("E1"),
        replicated=lambda name, threshold, side, values, **details: heard.update({threshold: values}),
    )
    run.history.append({"step": 100, "noise": 0.35, "recall": 0.9})
    statements.noise_first(claim, lambda numbers: numbers([run]))
    assert heard["level"] == pytest.approx([0]) and heard["distance"] == pytest.approx([0.125])


def test_recall_that_never_comes_is_not_later():
    recalled = observed({1: 0.3, 2: 0.4, 100: 0.5}, {100: 0.8})
    never = observed({1: 0.4, 100: 0.5})
    neither = observed({1: 0.3, 100: 0.3})
    later = experiments.recall_after_noise([recalled, never, neither], 0.8, 0.4)
    assert later[0] == pytest.approx(np.log(50)) and not np.isfinite(later[1:]).any()


def test_what_is_there_before_the_first_update_was_not_learned():
    """Base seed 12 has such a training: P(τ) 0.4 by its initial weights."""
    at_start = observed({0: 0.45, 1: 0.3, 2: 0.4, 100: 0.5}, {100: 0.8})
    assert not np.isfinite(experiments.recall_after_noise([at_start], 0.8, 0.4)).any()
    np.testing.assert_array_equal(experiments.log_updates([0, 1, np.inf]), [np.nan, 0, np.inf])


def test_marks_are_the_coarse_ones_and_every_thirtieth():
    marks = fine_marks(100)
    assert marks == (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 40, 50, 60, 70, 90, 100)
    assert set(MARKS[:18]) < set(fine_marks(600)) and fine_marks(600)[-1] == 600


def test_against_directions():
    """diag(4, 2, 0) on a vector of squared cosines 0.64, 0.36."""
    gain, cosine = against_directions(np.diag([4.0, 2.0, 0.0]), np.array([6.0, 8.0, 0.0]))
    assert cosine == pytest.approx(0.64) and gain == pytest.approx(np.hypot(0.6 * 4, 0.8 * 2) / 4)


def test_alignment_with_the_noise_and_with_what_is_orthogonal_to_it():
    """w2 writes the vector whose logits are those of the noise alone."""
    model = initialised(desk().job(1).training.architecture, seed=3)
    U = model.U.detach().double()
    target = torch.zeros(13, dtype=torch.float64)
    target[12] = 1
    written = torch.linalg.lstsq(U, target[:, None]).solution[:, 0]
    w2 = torch.outer(written, torch.ones(192, dtype=torch.float64)).float()
    aligned = with_weights(model, {"F2.w2": w2})
    assert noise_alignment(aligned, "noise") == pytest.approx(1, abs=1e-4)
    assert noise_alignment(aligned, "correct") == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("name", ["W_OV2", "F2.w1", "F2.w2", "F1.w1"])
@pytest.mark.parametrize("keep", ["top", "bottom"])
def test_a_cut_answers_as_the_whole_model_that_is_cut(name, keep):
    """What is kept of a model before the cut is used for late weights alone: an early one changes it."""
    observed = desk().job(3)
    model = initialised(observed.training.architecture, seed=3)
    known = Run({name: weight.detach() for name, weight in model.named_parameters()}, [])
    change = Cut(name, 5, keep)
    with running(Here({train_observed.of(observed).identity: known})):
        (found,) = answers_after(observed, (change,))
    assert found == pytest.approx(
        changes.tested(change(model), fresh_sequences(observed)), abs=1e-6
    )  # roundings of float32
    assert change.is_late is (name != "F1.w1")
