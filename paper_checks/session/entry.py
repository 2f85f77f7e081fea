"""What pytest loads wherever this package is installed (entry point `paper-checks`): a look whether claims are asked
for, and nothing else.

They are asked for by `--ledger FILE`, if the file is a ledger or is not there, or by `-m` with the word claims where a
ledger is found (`found`). Then the options, fixtures and hooks of `plugin` are loaded, and the plugins that the ledger
names. Without, a run of pytest is what it would be without this package: no option, marker or fixture is added.
`-p no:paper-checks` keeps it out.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from .found import LEDGER_FILE, find_ledger, is_ledger, named_plugins

PLUGIN = "paper_checks.session.plugin"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Load what a run of claims needs, before conftest files are read and options are final."""
    known = early_config.known_args_namespace
    path = None if hasattr(known, "ledger") else _named(args)  # another plugin may have such an option
    start = early_config.invocation_params.dir
    if path is not None and (start / path).exists() and not is_ledger(start / path):
        return  # an option of theirs, for a file of another kind
    if path is None and re.search(r"\bclaims\b", known.markexpr or ""):
        places = known.file_or_dir or [str(start)]
        path = find_ledger(places, start, known.pyargs)
    if path is None:
        return
    early_config.stash[LEDGER_FILE] = path
    for name in (PLUGIN, *named_plugins(path)):
        early_config.pluginmanager.import_plugin(name)


def _named(arguments: Sequence[str]) -> Path | None:
    """The file that --ledger names; argparse says what is wrong with it once the option is there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--ledger", type=Path, nargs="?")
    found: Path | None = parser.parse_known_args(list(arguments))[0].ledger
    return found
