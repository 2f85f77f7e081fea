"""What E7 to E9 measure: times to recall between observations, exponents, when trainings are looked at, and by whom."""

from itertools import pairwise

import numpy as np
import pytest

from paper_checks.experiments.trainings import levels, variants
from paper_checks.experiments.trainings.observers import RecallObserver
from paper_checks.experiments.trainings.runs import AnswerObserver
from paper_checks.experiments.trainings.settings import LEVELS, desk
from simulate import Hidden, initialised


class Seen:
    """A training by its observed recall."""

    def __init__(self, *pairs, **others):
        self.history = [{"step": step, "recall": recall, "noise": 0.2, "correct": 0.4} for step, recall in pairs]


def test_time_to_recall_is_that_of_the_line_in_log_t():
    """Recall 0.7 at 100 and 0.9 at 400: 0.8 is half-way, at 200; at an observation that step. The first counts."""
    runs = [
        Seen((10, 0.1), (100, 0.7), (400, 0.9), (500, 0.5), (600, 1.0)),
        Seen((10, 0.1), (100, 0.8), (400, 0.9)),
        Seen((20, 0.9), (30, 1.0)),
        Seen((20, 0.1), (30, 0.79)),
    ]
    assert levels.updates_to_recall(runs, 0.8) == pytest.approx([200, 100, 20, np.inf], rel=1e-12)


def test_law_is_met_by_its_own_times_alone():
    time = 76 / 0.3**2
    runs = [Seen((1, 0), (time, 0.8)), Seen((1, 0), (2 * time, 0.8)), Seen((1, 0), (time / 2, 0.8)), Seen((1, 0))]
    found = levels.law_error(runs, 0.7, 76, 0.8)
    assert found == pytest.approx([0, np.log(2), np.log(2), np.inf], abs=1e-12)


def test_exponents_are_those_of_power_laws():
    """For each seed its own, whatever its constant; not a number where recall is never reached."""
    at = [0.1, 0.3, 0.5, 0.7]
    times = [[3 / (1 - a) ** 2, 7 / (1 - a) ** 1.5, 5.0 if a < 0.6 else np.inf] for a in at]
    found = levels.exponents(np.array(times), at)
    assert found[:2] == pytest.approx([2, 1.5], rel=1e-12) and not np.isfinite(found[2])


def test_noise_is_held_from_update_30_on_and_up_to_a_limit():
    run = Seen(*((step, 0.0) for step in (20, 30, 60, 90)))
    for seen, noise in zip(run.history, (0.9, 0.4, 0.5, 0.9), strict=True):
        seen["noise"] = noise
    assert levels.noise_error([run], 0.5, 30) == pytest.approx([0.1])
    assert levels.noise_error([run], 0.5, 30, 60) == pytest.approx([0.05])
    assert levels.noise_over_correct([run], 30, 60) == pytest.approx([np.log([1.0, 1.25]).mean()])


@pytest.mark.parametrize("make", [variants.later_marks, variants.steady_marks])
@pytest.mark.parametrize("steps", [131, 400, 600, 2000])
def test_marks_begin_early_increase_and_end_at_the_end(make, steps):
    marks = make(steps)
    assert marks[: len(variants.EARLY)] == variants.EARLY and marks[-1] == steps
    assert all(a < b for a, b in pairwise(marks))


def test_an_answer_observer_sees_what_a_recall_observer_sees():
    setting = desk()
    model = initialised(setting.job(1).training.architecture, seed=3)
    one, other = (kind(setting.law, 50, 7) for kind in (AnswerObserver, RecallObserver))
    found, whole = one(model), other(model)
    assert found == {name: whole[name] for name in ("noise", "correct", "recall", "leads")}


def test_settings_of_the_three_claims():
    """Those that E1 trains are E1's; the others differ from it by what is stated alone."""
    assert variants.at_level(0.5) is variants.with_layers(desk().F1) is desk()
    for alpha in LEVELS:
        setting = variants.at_level(alpha)
        assert float(setting.law.alpha) == alpha and setting.F1 == setting.F2 == desk().F1
        if alpha != 0.5:
            job = setting.job(5)
            assert job.training.steps == job.at[-1] == (2000 if alpha < 0.9 else 100)
            assert job.until({"step": 100, "recall": 0.8}) and not job.until({"step": 90, "recall": 1.0})
    first = variants.with_triggers(1)
    assert first.law.configuration == desk().law.configuration and first.steps == 400 and first.F1 == desk().F1
    assert len(variants.with_triggers(5).law.triggers) == 5 and variants.with_triggers(5).steps == 400
    linear = variants.with_layers(Hidden(48, "linear"))
    assert linear.F1 == linear.F2 == Hidden(48, "linear") and linear.steps == 600 and linear.job(5).until is None
