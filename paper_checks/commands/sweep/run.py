"""A sweep as a user asks for it: which model, prompts and cells; then jobs, a table, a file."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_checks.experiments.language import METRICS
from paper_checks.experiments.pretrained.jobs import MOST, prompts_of
from paper_checks.experiments.sweeps import Subject, asked, swept
from paper_checks.jobs import local, results
from simulate.language.architectures import ARCHITECTURES
from simulate.language.models import LanguageModel, load_language_model
from simulate.language.pretrained import PRETRAINED
from simulate.laser.roles import PARTS_OF_ROLE, ROLES, Role, architecture_of, check_role, layer_count
from simulate.laser.sweeps import Cell, Sweep, cells_of
from simulate.prompts.files import read_prompts
from simulate.prompts.numbering import Numbering
from simulate.prompts.sets import Prompt
from simulate.prompts.splits import clusters_of, competing, spread_over_clusters
from simulate.prompts.tokens import encode, one_token
from simulate.runtime.files import write_whole
from simulate.runtime.outputs import begins, require_ours

from .table import changes, print_sets

Sets = dict[str, tuple[Prompt, ...]]
COLUMNS = ("set", "layer", "role", "rank", "fraction", "without", "prompts")
"""Of the file, before those of the metrics."""
LEAST = 4
"""Prompts of a set, of which halves are made."""


@dataclass(frozen=True)
class Asked:
    """The options of the command, as they were given."""

    model: str
    revision: str | None = None
    layers: str = "last:6"
    roles: str | None = None
    fractions: str = ""
    ranks: str = ""
    without: str = ""
    prompts: Path | None = None
    start: str | None = None
    dtype: str = "float32"
    seed: int = 0


def check_out(out: Path | None) -> None:
    """ValueError unless the file can be written: it is new, or of an earlier sweep."""
    if out is None:
        return
    if out.is_dir() or not out.resolve().parent.is_dir():
        raise ValueError(f"--out must be a file in a folder that exists, got {str(out)!r}")
    require_ours(out, "the cells of a sweep", begins(",".join(COLUMNS) + ","))


def run(options: Asked, processes: int, out: Path | None) -> None:
    """Check all, sweep, print, write."""
    own = None if options.prompts is None else dict(read_prompts(options.prompts))
    levels = {name: _numbers(f"--{name}", getattr(options, name)) for name in ("ranks", "fractions", "without")}
    found = load_language_model(options.model, options.revision, dtype=options.dtype)
    cells = _cells(options, found, levels)
    start = options.start
    if start is None and options.model in PRETRAINED:
        start = PRETRAINED[options.model].start
    if start is not None:
        Numbering(found.tokenizer).start(start)  # before errors about prompts, of which it would be the reason
    place = options.model if options.model in PRETRAINED else str(Path(options.model).expanduser())
    subject = Subject(place, found.sha256, layer_count(found.model), start, options.revision, options.dtype)
    built_in = {name: prompts_of(name, options.seed, "claim") for name in MOST}
    sets = _one_token(own or built_in, found, start)
    del found  # its memory; every process has its own
    with local(processes):
        if own is None:
            sets = _competing(subject, sets)
        made = swept(subject, sets, cells)
    print_sets(made, sets, options.seed)
    if out is not None:
        write_whole(out, _csv(made, sets).encode())
        print(f"{out}: {len(made.cells)} cells")


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in text.split(",")) if text and text != "none" else ()
    except ValueError:
        raise ValueError(f"{option} must be numbers with commas between them, or none, got {text!r}") from None


def _cells(options: Asked, found: LanguageModel, levels: Mapping[str, tuple[float, ...]]) -> tuple[Cell, ...]:
    whole: dict[str, Any] = {"fractions": levels["fractions"]}
    for name in ("ranks", "without"):
        if any(not one.is_integer() for one in levels[name]):
            raise ValueError(f"--{name} must be integers, got {getattr(options, name)!r}")
        whole[name] = tuple(map(int, levels[name]))
    if not any(levels.values()):
        raise ValueError("--fractions, --ranks and --without must name at least one level, got none")
    roles = _all_roles(found) if options.roles is None else _named_roles(options.roles)
    return cells_of(found.model, roles, _layers(options.layers, layer_count(found.model)), **whole)


def _all_roles(found: LanguageModel) -> list[Role]:
    """Groups of several matrices, and every single one."""
    parts = ARCHITECTURES[architecture_of(found.model)].parts
    groups = [role for role in ROLES if sum(part in parts for part in PARTS_OF_ROLE.get(role, ())) > 1]
    return [*groups, *parts]  # type: ignore[list-item]


def _named_roles(text: str) -> list[Role]:
    names = text.split(",")
    for name in names:
        check_role(name)
    return names  # type: ignore[return-value]


def _layers(text: str, count: int) -> list[int]:
    """The layers that --layers names, of so many."""
    accepted = f"--layers must be last:N, upper, all, or numbers in 0..{count - 1} with commas, got {text!r}"
    if text in ("upper", "all"):
        return list(range(count // 2 if text == "upper" else 0, count))
    try:
        if text.startswith("last:"):
            number = int(text.removeprefix("last:"))
            chosen = list(range(count - number, count)) if 1 <= number <= count else []
        else:
            chosen = [int(one) for one in text.split(",")]
    except ValueError:
        raise ValueError(accepted) from None
    if not chosen or not all(0 <= layer < count for layer in chosen):
        raise ValueError(accepted)
    return chosen


def _one_token(sets: Sets, found: LanguageModel, start: str | None) -> Sets:
    """The prompts that the tokenizer can ask; those left out are told of."""
    made = {}
    for name, prompts in sets.items():
        kept = one_token(prompts, found.tokenizer)
        if kept.left_out:
            words = ", ".join(map(repr, kept.words[:6]))
            print(
                f"{name}: {kept.left_out} of {len(prompts)} prompts left out, for words that are not one token: {words}"
            )
        if len(kept.prompts) < LEAST:
            raise ValueError(f"prompts of {name} must be at least {LEAST} of one-token words, got {len(kept.prompts)}")
        encode(kept.prompts[:1], found.tokenizer, start)  # its errors
        made[name] = kept.prompts
    return made


def _competing(subject: Subject, sets: Sets) -> Sets:
    """Those on which " the" competes in the whole model, at most MOST, spread over clusters."""
    answers = results([asked.of(subject, prompts) for prompts in sets.values()])
    made = {}
    for (name, prompts), one in zip(sets.items(), answers, strict=True):
        places = competing(one)
        print(f'{name}: "the" competes on {len(places)} of {len(prompts)} prompts')
        if len(places) < LEAST:
            raise ValueError(f'prompts of {name} must be at least {LEAST} on which "the" competes, got {len(places)}')
        made[name] = tuple(prompts[place] for place in spread_over_clusters(prompts, places, MOST[name]))
    return made


def _csv(made: Sweep, sets: Sets) -> str:
    """A row per cell and set: means of the whole model, with the cell, and of the change with its clustered error."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    names = [f"{metric} {what}" for metric in METRICS for what in ("whole", "cell", "change", "standard error")]
    writer.writerow([*COLUMNS, *names])
    for name, prompts in sets.items():
        for cell, answers in made.cells.items():
            row: list[Any] = [name, cell.layer, cell.role, cell.rank, cell.fraction, cell.without, len(prompts)]
            for metric in METRICS:
                change, error = changes(made, cell, name, metric, clusters_of(prompts))
                whole = getattr(made.whole[name], metric).mean()
                row += [float(one) for one in (whole, getattr(answers[name], metric).mean(), change, error)]
            writer.writerow(row)
    return lines.getvalue()
