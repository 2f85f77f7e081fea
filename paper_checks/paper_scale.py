"""Trainings at the papers' own size: one after the other on one device, resumable, and what is kept of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulate import Trained, train

from .recall_experiments import TESTED, cut, dropped, tested
from .recall_settings import Setting
from .recorder import experiment_seed


def train_and_test(setting: Setting, seeds: Sequence[int], device: str, folder: Path) -> list[dict[str, Any]]:
    """Train with each seed and test on fresh sequences; one dictionary per seed: "seed", "history", "tested".

    A training goes on from the checkpoint that an interrupted one left in `folder`.
    """
    return [_one(setting, seed, device, folder) for seed in seeds]


def _one(setting: Setting, seed: int, device: str, folder: Path) -> dict[str, Any]:
    job = setting.job(seed)
    path = folder / f"{seed}.safetensors"
    found: Trained = train(job.training, device=device, observe=job.observer, at=job.at, checkpoint=path, every=500)
    batch = setting.law.sample(TESTED, seed=experiment_seed(seed, "fresh sequences"), device=str(found.model.E.device))
    changes = {"full": lambda model: model, "without F2": dropped("F2"), "without F1": dropped("F1")}
    width = setting.width
    for name in ("F2.w1", "F2.w2"):
        changes |= {f"{name} at rank 1": cut(name, 1), f"{name} without rank 1": cut(name, width - 1, "bottom")}
    results = {name: tested(change(found.model), batch) for name, change in changes.items()}
    return {"seed": seed, "history": found.history, "tested": results}
