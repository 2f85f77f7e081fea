"""One case after another in a process of its own, whose memory and time have limits; what became of each."""

import inspect
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import psutil

from . import option_trials
from .cases import Case, cases
from .faces import parameters, public, table_of
from .judged import finite, names, parts, same
from .rows import Fresh, Row

SECONDS = 1.0
"""Of processor time, for one case; one that takes longer is tried once more."""
KILLED_AFTER = 4
"""Seconds of processor time after which the process of a case that cannot be interrupted is ended."""
STUCK = 60
"""Seconds without an outcome after which a process waits for something that does not come."""
MEMORY = 2**30
"""Bytes that a case may have beyond what the process has."""
RETURNED = "returned"
RESHAPED = ("another axis", "no axes")
"""Cases in which two arguments are at odds, so that a message may name the other one."""
COMPILED = ("read-only", "strided")
"""Cases for which numba compiles anew, which takes longer than a case may."""


class Late(BaseException):
    """A case that has had its time."""


class Trial:
    """One case of one parameter of a public callable."""

    def __init__(self, face: str, name: str, row: Row, call: int, parameter: str, case: Case) -> None:
        self.face, self.name, self.row, self.call, self.parameter, self.case = face, name, row, call, parameter, case
        self.label = f"{face}.{name}({parameter}={case.label})"

    def arguments(self, replaced: bool = True) -> dict[str, Any]:
        """Those of the valid call, with the case in the place of its parameter."""
        given = {name: made(value) for name, value in self.row.calls[self.call].items() if value is not None}
        if replaced:
            given[self.parameter] = self.case.make()
        return given

    def accepted_names(self) -> set[str]:
        """What a message may call the argument, or one of its entries; the other arguments too, where one that is fine
        by itself is at odds with them; of an object that is large, its fields; of a path, itself."""
        value = made(self.row.calls[self.call][self.parameter])
        found = {self.parameter, self.parameter.removesuffix("s"), self.row.alias.get(self.parameter, self.parameter)}
        if self.case.expected == "either" or self.case.label in RESHAPED:
            found |= self.row.calls[self.call].keys()
        if self.case.label.startswith("large "):
            found |= {str(name) for name in parts(value)} | {"M"}
        if isinstance(value, Path):
            found |= {str(self.case.make())}
        return found


def made(value: Any) -> Any:
    """A value of a table as a call gets it."""
    return value.make() if isinstance(value, Fresh) else value


def trials(face: str, share: float, seed: int) -> list[Trial]:
    """The cases of a face, or a share of those of each callable, drawn with a seed."""
    from .tables.huge import HUGE

    found = []
    for name, row in table_of(face).rows.items():
        own = [
            Trial(face, name, row, number, parameter, case)
            for number, call, parameter in first_uses(row)
            for case in _cases(target_of(face, name), row, parameter, made(call[parameter]), HUGE)
        ]
        own += [Trial(face, name, *_special(row, *special)) for special in row.more]
        found += sampled(own, share, f"{seed} {face} {name}")
    return found


def _special(row: Row, label: str, changes: Mapping[str, Any], named: str) -> tuple[Row, int, str, Case]:
    """A case of `Row.more`."""
    ((parameter, value),) = changes.items()
    return replace(row, alias={parameter: named}), 0, parameter, Case(label, lambda: value, "refused")


def first_uses(row: Row) -> Iterator[tuple[int, Any, str]]:
    """By parameter the first of the valid calls that gives it a value."""
    seen: set[str] = set()
    for number, call in enumerate(row.calls):
        for parameter, value in call.items():
            if value is not None and parameter not in seen:
                seen.add(parameter)
                yield number, call, parameter


def _cases(target: Callable[..., Any], row: Row, parameter: str, value: Any, huge: Any) -> Iterator[Case]:
    declared = parameters(target, True).get(parameter)
    if declared is not None and "Any" in str(declared.annotation) and isinstance(value, Real):
        return  # of generic arithmetic: whatever can be added and multiplied
    optional = declared is not None and (declared.default is None or "None" in str(declared.annotation))
    for case in cases(value, huge, optional):
        if parameter in row.long and (case.label.startswith("10**") or case.label.startswith("large")):
            continue
        free = case.label in row.free.get(parameter, ())
        yield Case(case.label, case.make, "either") if free and case.expected == "refused" else case


def target_of(face: str, name: str) -> Callable[..., Any]:
    """The callable of a row."""
    owner, _, method = name.partition(".")
    found = public()[face][owner]
    return getattr(found, method) if method else found


def called(trial: Trial, arguments: dict[str, Any]) -> Any:
    """The result, an iterator's first item in its place."""
    target = target_of(trial.face, trial.name)
    if trial.row.on is not None:
        target = getattr(made(trial.row.on), trial.name.partition(".")[2])
    order = list(inspect.signature(target).parameters.values())
    several = next((number for number, one in enumerate(order) if one.kind is one.VAR_POSITIONAL), -1)
    placed = [arguments.pop(one.name) for one in order[: several + 1]]
    found = target(*placed, **arguments)
    return next(found, None) if isinstance(found, Iterator) else found


def outcome(trial: Trial) -> str:
    """ "" if the case is as it should be, else what happened."""
    arguments = trial.arguments(replaced=False)
    try:
        arguments[trial.parameter] = trial.case.make()
        found = _in_time(lambda: called(trial, arguments))
    except (ValueError, TypeError) as error:
        if trial.case.expected == "same":
            return f"good refused: {said(error)}"
        return "" if names(error, trial.accepted_names()) else f"obscure: {said(error)}"
    except trial.row.raises:
        return "good refused: by a documented error" if trial.case.expected == "same" else ""
    except FileNotFoundError as error:
        is_named = isinstance(trial.case.make(), Path) and names(error, trial.accepted_names())
        return "" if is_named else f"obscure: {said(error)}"
    except Late:
        return f"late: more than {SECONDS} s"
    except MemoryError as error:
        return f"memory: {said(error)}"
    except Exception as error:
        return f"obscure: {said(error)}"
    if trial.case.expected == "refused":
        return f"nonsense accepted: {found!r:.80}"
    if not trial.row.unbounded and not finite(found):
        return f"not finite: {found!r:.80}"
    if trial.case.expected == "same" and not same(called(trial, trial.arguments(replaced=False)), found):
        return f"different: {found!r:.80}"
    return RETURNED


def said(error: BaseException) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def _in_time(work: Callable[[], Any]) -> Any:
    try:
        return _timed(work)
    except Late:
        return _timed(work)


def _timed(work: Callable[[], Any]) -> Any:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _late(number: int, frame: object) -> None:
    raise Late


def valid_calls(face: str) -> Iterator[tuple[str, str]]:
    """What happens in the valid calls themselves: they compile and import what the cases need, without a limit."""
    for name, row in table_of(face).rows.items():
        for number in range(len(row.calls)):
            trial = Trial(face, name, row, number, "", Case("valid", object, "either"))
            try:
                found = called(trial, trial.arguments(replaced=False))
                if not row.unbounded and not finite(found):
                    yield f"{face}.{name}(valid {number})", f"not finite: {found!r:.80}"
            except Exception as error:
                yield f"{face}.{name}(valid {number})", f"the valid call fails: {said(error)}"


def compile_for(todo: list[Trial]) -> None:
    """The cases that must give what the valid call gives, once without a limit: numba compiles for arrays that are
    read-only or strided anew, and keeps that; what goes wrong is found when their turn comes."""
    for trial in todo:
        if trial.case.label in COMPILED:
            with suppress(Exception):
                called(trial, trial.arguments())


def option_outcome(trial: option_trials.OptionTrial) -> str:
    """As `outcome`, of an option."""
    try:
        return trial.judged(_in_time(trial.run))
    except Late:
        return f"late: more than {SECONDS} s"
    except BaseException as error:
        return f"traceback: {said(error)}"


def run_cases(face: str, share: float, seed: int, start: int, write: Callable[[Any], None]) -> None:
    """Do the cases from number `start` on; each is announced, and its outcome written."""
    signal.signal(signal.SIGPROF, _late)
    os.chdir(tempfile.mkdtemp(dir="."))
    of_options = face in option_trials.KINDS
    if of_options:
        option_trials.prepare()
        todo: list[Any] = sampled(option_trials.trials(face), share, f"{seed} {face}")
    else:
        todo = trials(face, share, seed)
    for label, happened in valid_calls(face) if start == 0 and not of_options else ():
        write(["valid", label, happened])
    if start == 0 and not of_options:
        compile_for(todo)
    write(["of", len(todo)])
    size = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))
    for number, trial in enumerate(todo[start:], start):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + KILLED_AFTER, hard))
        write(["case", number, trial.label])
        shutil.rmtree("nowhere", ignore_errors=True)
        write(["outcome", number, option_outcome(trial) if of_options else outcome(trial)])
    write(["end"])


def sampled(all_of_it: list[Any], share: float, seed: str) -> list[Any]:
    """A share, rounded up, drawn with a seed, in order."""
    kept = set(random.Random(seed).sample(range(len(all_of_it)), math.ceil(share * len(all_of_it))))
    return [one for number, one in enumerate(all_of_it) if number in kept]


def main() -> None:
    """Serve requests, one JSON line each (face, share, seed, first case), by forked processes that write lines."""
    import torch

    torch.set_num_threads(1)
    public()
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for line in sys.stdin:
        face, share, seed, start = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                run_cases(face, share, seed, start, lambda said: print(json.dumps(said), file=answers, flush=True))
            except BaseException as error:
                print(json.dumps(["broken", said(error)]), file=answers, flush=True)
            os._exit(0)
        print(json.dumps(["started", child]), file=answers, flush=True)
        os.waitpid(child, 0)
        print(json.dumps(["over"]), file=answers, flush=True)


if __name__ == "__main__":
    main()
