"""Symmetry classes of gradient entries, their names, and assembly of full matrices.

Relabelling the ordinary tokens other than the trigger leaves the task's law unchanged, so the entries of an
(N+1) × 2(N+1) gradient matrix fall into classes on which every moment is constant. A class is a pair of names as the
papers write them: a row "q" (trigger), "tau" (noise) or a letter for an ordinary token other than the trigger, and a
column "E(·)" (token embedding) or "P(·)" (previous-token embedding) of such a name. The same letter is the same token,
different letters are different tokens: ("k", "E(k)") is a copying entry, ("k", "E(j)") or ("k'", "E(k)") is not.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.arguments import Convert, checked
from theory.arrays import Table
from theory.byte_limit import require_bytes
from theory.scalars import wrong_kind
from theory.task import RealNumber, Task

EntryClass = tuple[str, str]

BLOCKS = ("E", "P")
_CELLS = [("q", "q"), ("q", "j"), ("q", "tau"), ("k", "q"), ("k", "k"), ("k", "j"), ("k", "tau")]
_CELLS += [("tau", "q"), ("tau", "j"), ("tau", "tau")]
ENTRY_CLASSES: tuple[EntryClass, ...] = tuple((row, f"{block}({a})") for block in BLOCKS for row, a in _CELLS)
"""The 20 classes, in the order in which class values are computed; canonical letters are k for rows, j for columns."""

_TOKEN = re.compile(r"q|tau|τ|[A-Za-pr-z]'?")
_COLUMN = re.compile(r"([EP])\((.+)\)")


@checked
def parse_entry_class(row: str, column: str) -> EntryClass:
    """The canonical class of names such as ("k'", "E(k)"); a ValueError names what cannot be read.

    Args:
        row: "q", "tau" (or "τ"), or a letter (with an optional prime) for another ordinary token.
        column: "E(x)" or "P(x)" with x such a name.
    """
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


@checked
def entry_labels(task: Task) -> NDArray[np.int8]:
    """Index into ENTRY_CLASSES of every entry: int8 array of shape (N+1, 2(N+1)), columns [E(0..N), P(0..N)].

    Raises:
        ValueError: N so large that they take more bytes than there are.
    """
    _require_room(task, 3)
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


def _require_room(task: Task, bytes_each: int) -> None:
    """ValueError unless the bytes for each pair of tokens can be had."""
    require_bytes(f"matrices of N = {task.N}", bytes_each * task.M**2, "take a smaller N, or the values of classes")


def _as_entry_type(name: str, value: Any) -> Any:
    kinds = (float, int, Fraction, np.floating, np.integer)
    if not isinstance(value, type) or value is bool or not (value is object or issubclass(value, kinds)):
        raise wrong_kind(name, "object, float or a real type of numpy", value)
    return object if value is Fraction else value


EntryType: TypeAlias = Annotated[type, Convert(_as_entry_type, "object, float or a real type of numpy")]


@checked
def assemble(task: Task, values: Mapping[EntryClass, RealNumber], dtype: EntryType) -> Table:
    """The full matrix, shape (N+1, 2(N+1)), from one value per class.

    Raises:
        TypeError, ValueError: a class without a value, or N too large.
    """
    missing = [entry for entry in ENTRY_CLASSES if entry not in values]
    if missing:
        raise ValueError(f"values must have all of ENTRY_CLASSES, got none for {missing[0]}")
    _require_room(task, 19)
    table: Table = np.empty(len(ENTRY_CLASSES), dtype=dtype)
    table[:] = [values[entry] for entry in ENTRY_CLASSES]
    matrix: Table = table[entry_labels(task)]
    return matrix
