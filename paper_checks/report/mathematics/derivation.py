"""Derivations of a claim: the docstrings of the functions that state it, as paragraphs and typeset equations.

In a docstring equations are indented lines between empty ones, or lines with a number at the right:

    G_F[τ,E(q)] = α - 1/M                                                                                          (7)

What a docstring says of arguments, of what is returned and of errors is no derivation and is left out.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from markupsafe import Markup

from paper_checks.evidence.ledger import Proof
from paper_checks.evidence.ledger.references import stating

from .equations import equation

_INDENT = "    "
_NUMBERED = re.compile(r"^(.*?)(?:\s{2,}\((\d+)\))?$")
_SECTION = re.compile(r"^(?:Args|Attributes|Returns|Raises|Yields|Examples?):")
_CODE = re.compile(r"^\s*(?:>>>|from \w|import \w)")


class Equation(NamedTuple):
    """A line of mathematics: as it is written, as MathML (None: it could not be typeset), its number, and what proves
    it."""

    text: str
    drawn: Markup | None
    number: int | None
    proofs: tuple[Proof, ...] = ()

    @property
    def mark(self) -> str:
        """By what it is proved, in words; empty if it is not."""
        return " and ".join(dict.fromkeys(proof.by for proof in self.proofs))

    @property
    def tests(self) -> str:
        """The tests that prove it."""
        return ", ".join(dict.fromkeys(proof.test for proof in self.proofs))


class Block(NamedTuple):
    """A paragraph, or equations, or code; the two others are empty."""

    text: str = ""
    equations: tuple[Equation, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Derivation:
    """What the docstring of a function, class or module derives: its dotted name, file and line from the project's
    root, blocks."""

    name: str
    path: str
    line: int
    blocks: tuple[Block, ...]


def derivations(names: Sequence[str], proofs: Sequence[Proof], root: Path) -> list[Derivation]:
    """Those of functions by their dotted names, modules first; equations that `proofs` proves have them.

    A number is one of its chapter, the package in which the function lies: claims name one chapter each, or their
    proofs are of the first.

    Raises:
        LookupError: a name is not there.
    """
    found = [(name, stating(name)) for name in names]
    chapter = _chapter(found[0][1]) if found else ""
    ordered = sorted(found, key=lambda pair: not isinstance(pair[1], ModuleType))
    return [
        Derivation(name, *_place(thing, root), tuple(blocks(inspect.getdoc(thing) or "", known)))
        for name, thing in ordered
        for known in (_proved(proofs) if _chapter(thing) == chapter else {},)
    ]


def _proved(proofs: Sequence[Proof]) -> dict[int, tuple[Proof, ...]]:
    found: dict[int, tuple[Proof, ...]] = {}
    for proof in proofs:
        for number in proof.equations:
            found[number] = (*found.get(number, ()), proof)
    return found


def _module(thing: object) -> str:
    thing = thing.fget if isinstance(thing, property) else thing
    return thing.__name__ if isinstance(thing, ModuleType) else str(getattr(thing, "__module__", ""))


def _chapter(thing: object) -> str:
    """The package of a function; a package is its own."""
    return _module(thing) if hasattr(thing, "__path__") else _module(thing).rpartition(".")[0]


def _place(thing: object, root: Path) -> tuple[str, int]:
    """File and first line, from the root of the project; empty and 0 where there is no source."""
    thing = thing.fget if isinstance(thing, property) else inspect.unwrap(thing)  # type: ignore[arg-type]
    try:
        file = Path(inspect.getsourcefile(thing) or "").resolve()  # type: ignore[arg-type]
        line = 1 if isinstance(thing, ModuleType) else inspect.getsourcelines(thing)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return "", 0
    return (file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name), line


def blocks(text: str, proved: dict[int, tuple[Proof, ...]]) -> Iterator[Block]:
    """Paragraphs, equations and code of a docstring, up to what it says of arguments."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        lines = part.splitlines()
        if lines and _SECTION.match(lines[0]):
            continue
        if all(line.startswith(_INDENT) or _has_number(line) for line in lines):
            if any(_CODE.match(line) for line in lines):
                yield Block(code=inspect.cleandoc(part))
            else:
                yield Block(equations=tuple(_equation(line, proved) for line in lines))
        elif lines:
            yield Block(" ".join(line.strip() for line in lines))


def _has_number(line: str) -> bool:
    match = _NUMBERED.match(line)
    return match is not None and match[2] is not None


def _equation(line: str, proved: dict[int, tuple[Proof, ...]]) -> Equation:
    match = _NUMBERED.match(line.strip())
    written, number = (match[1], match[2]) if match else (line.strip(), None)
    try:
        drawn = Markup(equation(written))
    except ValueError:
        drawn = None
    known = None if number is None else int(number)
    return Equation(written, drawn, known, () if known is None else proved.get(known, ()))
