"""Names of claims and groups, which are names of files too."""

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def check_name(where: str, name: Any) -> None:
    """ValueError unless `name` can be the id of a claim or the name of a group, and so of a file."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{where} must be up to 40 letters, digits, '.', '_' and '-', got {name!r:.60}")


def check_groups(where: str, ids: Iterable[str], groups: Iterable[str]) -> None:
    """ValueError if a claim's id is the name of a group: badges of both would be one file."""
    both = sorted(set(ids) & set(groups))
    if both:
        raise ValueError(f"{where}: a claim's id must not be the name of a group, got {', '.join(both)}")


def circle_of(depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """Claims each of which bears the next, the first of them once more at the end; empty if none rests on itself."""
    try:
        TopologicalSorter(depends_on).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def symbol_of(symbol: str, group: str) -> str:
    """The name of a symbol that stands for something of its own in a group."""
    return f"{symbol} in {group}"


def meanings(symbols: Mapping[str, str], group: str) -> dict[str, str]:
    """What symbols stand for in the claims of a group, by symbol."""
    end = symbol_of("", group)
    own = {name.removesuffix(end): meaning for name, meaning in symbols.items() if name.endswith(end)}
    return {name: meaning for name, meaning in symbols.items() if " in " not in name} | own
