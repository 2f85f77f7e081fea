"""The one command line: help that is light, names that are unknown, examples that are accepted, verify, completion."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module

import click
import pytest

from paper_checks.commands import command_line, groups, verify
from paper_checks.commands.command_line import COMMAND_LINE, COMMANDS, main
from tests.oracles.claim_project import CHECK, ENTRY
from tests.places import PAGES, ROOT


def below(command, words=()):
    """A command and all commands below it, each with the words that name it."""
    command = getattr(command, "loaded", command)
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from below(command.get_command(context, name), (*words, name))


EVERY = dict(below(COMMAND_LINE))


def test_every_command_is_there_by_its_name():
    pictures = {("draw", "phase-diagram"), ("draw", "memories", "three-steps"), ("draw", "language", "sweep")}
    assert {(name,) for name in COMMANDS} | pictures | {("scope", "T1.3")} <= set(EVERY) and len(EVERY) == 48
    assert all(command.name == words[-1] for words, command in EVERY.items() if words)
    assert all(isinstance(command, groups.Command | groups.CommandGroup) for command in EVERY.values())


HELP = """
import json, sys
from paper_checks.commands.command_line import main
every, heavy = map(json.loads, sys.argv[1:])
for words in every:
    assert main([*words, "--help"]) == 0
    assert not set(heavy) & set(sys.modules), (words, set(heavy) & set(sys.modules))
"""


@pytest.mark.parametrize("scope", [False, True])
def test_help_of_every_command_loads_nothing_heavy(scope):
    """That of the maps alone, whose sizes and settings are theory's, loads numpy, scipy, sympy and flint."""
    heavy = ["torch", "numba", "matplotlib", "transformers", "pytest"]
    heavy += [] if scope else ["numpy", "scipy", "sympy", "flint", "rich"]
    every = [words for words in EVERY if (words[:1] == ("scope",)) == scope]
    assert len(every) == (17 if scope else 31)
    words = [sys.executable, "-c", HELP, json.dumps(every), json.dumps(heavy)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: paper-checks") == len(every) and done.stderr == ""


@pytest.mark.parametrize("words", EVERY)
def test_help_says_what_a_command_does_and_takes(words, capsys):
    assert main([*words, "-h"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: {' '.join(['paper-checks', *words])} ")
    assert "paper-checks " in said.partition("\n")[2]  # an example
    for parameter in EVERY[words].params:
        assert not isinstance(parameter, click.Option) or (parameter.help and parameter.opts[-1] in said)


@pytest.mark.parametrize("words", [words for words, command in EVERY.items() if isinstance(command, click.Group)])
def test_a_group_without_arguments_lists_its_commands(words, capsys):
    assert main(words) == 2
    found = capsys.readouterr()
    names = EVERY[words].list_commands(click.Context(EVERY[words]))
    assert found.out == "" and [name for name in names if not re.search(rf"^  {name} ", found.err, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["rport"], "paper-checks: error: No such command 'rport'. Did you mean 'report'? Accepted: verify, ask, "),
        (["draw", "memoris"], "paper-checks draw: error: No such command 'memoris'. Did you mean 'memories'?"),
        (["other"], "paper-checks: error: No such command 'other'. Accepted: verify, ask, scope, draw, report, "),
        (["--color"], "paper-checks: error: No such option '--color'. Accepted: --version --help"),
        (["report", "--our", "x"], "paper-checks report: error: No such option '--our'. Did you mean '--out'? "),
        (["report"], "paper-checks report: error: Missing option '--out'."),
        (["badges", "x", "--out", "y"], "paper-checks badges: error: Got unexpected extra argument (x)"),
    ],
)
def test_what_is_unknown_or_missing_is_one_line_with_what_is_accepted(words, error, capsys):
    assert main(words) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.startswith(error) and found.err.count("\n") == 1


def test_both_ways_to_start_are_the_same():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["paper-checks"].partition(":")
    assert getattr(import_module(module), function) is main and list(scripts) == [command_line.PROGRAM]
    words = [sys.executable, "-m", "paper_checks"]
    for given, status in (([], 2), (["--version"], 0), (["scope", "T1.1"], 2)):
        done = subprocess.run([*words, *given], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == status and "Traceback" not in done.stderr and len(done.stdout + done.stderr) > 10


@pytest.mark.parametrize("installed", [True, False])
def test_version(monkeypatch, capsys, installed):
    from importlib import metadata

    def version(name):
        if installed:
            return f"1.2.3 of {name}"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert main(["--version"]) == 0
    said = "1.2.3 of distributional-associations-verified" if installed else "not installed"
    assert said in capsys.readouterr().out


def test_an_interrupt_while_a_command_is_loaded_is_one_line(monkeypatch, capsys):
    def interrupted(module):
        raise KeyboardInterrupt

    monkeypatch.setattr(groups, "import_module", interrupted)
    for words, said in ((["report", "--out", "x"], "interrupted\n"), (["--version", "x"], "")):
        assert main(words) == (130 if said else 0) and capsys.readouterr().err == said


def examples():
    """All lines that pages and the help of commands show, as words; a line may go on after a backslash."""
    texts = [*(page.read_text(encoding="utf-8") for page in PAGES), *(command.help for command in EVERY.values())]
    joined = re.sub(r"\\\n +", "", "\n".join(texts))
    lines = re.findall(r"^(?: {4}|Example: |\.venv/bin/)(paper-checks .*)$", joined, flags=re.MULTILINE)
    return [shlex.split(re.sub("   .*", "", line))[1:] for line in lines]


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_lines_that_are_shown_are_accepted(words, tmp_path, monkeypatch, capsys):
    """They are parsed; nothing is done."""
    parsed = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(groups.Command, "invoke", lambda command, context: parsed.append(context.command_path))
    assert main(words) == 0, capsys.readouterr().err
    assert parsed == [" ".join(["paper-checks", *words])[: len(parsed[0])]] if parsed else "--help" in words


def test_pages_show_every_command():
    shown = {words[0] for words in examples()}
    assert shown == set(COMMANDS) and len(examples()) > 40


@pytest.fixture
def became(monkeypatch):
    """The programs that this process would have become."""
    found = []
    monkeypatch.setattr(verify.os, "execv", lambda program, words: found.append((program, words)))
    return found


def test_verify_hands_on_what_it_does_not_know(became, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    given = ["--claims", "T1.4", "-x", "--seed=7", "-k", "a or b", "-vv", "-m", "claims and not slow"]
    main(["verify", *given])
    main(["verify", "--", "--help"])
    monkeypatch.chdir(tmp_path)
    main(["verify"])
    monkeypatch.setattr(verify, "CHECKOUT", tmp_path / "pyproject.toml")
    main(["verify", "--claims", "T1"])
    start, folder = [sys.executable, "-m", "pytest"], os.path.join("paper_checks", "claims")
    assert became == [
        (sys.executable, [*start, *words])
        for words in (
            [folder, "-m", "claims", *given],
            [folder, "-m", "claims", "--help"],
            [str(ROOT / folder), "-m", "claims"],
            [str(ROOT / folder), "-m", "claims", "--rootdir", ".", "--claims", "T1"],
        )
    ]


def test_the_help_of_verify_is_its_own(became, capsys):
    assert main(["verify", "--help"]) == 0 and became == []
    assert "all options are pytest's" in capsys.readouterr().out


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_status_of_verify_is_pytests(project, elsewhere):
    """In a project of the test's own, from its folder and from one beside it: its claim holds or not, or is unknown."""
    other = project.folder / "elsewhere"
    other.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"}
    project(CHECK + 'claim.less("the seed", claim.base_seed, 100)\n', ENTRY, "--collect-only")
    for given, status, said in (
        (["--claims", "T1.1", "--seed", "7"], 0, "T1.1  ✓ verified"),
        (["--claims", "T1.1", "--seed", "101"], 1, "T1.1  ! failed"),
        (["--claims", "T9"], 4, "--claims must be groups (T1) and claims such as T1.1"),
    ):
        words = [sys.executable, "-m", "paper_checks", "verify", "-p", "no:cacheprovider", *given]
        done = subprocess.run(
            words, cwd=other if elsewhere else project.folder, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status and said in done.stdout + done.stderr, done.stdout + done.stderr
    assert project.record.exists()


def completed(monkeypatch, capsys, **variables):
    """What the program prints for a shell that completes."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_completion_is_produced_as_the_page_says(shell, monkeypatch, capsys):
    script = completed(monkeypatch, capsys, _PAPER_CHECKS_COMPLETE=f"{shell}_source")
    assert f"_PAPER_CHECKS_COMPLETE={shell}_complete" in script and "paper-checks" in script
    assert f"{shell}_source" in (ROOT / "docs" / "run.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("paper-checks ", list(COMMANDS)),
        ("paper-checks dr", ["draw"]),
        ("paper-checks draw memories t", ["top-space", "three-steps"]),
        ("paper-checks draw memories top-space --l", ["--largest-n"]),
        ("paper-checks draw memories three-steps --keys E", ["E1", "E1+E"]),
        ("paper-checks scope T4", ["T4.2", "T4.4", "T4.5"]),
    ],
)
def test_names_are_completed(line, names, monkeypatch, capsys):
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    said = completed(monkeypatch, capsys, _PAPER_CHECKS_COMPLETE="bash_complete", **variables)
    assert [entry.partition(",")[2] for entry in said.splitlines()] == names
