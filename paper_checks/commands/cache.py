"""Say which results earlier runs have kept, or remove them.

    paper-checks cache
    paper-checks cache --empty

What is expensive in a run is kept by the hash of its content: code, arguments and seed, versions, processor. A later
run reuses a result that would be the same, and says so; `--fresh` has it make all anew. Results are in the user's
cache, or in the folder PAPER_CHECKS_CACHE; they take 2 GiB at most, or PAPER_CHECKS_CACHE_SIZE, such as 500M: those
that were used longest ago are removed first. Files that are no results stay where they are.

Exit status: 0; 2 if the folder cannot be read, or a result cannot be removed.
"""

from typing import TYPE_CHECKING

import click

from .groups import Command, Stopped, refuse, table_console

if TYPE_CHECKING:
    from paper_checks.jobs.store import Summary


@click.command("cache", cls=Command, help=__doc__)
@click.option("--empty", is_flag=True, help="remove all results")
def command(empty: bool) -> int:
    from paper_checks.jobs.store import default_store, shown

    try:
        store = default_store()
    except ValueError as error:
        refuse(error)
    try:
        found = store.empty() if empty else store.summary()
    except OSError as error:
        raise Stopped(f"{error.filename or store.folder}: {error.strerror or error}") from error
    if found.kinds:
        _print_table(found)
    if empty:
        print(f"Removed from {store.folder}: {_counted(found)}.")
        return 0
    print(f"Kept in {store.folder}: {_counted(found)}; the limit is {shown(store.limit)}.")
    if found.oldest is not None:
        print(f"The oldest was made at {found.oldest}, the newest at {found.newest}.")
    return 0


def _counted(found: "Summary") -> str:
    from paper_checks.jobs.store import shown

    if not found.results:
        return "no results"
    return f"{found.results} result{'s' * (found.results > 1)}, {shown(found.bytes)}"


def _print_table(found: "Summary") -> None:
    from rich.table import Table

    from paper_checks.jobs.store import shown

    table = Table("kind of job")
    for name in ("results", "size"):
        table.add_column(name, justify="right")
    for kind, (count, size) in sorted(found.kinds.items()):
        table.add_row(kind, str(count), shown(size))
    table_console().print(table)
