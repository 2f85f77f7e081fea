"""`pytest tests -m teeth`: its marker and options; without the marker's name these tests are not run."""

import re

import pytest

from .draw import SEED

KNOWN = 8


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("teeth", "mutants (pytest tests -m teeth)")
    group.addoption(
        "--teeth-known", type=int, default=KNOWN, metavar="N",
        help="so many of the mutants that a check is known to catch, each run on that check (default: %(default)s)",
    )  # fmt: skip
    group.addoption("--teeth-theory", type=int, default=0, metavar="N", help="draw so many mutants of theory")
    group.addoption("--teeth-simulate", type=int, default=0, metavar="N", help="draw so many mutants of simulate")
    group.addoption(
        "--teeth-seed", type=int, default=SEED, metavar="S", help="seed of these draws (default: %(default)s)"
    )


def add_marker(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "draw: mutants drawn anew, so many as --teeth-theory and --teeth-simulate say")
    config.addinivalue_line("markers", "teeth: mutants of the code are caught by checks; run with -m teeth alone")


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of mutants unless -m names them, and a draw unless it is said how many are drawn."""
    named = re.search(r"\bteeth\b", config.option.markexpr or "") is not None
    draws = config.getoption("--teeth-theory") + config.getoption("--teeth-simulate") > 0
    mutants = [
        item
        for item in items
        if item.get_closest_marker("teeth") and not (named and (draws or item.get_closest_marker("draw") is None))
    ]
    if mutants:
        config.hook.pytest_deselected(items=mutants)
        items[:] = [item for item in items if item not in mutants]
