"""The readers of files, each with a file that it accepts: those that we write, which have a digest, those that are
shipped, and those that people write, whose text says what they mean (`said`)."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from paper_checks.commands.ask.data import read_bigrams
from paper_checks.evidence import pilots, recorded
from paper_checks.evidence.ledger import read_ledger
from paper_checks.evidence.run import read_run
from paper_checks.evidence.trust import read_trust, write_trust
from paper_checks.jobs import values
from paper_checks.jobs.store import Store
from simulate.gsm8k.problems import read_problems
from simulate.gsm8k.results import read_results, write_results
from simulate.laser import sweeps
from simulate.pocket.shipped import pocket_record
from simulate.prompts.files import read_prompts
from simulate.prompts.tokens import METRICS, Readings
from simulate.runtime import shipped
from simulate.runtime.checkpoints import Checkpoint, read_checkpoint
from simulate.runtime.files import write_json
from tests.oracles.report_runs import small_run
from tests.places import ROOT

from . import said

PILOT = {"threshold": "key", "expected": 1, "farthest": 0.1, "values": [0.1] * pilots.PILOT_COUNT}
KEY = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    Attributes:
        name: of the file.   write: makes it in a folder.   read: what it says, in plain values, by the path.
        said: for a file that people write: what its bytes plainly say, by other means.
        called: what a refusal names; the file's name if it is empty.
    """

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    said: Callable[[bytes], Any] | None = None
    called: str = ""


def _tensor(tensor: torch.Tensor) -> tuple[str, tuple[int, ...], bytes]:
    flat = tensor.contiguous().flatten().view(torch.uint8)
    return str(tensor.dtype), tuple(tensor.shape), flat.numpy().tobytes()


def _checkpoint(path: Path) -> None:
    draw = torch.Generator().manual_seed(7)
    weights = {"W_V1": torch.randn(3, 5, generator=draw), "E": torch.randn(5, 2, generator=draw)}
    state = {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(3, 5, generator=draw)}, 1: {"lr": 0.125}}
    Checkpoint(3, weights, state, [{"step": 0.0, "loss": 1.25}, {"step": 3.0, "loss": 0.5}], '{"seed": 4}').write(path)


def _read_checkpoint(path: Path) -> Any:
    found = read_checkpoint(path)
    state = {
        (number, name): _tensor(value) if isinstance(value, torch.Tensor) else repr(value)
        for number, own in found.optimiser.items()
        for name, value in own.items()
    }
    weights = {name: _tensor(weight) for name, weight in found.weights.items()}
    return found.step, weights, state, repr(found.history), found.configuration


def _sweep(path: Path) -> None:
    numbers = np.random.default_rng(7).random((len(METRICS), 4))
    cells = {sweeps.Cell(layer, "mlp_in", rank=2): {"recall": Readings(*(numbers + layer))} for layer in range(3)}
    sweeps._write(path, cells, "of this model")


def _read_sweep(path: Path) -> Any:
    if not path.is_file():
        raise ValueError(f"{path} is none")
    found = sweeps._read(path, "of this model", {"recall": None})
    return {
        str(cell): [getattr(sets["recall"], metric).tobytes() for metric in METRICS] for cell, sets in found.items()
    }


def _record(path: Path) -> None:
    runs = [{"seed": seed, "history": [{"step": 0, "noise": 0.5 + seed}]} for seed in range(3)]
    found = recorded.RecordedTrainings("E10", "2026-01-02", "a GPU", {"torch": "2"}, "ab" * 32, 12.5, runs)
    recorded.write_record(found, path.parent)


def _pilots(path: Path) -> None:
    write_json(path, {"seed": pilots.PILOT_SEED, "statements": {"x": PILOT, "y": PILOT | {"expected": -1}}})


def _read_pilots(path: Path) -> Any:
    pilots.read_pilots.cache_clear()
    return pilots.read_pilots(path.stem, path.parent)


def _results(path: Path) -> None:
    answers = [{"question": f"{n}?", "correct": {"strict": n > 1, "flexible": n > 0}} for n in range(4)]
    configuration = {"problems": 4, "truncation": None, "seed": 7}
    shots = {"1": {"answers": answers, "date": "2026-01-02", "seconds": 1.5}}
    write_results(path, {"source": {"model": "m"}, "model_files": {}, "configuration": configuration, "shots": shots})


def _training(path: Path) -> None:
    history = {"1": [{"step": step, "recall answer": 0.1 * step} for step in range(5)]}
    write_json(path, {"trainings": {"1": {"seed": 1}}, "sha256": {"a": "0" * 64}, "history": history})


def _trust(path: Path) -> None:
    write_trust(path.stem, "mutants", "pytest tests -m teeth", {"drawn": 300, "share": 0.95}, ["one"], path.parent)


def _there(found: Any) -> Any:
    if found is None:
        raise LookupError("no file, where there is one")
    return found


def _store(path: Path) -> None:
    content = values.encode({"a": np.arange(6.0), "b": [1, "two", None]})
    Store(path.parent).put(KEY, "a kind", content, 1.5, "here")


def _read_store(path: Path) -> Any:
    """None, a result that is not there, is a refusal; the store says in a sentence why."""
    store = Store(path.parent)
    kept = store.get(KEY, "a kind")
    if kept is None:
        raise ValueError("; ".join(store.troubles))
    found = values.decode(kept.content)
    return found["a"].tobytes(), found["b"], kept.seconds, kept.made


def _of_data(name: str) -> Reader:
    """A file that is shipped, in a folder of data of its own."""

    def write(path: Path) -> None:
        shutil.copy(shipped.DATA / shipped.SUMS, path.parents[len(Path(name).parents) - 1])
        shutil.copy(shipped.DATA / name, path)

    def read(path: Path) -> Any:
        shipped._check.cache_clear()
        return shipped.shipped_file(name, path.parents[len(Path(name).parents) - 1]).read_bytes()

    return Reader(name, write, read)


def _texts(*lines: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _read_problems(path: Path) -> Any:
    return [tuple(problem) for problem in read_problems(path, "problems")]


def _read_prompts(path: Path) -> Any:
    return {name: [asdict(prompt) for prompt in prompts] for name, prompts in read_prompts(path).items()}


def _read_bigrams(path: Path) -> Any:
    found = read_bigrams(path)
    return found.characters, np.asarray(found.chain.transition).round(12).tolist()


OURS = {
    "checkpoint": Reader("state.safetensors", _checkpoint, _read_checkpoint),
    "sweep record": Reader("sweep.safetensors", _sweep, _read_sweep),
    "evidence": Reader("claims.json", lambda path: write_json(path, small_run().as_dict()), read_run),
    "recorded trainings": Reader(
        "E10.json", _record, lambda path: asdict(_there(recorded.read_record("E10", path.parent)))
    ),
    "pilots": Reader("E1.json", _pilots, _read_pilots),
    "gsm8k results": Reader("results.json", _results, read_results),
    "training.json": Reader("training.json", _training, lambda path: pocket_record(path.parent)),
    "trust record": Reader("teeth.json", _trust, lambda path: asdict(_there(read_trust(path.stem, path.parent)))),
    "result store": Reader(f"{KEY}.safetensors", _store, _read_store, called=KEY[:12]),
    "shipped table": _of_data("tinyshakespeare_bigrams.csv"),
    "shipped problems": _of_data("gsm8k_own.jsonl"),
    "shipped weights": _of_data("pocket/seed-4/step-2000/model.safetensors"),
}
"""Files with a digest: no change is read."""
BY_HAND = {
    "ledger": Reader(
        "ledger.toml", lambda path: shutil.copy(ROOT / "docs" / "own-paper" / "claims.toml", path),
        lambda path: said.plain(read_ledger(path)), said.ledger,
    ),
    "bigrams": Reader(
        "pairs.csv", _texts("first_codepoint,second_codepoint,count", *said.ROWS), _read_bigrams, said.bigrams
    ),
    "prompts": Reader("prompts.jsonl", _texts(*said.PROMPTS), _read_prompts, said.prompts),
    "problems": Reader("problems.jsonl", _texts(*said.PROBLEMS), _read_problems, said.problems),
}  # fmt: skip
"""Files that people write: what is read is what the text says."""
READERS = OURS | BY_HAND
