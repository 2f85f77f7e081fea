"""Trainings at the papers' own size: one after the other on one device, resumable, and what is kept of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_checks.evidence import experiment_seed
from simulate import Trained, train

from .observers import last_shown, looks
from .recall import TESTED, Change, Cut, Dropped, tested, unchanged
from .settings import Setting

CHANGES: dict[str, Change] = {"full": unchanged, "without F2": Dropped("F2"), "without F1": Dropped("F1")}
"""By name, those whose answers E10 is about."""


@dataclass(frozen=True)
class Kept:
    """A training on record: "seed", "history", "tested" by the name of a change, "looked"."""

    run: dict[str, Any]

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed on the way."""
        history: list[dict[str, float]] = self.run["history"]
        return history

    def answers(self, change: Change) -> dict[str, float]:
        """What was answered after one of CHANGES."""
        name = next(name for name, known in CHANGES.items() if known == change)
        answers: dict[str, float] = self.run["tested"][name]
        return answers

    def looks(self) -> dict[str, float]:
        """Where the second layer looked."""
        looked: dict[str, float] = self.run["looked"]
        return looked


def train_and_test(setting: Setting, seeds: Sequence[int], device: str, folder: Path) -> list[dict[str, Any]]:
    """Train with each seed and test on fresh sequences; one dictionary per seed, see `Kept`.

    A training goes on from the checkpoint that an interrupted one left in `folder`.
    """
    return [_one(setting, seed, device, folder) for seed in seeds]


def _one(setting: Setting, seed: int, device: str, folder: Path) -> dict[str, Any]:
    job = setting.job(seed)
    path = folder / f"{seed}.safetensors"
    found: Trained = train(job.training, device=device, observe=job.observer, at=job.at, checkpoint=path, every=500)
    batch = setting.law.sample(TESTED, seed=experiment_seed(seed, "fresh sequences"), device=str(found.model.E.device))
    width, changes = setting.width, dict(CHANGES)
    for name in ("F2.w1", "F2.w2"):
        changes |= {f"{name} at rank 1": Cut(name, 1), f"{name} without rank 1": Cut(name, width - 1, "bottom")}
    results = {name: tested(change(found.model), batch) for name, change in changes.items()}
    looked = looks(found.model, batch, last_shown(batch))
    return {"seed": seed, "history": found.history, "tested": results, "looked": looked}
