"""Options that cannot be used, one at a time: each is refused by name, at once, with status 2 (pytest's is 4)."""

import argparse
import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from paper_checks.commands.command_line import COMMAND_LINE, main
from paper_checks.commands.groups import LazyCommand
from paper_checks.commands.options import Count, Integers, Level, PictureFile
from paper_checks.session import options, paper
from tests.places import ROOT

from .judged import names
from .tables.options import COMMANDS, NOT_TRIED, PYTEST, SCOPE, Options

KINDS = ("commands", "pytest options")
FILES = {
    "text.txt": "Nothing that a programme could read.\n",
    "empty": "",
    "broken.json": "{",
    "broken.gguf": "GGUF",
    "letters.txt": "abcab" * 40,
}
NO_INTEGER = ("x", "1.5", "", "nan", "1e3")
NO_NUMBER = ("x", "", "nan", "inf", "-inf", "1/0")


def prepare() -> None:
    """Files and folders that are not what an option needs, and a tiny model."""
    from tests.oracles.tiny_language_models import written

    Path("folder").mkdir(exist_ok=True)
    for name, text in FILES.items():
        Path(name).write_text(text)
    if not Path("tiny").exists():
        written(Path("tiny"))
        written(Path("half"))
        (Path("half") / "model.safetensors").unlink()


def commands() -> dict[str, click.Command]:
    """Every command that is no group, by its words."""
    return dict(_inside(COMMAND_LINE, ""))


def _inside(found: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(found, LazyCommand):
        found = found.loaded
    if isinstance(found, click.Group):
        context = click.Context(found)
        for name in found.list_commands(context):
            inner = found.get_command(context, name)
            assert inner is not None
            yield from _inside(inner, f"{words} {name}".strip())
    if not isinstance(found, click.Group) or found.params:
        yield words, found


def row_of(words: str) -> Options:
    """What the table has of a command."""
    if not words.startswith("scope "):
        return COMMANDS[words]
    return Options(("--out", "map.svg"), SCOPE)


def bad_values(parameter: click.Parameter, row: Options) -> tuple[str, ...]:
    """Those that its type cannot have, and the table's."""
    return (*_of_type(parameter), *row.bad.get(_name(parameter), ()))


def _name(parameter: click.Parameter) -> str:
    return parameter.opts[0]


def _of_type(parameter: click.Parameter) -> tuple[str, ...]:
    kind = parameter.type
    if getattr(parameter, "is_flag", False):
        return ("yes",)
    if isinstance(kind, Count):
        limits = [kind.min - 1] if kind.min is not None else []
        limits += [kind.max + 1, 10**18] if kind.max is not None else []
        return (*NO_INTEGER, *map(str, limits))
    if isinstance(kind, click.FloatRange) and kind.min is not None:
        return (*NO_NUMBER, str(kind.min - 1))
    if isinstance(kind, click.types.IntParamType):
        return NO_INTEGER
    if isinstance(kind, Level | click.types.FloatParamType):
        return NO_NUMBER
    if isinstance(kind, click.Choice):
        return ("nonsense", "")
    if isinstance(kind, Integers):
        return ("", "x", "1,,2", "1.5", "1:2")
    if isinstance(kind, PictureFile):
        return ("picture", "picture.txt", "folder", "nowhere/picture.svg", "text.txt/picture.svg", "")
    return ("", "x", "5:x", "1:2:3") if type(kind).__name__ in ("Levels", "Sizes", "Shares") else ()


def missing() -> list[str]:
    """Options without a value that cannot be used, and rows of commands and options that are none."""
    found = commands()
    lines = [f"{words} has no row" for words in found if not _has_row(words)]
    lines += [f"{words}: a row for a command that is none" for words in COMMANDS if words not in found]
    for words, command in found.items():
        if not _has_row(words) or words in NOT_TRIED:
            continue
        row = row_of(words)
        known = {_name(parameter): parameter for parameter in command.params}
        lines += [f"{words}: no bad value of {name}" for name, one in known.items() if not bad_values(one, row)]
        lines += [f"{words}: {name} is no option" for name in row.bad if name not in known and row.bad is not SCOPE]
    return lines + missing_of_pytest()


def _has_row(words: str) -> bool:
    return words in COMMANDS or words in NOT_TRIED or words.startswith("scope ")


def pytest_options() -> dict[str, bool]:
    """Those of the two plugins, and whether one is a flag."""
    parser = pytest.Parser(_ispytest=True)
    options.add_options(parser)
    paper.pytest_addoption(parser)
    return {
        name: isinstance(one._action, argparse._StoreTrueAction)
        for group in parser._groups
        for one in group.options
        for name in one.names()
    }


def missing_of_pytest() -> list[str]:
    """The same of pytest's options."""
    known = pytest_options()
    lines = [f"pytest: no bad value of {name}" for name, flag in known.items() if not flag and name not in PYTEST.bad]
    return lines + [f"pytest: {name} is no option" for name in PYTEST.bad if name not in known]


@dataclass(frozen=True)
class OptionTrial:
    """One value of one option.

    Attributes:
        words: of the command, or "pytest".   option: its name.   value: that cannot be used.   given: all arguments.
    """

    words: str
    option: str
    value: str
    given: tuple[str, ...]

    @property
    def label(self) -> str:
        """As it is typed."""
        return f"{self.words} {self.option} {self.value!r}"

    def run(self) -> tuple[Any, str]:
        """Exit status, and what was printed."""
        printed = io.StringIO()
        place = ROOT if self.words == "seeds" else Path.cwd()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), contextlib.chdir(place):
            status = pytest.main(list(self.given)) if self.words == "pytest" else main(self.given)
        return status, printed.getvalue()

    def judged(self, found: tuple[Any, str]) -> str:
        """ "" if it was refused by name, else what happened."""
        status, printed = found
        if "Traceback" in printed:
            return f"traceback: {' '.join(printed.split())[-200:]}"
        if status != (4 if self.words == "pytest" else 2):
            return f"status {status!r}: {' '.join(printed.split())[-200:]}"
        accepted = {self.option, self.option.lstrip("-"), self.option.lstrip("-").removesuffix("s")}
        accepted |= {
            self.option.lstrip("-").replace("-", "_"),
            *filter(None, (*self.value.split(","), Path(self.value).name)),
        }
        return "" if names(ValueError(printed), accepted) else f"obscure: {' '.join(printed.split())[-200:]}"


def trials(kind: str) -> list[OptionTrial]:
    """All of one of KINDS."""
    return list(_of_pytest() if kind == "pytest options" else _of_commands())


def _of_commands() -> Iterator[OptionTrial]:
    for words, command in commands().items():
        if words in NOT_TRIED:
            continue
        row = row_of(words)
        for parameter in command.params:
            for value in bad_values(parameter, row):
                name = _name(parameter)
                if words == "seeds" and name == "--out":  # it is started elsewhere
                    value = str(Path(value).resolve())
                typed = _typed(parameter, value)
                given = (*words.split(), *_without(row, name), *typed)
                yield OptionTrial(words, name, value, given)


def _typed(parameter: click.Parameter, value: str) -> tuple[str, ...]:
    if isinstance(parameter, click.Argument):
        return ("--", value)
    name = _name(parameter)
    return (f"{name}={value}",) if getattr(parameter, "is_flag", False) or value.startswith("-") else (name, value)


def _without(row: Options, name: str) -> tuple[str, ...]:
    """What is given besides an option: not itself, nor what "-NAME" in `besides` takes away."""
    besides = row.besides.get(name, ())
    left_out = {name, *(f"-{one}" for one in besides if one[:1] == "-" and one[:2] != "--")}
    kept = [one for one in besides if one[:1] != "-" or one[:2] == "--"]
    words = list(row.given)
    if not name.startswith("-"):
        words = []
    for option in left_out & set(words):
        place = words.index(option)
        del words[place : place + 2]
    return (*words, *kept)


def _of_pytest() -> Iterator[OptionTrial]:
    where = (str(ROOT / "paper_checks"), "--rootdir", str(ROOT), "-p", "no:cacheprovider", "--assert=plain")
    fixed = (*where, "-m", "claims", "--collect-only", "-q")
    for name, is_flag in pytest_options().items():
        for value in ("yes",) if is_flag else (*_by_kind(name), *PYTEST.bad[name]):
            yield OptionTrial("pytest", name, value, (*fixed, *PYTEST.besides.get(name, ()), f"{name}={value}"))


def _by_kind(name: str) -> tuple[str, ...]:
    return NO_INTEGER if name in ("--seed", "--jobs") else ()
