"""What every command is made of: help as it is written, modules loaded when they are needed, ways to print and stop."""

import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import Console


class Stopped(click.ClickException):
    """A command that ends with one line on standard error, for what cannot be done."""

    exit_code = 2


class Interrupted(Stopped):
    """A command that Ctrl-C ends, with one line on standard error."""

    exit_code = 130


def refuse(reason: object) -> NoReturn:
    """End the command that runs, for options that cannot be used: its name and the reason, status 2."""
    raise click.UsageError(str(reason), click.get_current_context())


def table_console() -> "Console":
    """Prints tables as wide as the terminal, elsewhere as wide as the table of verdicts; words stay as they are."""
    from rich.console import Console

    from paper_checks.report.table import COLUMNS

    return Console(width=None if sys.stdout.isatty() else COLUMNS, markup=False, highlight=False)


class _AsWritten(click.Command):
    """Help whose lines are those of the docstring: examples and tables stay what they are."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write(f"{inspect.cleandoc(self.help or '')}\n")


class Command(_AsWritten):
    """A command; its function returns the exit status."""


class CommandGroup(_AsWritten, click.Group):
    """Commands by name. Ctrl-C in one of them, the loading of its module included, is the line `interrupted`, if that
    is given."""

    def __init__(self, *arguments: Any, interrupted: str | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.interrupted = interrupted

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were given."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if self.interrupted is None:
                raise
            raise Interrupted(self.interrupted) from None


class LazyCommand(click.Command):
    """A command by its name, one sentence and the module that is imported when it is run, whose `command` it is."""

    def __init__(self, name: str, sentence: str, module: str) -> None:
        super().__init__(name, short_help=sentence)
        self.module = module

    @property
    def loaded(self) -> click.Command:
        """The command itself."""
        found: click.Command = import_module(self.module).command
        return found

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        return self.loaded.make_context(info_name, args, parent, **extra)
