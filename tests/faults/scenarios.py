"""Work that writes files, done or gone on with in a folder; each gives numbers that no fault may change."""

import hashlib
import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from paper_checks.commands.command_line import main
from paper_checks.evidence.pilots import read_pilots, write_pilot
from paper_checks.evidence.training_design import PILOT_COUNT
from paper_checks.jobs.store import Store
from paper_checks.jobs.store.result_file import read
from paper_checks.jobs.values import encode
from paper_checks.report import badges as badges_module
from paper_checks.report.folder import MARK, asset_name, write_folder
from simulate import Architecture, Chain, Optimiser, Recall, Training, train
from simulate.runtime.files import write_json
from tests.oracles.report_runs import agreeing_run, small_run

from .claims_run import FailedError, claims, found_by, imported

CHAIN = Chain(np.random.default_rng(0).dirichlet(np.ones(5), 5))
LAW = Recall(CHAIN, 7, (2, 3), 0.3, 4)
SMALL = Training(Architecture(5, 11, 3), LAW, Optimiser("AdamW", {"lr": 0.02}), batch=3, steps=4, seed=5)
KEYS = [f"{number:064x}" for number in range(5)]


@cache
def runs():
    """Two runs; hashing the code takes its time."""
    return small_run(), agreeing_run()


def digest(*contents):
    return hashlib.sha256(b"".join(contents)).hexdigest()


def sha256(path):
    return digest(path.read_bytes())


def without_times(path):
    """Of a record what the run found; of a page whether it is whole; of a result as `result`; of others whether the
    name is the content's."""
    content = path.read_bytes()
    if path.suffix == ".safetensors":
        return result(path)
    if path.suffix == ".html":
        named = re.findall(r'"(assets/[^"]+)"', content.decode())
        return [content.endswith(b"</html>\n"), [one for one in named if not (path.parent / one).is_file()]]
    if path.suffix != ".json":
        return path.name.split(".")[-2] == digest(content)[:16]
    return found_by(json.loads(content))


def result(path):
    """Of a result that is kept, whose it is and the digest of its value; not when it was made."""
    known, content = read(path.read_bytes())
    return [known.key == path.stem, digest(content)]


def command(*words):
    """Status and output of a command of ours."""
    said, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(errors):
        status = main([str(word) for word in words])
    if status not in (0, 1):
        raise FailedError(status, errors.getvalue())
    return [status, said.getvalue()]


def training(folder):
    """A training with a checkpoint after every update, observed on the way."""

    def observe(model):
        return {"length": model.W_K2.norm().item()}

    found = train(SMALL, observe=observe, at=(0, 2, 4), checkpoint=folder / "state", every=1)
    return [digest(*(one.detach().numpy().tobytes() for one in found.model.parameters())), found.history]


def store(folder):
    """Five results are wanted in a store that has room for three; what is not there is made."""
    results, content = [], {key: encode([float(number)] * 500) for number, key in enumerate(KEYS)}
    found = Store(folder / "store", 4 * (len(content[KEYS[0]]) + 400))
    for key in KEYS:
        kept = found.get(key, "sums")
        if kept is None:
            found.put(key, "sums", content[key], 1.0, "")
        results.append(digest(content[key] if kept is None else kept.content))
    return results


def record(folder):
    """The record of a run, as the pytest side writes it."""
    write_json(folder / "evidence" / "claims.json", runs()[0].as_dict())
    return True


def pilots(folder, names=("one", "two")):
    """Pilots of some statements of a claim."""
    for number, name in enumerate(names):
        write_pilot("E1", name, "> 0.5", +1, [0.75 + number / 100] * PILOT_COUNT, folder)
    found = read_pilots("E1", folder)
    return {name: found[name] for name in names}


def report(folder, name="new", count=4):
    """A report of some assets, one of which all versions share."""
    parts = [b"same", *(f"{name} {number}".encode() for number in range(count - 1))]
    assets = {asset_name(f"picture-{number}.svg", part): part for number, part in enumerate(parts)}
    write_folder(folder / "report", f"<html>{MARK}{name} {' '.join(f'assets/{one}' for one in assets)}", assets)
    return sorted(assets)


def report_command(folder):
    """The command, with a record of its own, without pictures."""
    place = folder.with_name(f"{folder.name}.record.json")
    if not place.exists():
        write_json(place, runs()[1].as_dict())
    return command("report", "--record", place, "--pictures", "none", "--out", folder / "report")[0]


def badges(folder):
    """Badges of a run."""
    made = badges_module.all_badges(runs()[1])
    badges_module.write_badges(made, folder / "badges")
    return sorted(made)


def picture(folder, sizes="8:9"):
    """A small map of a claim, and the numbers beside it."""
    return command("scope", "T1.3", "--N", sizes, "--columns", "2", "--out", folder / "map.svg")[0]


def of_other_numbers(folder):
    """Pictures that have the numbers of another one beside them; none at all is no contradiction."""
    return [
        path.name
        for path in folder.glob("*.svg")
        if path.with_suffix(".csv").is_file() and sha256(path.with_suffix(".csv")) not in path.read_text()
    ]


def sweep(folder):
    """A sweep of a tiny model with a record, written after every layer and role."""
    from simulate.laser.sweeps import sweep as swept
    from simulate.prompts.tokens import METRICS
    from tests.oracles.laser import model_of
    from tests.simulate.laser.test_laser_sweep import prompts

    found = swept(model_of("neox"), prompts(), roles=("mlp_in", "mlp_out"), ranks=(1,), record=folder / "sweep")
    answers = [sets[name] for sets in found.cells.values() for name in sorted(sets)]
    return digest(*(getattr(one, metric).tobytes() for one in answers for metric in METRICS))


def model(folder):
    """A tiny model saved as a standard folder."""
    from simulate.language.saving import save_model
    from tests.oracles.tiny_language_models import tiny_model, tiny_tokenizer

    if not (folder / "model").exists():
        save_model(tiny_model("neox"), tiny_tokenizer(), folder / "model")
    return sorted(path.name for path in (folder / "model").iterdir())


def old_training(folder):
    """Where a training of two updates has ended."""
    from dataclasses import replace

    train(replace(SMALL, steps=2), checkpoint=folder / "state", every=1)


def old_report(folder):
    """A report of another run."""
    report(folder, "old", 3)


def old_picture(folder):
    """A picture of other numbers."""
    picture(folder, "8:10")


def old_record(folder):
    """The record of another run."""
    write_json(folder / "evidence" / "claims.json", runs()[1].as_dict())


SCENARIOS = {
    one.__name__: one
    for one in (training, store, record, pilots, report, report_command, badges, picture, claims, sweep, model)
}
SCENARIOS |= {
    "other report": lambda folder: report(folder, "other", 6),
    "other record": lambda folder: old_record(folder),
    "other pilots": lambda folder: pilots(folder, ("three", "four")),
}
"""What a second writer does."""
BEFORE = {"old training": old_training, "old report": old_report, "old record": old_record, "old picture": old_picture}
"""What is there before, in place of nothing."""
CONTENT = {"claims": without_times, "store": result}
"""What of a file must be old or new, where not all of it."""
TOGETHER = {"picture": of_other_numbers}
"""Files that contradict each other, each of which may be old or new."""


def prepared(names):
    """Do this work once, so that a child, which has all imports then, is quick."""
    torch.set_num_threads(1)
    runs()
    with TemporaryDirectory(prefix="faults-") as place:
        for name in names:
            folder = Path(place, name)
            folder.mkdir()
            if name != "claims":  # pytest is run once in a process
                SCENARIOS[name](folder)
    if "claims" in names:
        imported()
