"""Runs of parts of the claims, on several machines say, as one run."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from .ledger import Stated, read_ledger
from .results import NOT_SELECTED
from .run import COUNTED, ClaimRecord, Run, read_run


def read_runs(paths: Sequence[Path]) -> Run:
    """The run that one or more records hold, as for `joined`.

    Raises:
        ValueError: as for `run.read_run` and `joined`.
    """
    lacking = [path for path in paths if not path.exists()]
    if lacking:
        raise ValueError(
            f"record must be a file that a run has written, {lacking[0]} is none: pytest FOLDER -m claims writes one"
        )
    return joined([(path.name, read_run(path)) for path in paths])


def require_current(run: Run) -> None:
    """ValueError unless the run is of the code at hand: a verdict of other code is no verdict here."""
    ledger = read_ledger(Path(run.project.ledger))
    if run.code != ledger.code_hash():
        raise ValueError(f"the run of {run.written}, commit {run.commit}, is of other code: {ledger.command}")


def joined(named: Sequence[tuple[str, Run]]) -> Run:
    """Runs of different claims of one ledger by the same code as one run, whose comparisons, and statements about
    trainings, are counted together.

    Each run with the name that it has in messages. Seconds are added up; machines, versions and commands are listed.

    Raises:
        ValueError: other code, another base seed or ledger or design than the first run's, a claim that two of them
            ran, or more comparisons or statements about trainings than the designs allow for one run.
    """
    (first_name, first), *others = named
    for name, run in others:
        _require(f"{name} and {first_name} must be of the same code", run.code, first.code)
        _require(f"{name} and {first_name} must have one base seed", run.seed, first.seed)
        _require(f"{name} and {first_name} must have one ledger", _ledger(run), _ledger(first))
        _require(f"{name} and {first_name} must have one design", _design(run), _design(first))
    if not others:
        return first
    runs = [run for _, run in named]
    used = {what: sum(int(run.design[what]) for run in runs) for what in COUNTED}
    for what, allowed in COUNTED.items():
        if used[what] > first.design[allowed]:
            raise ValueError(f"{used[what]} {what} of {len(runs)} runs exceed the family of {first.design[allowed]}")
    return Run(
        written=max(run.written for run in runs),
        seed=first.seed,
        command=_listed(run.command for run in runs),
        options=_listed(run.options for run in runs if run.options),
        commit=_listed(run.commit for run in runs),
        code=first.code,
        machine=_listed(run.machine for run in runs),
        seconds=sum(run.seconds for run in runs),
        versions={
            name: _listed(run.versions[name] for run in runs if name in run.versions)
            for name in dict.fromkeys(name for run in runs for name in run.versions)
        },
        design={**first.design, **used},
        project=first.project,
        claims=[_found(number, named) for number in range(len(first.claims))],
        work={name: sum(run.work.get(name, 0) for run in runs) for name in first.work},
    )


def _require(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ValueError(f"{what}, got {found!r:.80} and {wanted!r:.80}")


def _ledger(run: Run) -> list[tuple[str, ...]]:
    return [tuple(getattr(claim, one.name) for one in fields(Stated)) for claim in run.claims]


def _design(run: Run) -> dict[str, float]:
    return {name: value for name, value in run.design.items() if name not in COUNTED}


def _found(number: int, named: Sequence[tuple[str, Run]]) -> ClaimRecord:
    """The record of a claim in the one run that ran it; of the first run if none did."""
    ran = [(name, run.claims[number]) for name, run in named if run.claims[number].verdict != "not run"]
    if len(ran) > 1:
        raise ValueError(f"claim {ran[0][1].id} must be of one run, it was run in {' and in '.join(n for n, _ in ran)}")
    if ran:
        return ran[0][1]
    reasons = [run.claims[number] for _, run in named]
    return next((claim for claim in reasons if claim.reason != NOT_SELECTED), reasons[0])


def _listed(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))
