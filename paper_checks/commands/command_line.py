"""Does theory agree with what happens? The claims of two papers on transformers, checked, drawn and reported.

    paper-checks verify --claims T1.4
    paper-checks scope T1.3 --N 8:512 --alpha 0.01:0.99 --out map.svg
    paper-checks draw training curves --out curves.svg

`paper-checks COMMAND --help` says what a command takes. `python -m paper_checks` is the same program.

Exit status of all commands: 0; 1 if what was checked does not hold; 2 for what cannot be done, with one line on
standard error that says why; 130 on Ctrl-C. That of verify is pytest's.
"""

import os
import sys
from collections.abc import Sequence

import click

from .groups import CommandGroup, Interrupted, LazyCommand, Stopped

PROGRAM = "paper-checks"
INTERRUPTED = "interrupted"
DISTRIBUTION = "distributional-associations-verified"
COMMANDS = {
    "verify": "Run the claims, or some of them; options are pytest's.",
    "ask": "Ask the theory about your own sizes or data: thresholds, margins, sample counts.",
    "scope": "Draw where a claim holds over your own range of sizes and noise levels.",
    "draw": "Draw phase diagrams, memories, trainings and language models.",
    "report": "Write a run as a page for people, with pictures.",
    "badges": "Write the badges of a run, or hold README's against it.",
    "fill": "Fill numbers and tables of a run into README and docs, or hold these against it.",
    "benchmarks": "Measure how fast everything is, and write docs/benchmarks.md.",
    "seeds": "Run claims at many base seeds, and say at which one is red.",
    "alarms": "Measure false alarms over many base seeds, and z against the normal law.",
    "rotation": "Run one part of the claims at a base seed that is drawn from the commit.",
    "cache": "Say which results earlier runs have kept, or remove them.",
    "sweep": "Truncate the matrices of a language model, and say what it answers to your prompts.",
    "weights": "Get the weights of SmolLM2, for the claims about a pretrained model.",
    "train-pocket": "Train pocket Pythia, the language models of P1 to P5.",
    "gsm8k": "Ask a language model word problems, whole and truncated, for P6.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that is named first; returns its exit status. What cannot be done is one line."""
    status = _status(arguments)
    try:
        sys.stdout.flush()  # the disk behind it may be full: here it is one line, at Python's end a traceback
    except OSError as error:
        return _unwritten(error)
    return status


def _status(arguments: Sequence[str] | None) -> int:
    try:
        status: int | None = COMMAND_LINE.main(arguments, PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        print(_said(error), file=sys.stderr)
        return error.exit_code
    except click.Abort:  # Ctrl-C before there is a command
        print(INTERRUPTED, file=sys.stderr)
        return Interrupted.exit_code
    except OSError as error:
        return _unwritten(error)
    return status or 0


def _unwritten(error: OSError) -> int:
    """Say what cannot be read or written; what is left to print to a standard output that is full is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    what = error.filename or "the output cannot be written"  # of what is open, the name is not known
    print(f"{PROGRAM}: error: {what}: {error.strerror or error}", file=sys.stderr)
    return Stopped.exit_code


def _said(error: click.ClickException) -> str:
    """The line of an error: of options and names, with the command and with what it accepts."""
    message = error.format_message()
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return message
    command, accepted = error.ctx.command, ""
    if isinstance(error, click.NoSuchOption):
        options = [parameter.opts[-1] for parameter in command.get_params(error.ctx) if parameter.opts[-1][:1] == "-"]
        accepted = f" Accepted: {' '.join(options)}"
    elif isinstance(error, click.NoSuchCommand) and isinstance(command, click.Group):
        accepted = f" Accepted: {', '.join(command.list_commands(error.ctx))}"
    return f"{error.ctx.command_path}: error: {message}{accepted}"


def _print_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"{PROGRAM} {version(DISTRIBUTION)}")
    except PackageNotFoundError:
        click.echo(f"{PROGRAM}, not installed: from a checkout")
    ctx.exit()


COMMAND_LINE = CommandGroup(
    PROGRAM,
    [LazyCommand(name, said, f"{__package__}.{name.replace('-', '_')}") for name, said in COMMANDS.items()],
    help=__doc__,
    interrupted=INTERRUPTED,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        )
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120, "show_default": True},
)
