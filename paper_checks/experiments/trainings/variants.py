"""The settings of E6 to E9: without feed-forward layers, at noise levels, with several triggers, with other layers."""

from dataclasses import dataclass, replace
from functools import cache

from paper_checks.evidence import experiment_seed
from paper_checks.project import rule_of
from simulate import Hidden

from .runs import AnswerObserver, ObservedTraining, Reached
from .settings import DESK_TASK, EVERY, LEARNED, Setting, desk

BUDGET = 2000
"""Updates of E7 within which recall must come."""
LEAST = 100
"""Updates that every training of E7 has, so that there is something to hold."""
EARLY = (20, 30, 40, 50, 60, 70, 80, 90, LEAST)
TRIGGERS_AT = 400
"""The update after which E8 looks, for every number of triggers."""
WATCHED = 400
"""Sequences that E7 watches recall on: at α = 0.7 the c of some 170 of them was shown."""


@dataclass(frozen=True, eq=False)
class AnswerSetting(Setting):
    """A setting whose trainings are looked at by an `AnswerObserver`, after `at` updates, and end at `until`."""

    at: tuple[int, ...]
    until: Reached | None

    @classmethod
    def of(cls, setting: Setting, at: tuple[int, ...], until: Reached | None = None) -> "AnswerSetting":
        """This setting, looked at so."""
        return cls(**vars(setting), at=at, until=until)

    def job(self, seed: int) -> ObservedTraining:
        """The training with this seed."""
        observer = AnswerObserver(self.law, WATCHED, experiment_seed(seed, "watched"))
        return ObservedTraining(super().job(seed).training, observer, self.at, self.until)


def later_marks(steps: int) -> tuple[int, ...]:
    """EARLY, and from there on every tenth more, up to `steps`."""
    marks = list(EARLY)
    while marks[-1] * 1.1 < steps:
        marks.append(round(marks[-1] * 1.1))
    return (*(mark for mark in marks if mark < steps), steps)


def steady_marks(steps: int) -> tuple[int, ...]:
    """EARLY, and from there on every EVERY updates, up to `steps`, more than LEAST."""
    return (*EARLY, *range(LEAST + EVERY, steps, EVERY), steps)


@cache
def no_feed_forward(steps: int = 1000) -> Setting:
    """E6: the desk setting without feed-forward layers."""
    return replace(desk(), F1=None, F2=None, steps=steps)


@cache
def at_level(alpha: float) -> Setting:
    """E7 at a noise level: to the recall of its rule, or, above LEARNED, of LEAST updates; at that of DESK_TASK E1's,
    which go on."""
    if alpha == DESK_TASK.alpha:
        return desk()
    recall = rule_of("E7").thresholds["recall_reached"]
    setting = desk(alpha, steps=BUDGET if alpha <= LEARNED else LEAST)
    return AnswerSetting.of(setting, later_marks(setting.steps), Reached("recall", recall, LEAST))


@cache
def with_triggers(triggers: int) -> Setting:
    """E8, of TRIGGERS_AT updates; with one trigger they are the beginning of E1's."""
    return desk(triggers=triggers, steps=TRIGGERS_AT)


@cache
def feed_forward(hidden: Hidden) -> Setting:
    """The desk setting with both feed-forward layers of this kind."""
    return replace(desk(), F1=hidden, F2=hidden)


@cache
def with_layers(hidden: Hidden) -> Setting:
    """E9; with the layers of E1 it is E1's."""
    setting = feed_forward(hidden)
    return desk() if hidden == desk().F1 else AnswerSetting.of(setting, steady_marks(setting.steps))
