"""Train pocket Pythia: a GPT-NeoX of Pythia-14m's shape on templated English.

    paper-checks train-pocket --out FOLDER
    paper-checks train-pocket --out FOLDER --seeds 1,4 --steps 500

The training seeds that are shipped, on the CPU in processes of one thread, so that the numbers do not depend on how
many there are. A training takes about a quarter of an hour on one core. A run that was interrupted goes on where it was
when the same command is given again.

Exit status: 0; 2 with the reason on standard error; 130 on Ctrl-C.
"""

import json
import multiprocessing
import re
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import click

from paper_checks.experiments.named import LANGUAGE_PACKAGES
from simulate.runtime.alone import TEMPORARY, alone

from .groups import Command, Interrupted, Stopped, refuse
from .options import Integers

# All else is imported inside functions: Ctrl-C ends the seconds that it takes like the rest, and a missing package is
# one line.

LOG_SPACED = (0, 16, 32, 64, 128, 256, 512, 1024)
"""Snapshots of the first training seed, besides the last one that all have."""
WORK = ".work"
KEPT = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
"""The files of a model."""
STATE = re.compile(rf"seed-\d+\.safetensors|\.seed-\d+\.safetensors\.({TEMPORARY}|lock)")
"""The files of trainings that go on."""

_queue: Any = None


def observed_steps(steps: int) -> tuple[int, ...]:
    """About twenty log-spaced numbers of updates, 0 and the last among them."""
    halving = {round(2 ** (power / 2)) for power in range(4, 2 * steps.bit_length())}
    return tuple(sorted({0, steps, *(step for step in halving if step < steps)}))


def trainings(seeds: Sequence[int], steps: int, **sizes: int) -> list[Any]:
    """The trainings of these seeds, with the snapshots that are shipped: the first seed of EXPLORED has all of
    LOG_SPACED, the others of EXPLORED an early one, every seed the last one."""
    from simulate.pocket.shipped import EARLY, EXPLORED
    from simulate.pocket.training import PocketTraining

    early = dict.fromkeys(EXPLORED, (EARLY,)) | {EXPLORED[0]: LOG_SPACED}
    made = []
    for seed in seeds:
        snapshots = (*(step for step in early.get(seed, ()) if step < steps), steps)
        made.append(PocketTraining(seed, steps=steps, snapshots=snapshots, **sizes))
    return made


def train_one(training: Any, out: Path, device: str, advance: Callable[[int], None]) -> list[dict[str, float]]:
    """Train one seed and write its snapshots; returns what was observed on held-out prompts."""
    from simulate.pocket.observed import observed_prompts
    from simulate.pocket.training import pocket_tokenizer, train_pocket
    from simulate.prompts.tokens import encode, measure

    tokenizer = pocket_tokenizer(training.vocabulary)
    sets = {name: encode(prompts, tokenizer) for name, prompts in observed_prompts().items()}

    def observe(model: Any) -> dict[str, float]:
        found = {name: measure(model, encoded).summary() for name, encoded in sets.items()}
        return {f"{name} {metric}": round(value[0], 6) for name in sets for metric, value in found[name].items()}

    return train_pocket(
        training,
        tokenizer,
        lambda step, model: _keep(model, tokenizer, out / f"seed-{training.seed}" / f"step-{step}"),
        observe=observe,
        at=observed_steps(training.steps),
        checkpoint=out / WORK / f"seed-{training.seed}.safetensors",
        device=device,
        advance=advance,
    )


def _keep(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the model in float16, to be run in float32, as a standard folder; one that is there is replaced."""
    import copy

    import torch

    from simulate.language.saving import save_model, write_sums
    from simulate.runtime.files import write_plain_json

    half = copy.deepcopy(model).cpu().to(torch.float16)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_model(half, tokenizer, folder)
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_plain_json(folder / "config.json", configuration | {"dtype": "float32"})
    write_sums(folder)


def _start(queue: Any) -> None:
    import torch

    global _queue
    _queue = queue
    torch.set_num_threads(1)


def _in_process(training: Any, out: Path) -> list[dict[str, float]]:
    return train_one(training, out, "cpu", _queue.put)


def train_all(chosen: Sequence[Any], out: Path, device: str) -> list[list[dict[str, float]]]:
    """Train all, with a progress bar over their updates; returns what was observed, in order."""
    from simulate.runtime.device import resolve_device
    from simulate.runtime.streaming import progress_bar

    total = sum(training.steps for training in chosen)
    with progress_bar(total, total, None, "updates", long=100) as advance:
        if resolve_device(device).type != "cpu":
            return [train_one(training, out, device, advance) for training in chosen]
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager:
            queue = manager.Queue()
            drain = threading.Thread(target=_drain, args=(queue, advance))
            drain.start()
            pool = ProcessPoolExecutor(None, context, _start, (queue,))
            try:
                return list(pool.map(_in_process, chosen, [out] * len(chosen)))
            except BaseException:  # an interrupt included: what has not begun is dropped, what has is stopped
                for process in list((pool._processes or {}).values()):
                    process.terminate()
                raise
            finally:
                pool.shutdown(cancel_futures=True)
                queue.put(None)
                drain.join()


def _drain(queue: Any, advance: Callable[[int], None]) -> None:
    while (updates := queue.get()) is not None:
        advance(updates)


def write_record(out: Path, chosen: Sequence[Any], history: Sequence[Any]) -> None:
    """Write training.json: trainings, what was observed, and the sha256 of every weight file."""
    from simulate.pocket.shipped import RECORD
    from simulate.runtime.files import file_digest, write_json

    files = [
        path
        for training in sorted(chosen, key=lambda training: training.seed)
        for step in training.snapshots
        for path in sorted((out / f"seed-{training.seed}" / f"step-{step}").glob("*.safetensors"))
    ]
    record = {
        "trainings": {str(training.seed): json.loads(training.configuration) for training in chosen},
        "sha256": {path.relative_to(out).as_posix(): file_digest(path) for path in files},
        "history": {str(training.seed): found for training, found in zip(chosen, history, strict=True)},
    }
    write_json(out / RECORD, record)


def _check_out(out: Path, chosen: Sequence[Any]) -> None:
    """ValueError if the folder holds models of other trainings, which would be taken for some of these."""
    wanted = {(f"seed-{training.seed}", f"step-{step}") for training in chosen for step in training.snapshots}
    others = [path for path in out.glob("seed-*/step-*") if (path.parent.name, path.name) not in wanted]
    if others:
        raise ValueError(f"out must hold no models of other trainings, it has {others[0].parent.name}/{others[0].name}")
    _require_ours(out, sorted(wanted))


def _require_ours(out: Path, wanted: Sequence[tuple[str, str]]) -> None:
    """ValueError if something would be replaced that `train-pocket` has not written."""
    from simulate.pocket.shipped import RECORD
    from simulate.runtime.outputs import has_keys, require_ours

    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, {out} is a file")
    require_ours(out / RECORD, "the record of trainings", has_keys("trainings", "sha256", "history"))
    for folder in (out / seed / step for seed, step in wanted):
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        if (folder.exists() and not folder.is_dir()) or names - KEPT:
            raise ValueError(f"{folder} must be new or a model of an earlier training, it holds other files")
    others = [path.name for path in (out / WORK).glob("*") if not STATE.fullmatch(path.name)]
    if others:
        raise ValueError(f"{out / WORK} must hold the states of trainings alone, it holds {others[0]}")


@click.command("train-pocket", cls=Command, help=__doc__)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="where the model folders go"
)
@click.option("--seeds", type=Integers(), help="training seeds (default: those that are shipped, 1 to 10)")
@click.option("--steps", type=int, help="updates of each (default: those of the shipped ones)")
@click.option("--device", default="auto", help="cpu, cuda, cuda:<index>, or auto for a GPU")
def command(out: Path, seeds: tuple[int, ...] | None, steps: int | None, device: str) -> int:
    try:
        chosen = _chosen(out, seeds, steps, device)
        with alone(out / "training.json"):
            write_record(out, chosen, train_all(chosen, out, device))
            shutil.rmtree(out / WORK)
    except ModuleNotFoundError as error:
        if error.name is None:  # raised by ours, with the remedy
            raise Stopped(str(error)) from error
        if error.name.partition(".")[0] not in LANGUAGE_PACKAGES:
            raise
        raise Stopped(f"training needs {error.name}: pip install -e '.[language]'") from error
    except (ValueError, OSError, FloatingPointError, BrokenProcessPool) as error:
        refuse(error)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; give the same command again to go on") from None
    print(f"{out}: {sum(1 for _ in out.glob('seed-*/step-*'))} model folders, training.json")
    return 0


def _chosen(out: Path, seeds: Sequence[int] | None, steps: int | None, device: str) -> list[Any]:
    """The trainings that are asked for; ValueError before any work."""
    from simulate.pocket.shipped import CONFIRMING, EXPLORED, STEPS
    from simulate.runtime.device import resolve_device
    from theory.scalars import as_count

    resolve_device(device)
    updates = STEPS if steps is None else as_count("steps", steps, 1)
    different = list(seeds or [*EXPLORED, *CONFIRMING])
    if len(set(different)) != len(different) or min(different) < 1:
        raise ValueError(f"seeds must be different integers >= 1 (0 is the tokenizer's), got {different}")
    chosen = trainings(different, updates)
    _check_out(out, chosen)
    return chosen
