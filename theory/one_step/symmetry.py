"""Symmetry classes of gradient entries, their names, and assembly of full matrices.

Relabelling the ordinary tokens other than the trigger leaves the task's law unchanged, so the entries of an
(N+1) × 2(N+1) gradient matrix fall into classes on which every moment is constant. A class is a pair of names as the
papers write them: a row "q" (trigger), "tau" (noise) or a letter for an ordinary token other than the trigger, and a
column "E(·)" (token embedding) or "P(·)" (previous-token embedding) of such a name. The same letter is the same token,
different letters are different tokens: ("k", "E(k)") is a copying entry, ("k", "E(j)") or ("k'", "E(k)") is not.
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Table
from theory.task import RealNumber, Task

EntryClass = tuple[str, str]

BLOCKS = ("E", "P")
_CELLS = [("q", "q"), ("q", "j"), ("q", "tau"), ("k", "q"), ("k", "k"), ("k", "j"), ("k", "tau")]
_CELLS += [("tau", "q"), ("tau", "j"), ("tau", "tau")]
ENTRY_CLASSES: tuple[EntryClass, ...] = tuple((row, f"{block}({a})") for block in BLOCKS for row, a in _CELLS)
"""The 20 classes, in the order in which class values are computed; canonical letters are k for rows, j for columns."""

_TOKEN = re.compile(r"q|tau|τ|[A-Za-pr-z]'?")
_COLUMN = re.compile(r"([EP])\((.+)\)")


def parse_entry_class(row: str, column: str) -> EntryClass:
    """The canonical class of names such as ("k'", "E(k)"); a ValueError names what cannot be read.

    Args:
        row: "q", "tau" (or "τ"), or a letter (with an optional prime) for another ordinary token.
        column: "E(x)" or "P(x)" with x such a name.
    """
    for name, value in (("row", row), ("column", column)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string such as 'k' or 'E(k)', got {value!r} ({type(value).__name__})")
    match = _COLUMN.fullmatch(column)
    if _TOKEN.fullmatch(row) is None:
        raise ValueError(f"row must be 'q', 'tau' or a letter for another ordinary token, got {row!r}")
    if match is None or _TOKEN.fullmatch(match[2]) is None:
        raise ValueError(f"column must be 'E(x)' or 'P(x)' with x one of 'q', 'tau' or a letter, got {column!r}")
    block, token = match[1], match[2].replace("τ", "tau")
    row_token = row.replace("τ", "tau")
    if token not in ("q", "tau"):
        token = "k" if token == row_token else "j"
    return (row_token if row_token in ("q", "tau") else "k"), f"{block}({token})"


def entry_labels(task: Task) -> NDArray[np.int8]:
    """Index into ENTRY_CLASSES of every entry: int8 array of shape (N+1, 2(N+1)), columns [E(0..N), P(0..N)]."""
    q, tau = task.q, task.tau
    block = np.empty((task.M, task.M), dtype=np.int8)
    index = {cell: i for i, cell in enumerate(_CELLS)}
    block[:, :] = index["k", "j"]
    np.fill_diagonal(block, index["k", "k"])
    block[q, :] = index["q", "j"]
    block[tau, :] = index["tau", "j"]
    every_row: slice = slice(None)  # rows q and τ are set after it
    for row, row_name in ((every_row, "k"), (q, "q"), (tau, "tau")):
        for column, column_name in ((q, "q"), (tau, "tau")):
            block[row, column] = index[row_name, column_name]
    return np.concatenate([block, block + len(_CELLS)], axis=1)


def assemble(task: Task, values: Mapping[EntryClass, RealNumber], dtype: type) -> Table:
    """The full matrix, shape (N+1, 2(N+1)), from one value per class."""
    table: Table = np.empty(len(ENTRY_CLASSES), dtype=dtype)
    table[:] = [values[entry] for entry in ENTRY_CLASSES]
    matrix: Table = table[entry_labels(task)]
    return matrix
