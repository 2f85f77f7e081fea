"""Which tests execute the line that a mutant changes: as recorded (`recording`), the cheapest first."""

import ast
import difflib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .operators import Mutant

Costs = dict[str, float]
RECORDED = ("paper_checks/claims/**/test_*.py", "tests/theory/**/test_*.py", "tests/simulate/**/test_*.py")


class Executed:
    """What recordings have of the files below `root`. Lines of a file that was edited since are found by its text."""

    def __init__(self, root: Path, recordings: Iterable[Path]) -> None:
        self.root = root
        self.recorded = [json.loads(path.read_text(encoding="utf-8")) for path in recordings]

    @property
    def is_whole(self) -> bool:
        """Whether all checks of claims, and the tests of theory and simulate, were recorded."""
        files = {node.partition("::")[0] for recording in self.recorded for node, _ in recording["nodes"]}
        return all(_relative(self.root, path) in files for place in RECORDED for path in self.root.glob(place))

    def costs(self, mutant: Mutant) -> tuple[Costs, Costs]:
        """Claims' checks and other tests that execute it, each with its seconds, cheapest first."""
        found: Costs = {}
        for path, lines in self._places(mutant):
            for recording in self.recorded:
                known = recording["lines"].get(path, {})
                shift = self._shift(path, recording["sources"].get(path))
                for line in lines:
                    for number in known.get(str(shift(line)), ()):
                        node, seconds = recording["nodes"][number]
                        found[node] = seconds
        ordered = sorted(found.items(), key=lambda item: (item[1], item[0]))
        claims = {node: seconds for node, seconds in ordered if node.startswith("paper_checks/")}
        return claims, {node: seconds for node, seconds in ordered if node not in claims}

    def _places(self, mutant: Mutant) -> list[tuple[str, list[int]]]:
        """Lines that are executed if the mutant's is: itself; for a module's own, all of its functions, and for a
        package's own those of its modules too, which import it; for one that numba compiles, those that name the
        function."""
        compiled = compiled_functions(self.root, mutant.path)
        top = mutant.function.partition(".")[0]
        if top in compiled:
            return self._callers(top, {top})
        lines = list(range(mutant.lines[0], mutant.lines[1] + 1))
        if mutant.function and not _is_default(self.root, mutant):
            return [(mutant.path, lines)]
        if mutant.path.endswith("/__init__.py") and not mutant.function:
            modules = sorted((self.root / mutant.path).parent.glob("*.py"))
            return [(path, _inside(self.root, path, "")) for path in (_relative(self.root, file) for file in modules)]
        return [(mutant.path, _inside(self.root, mutant.path, top))]

    def _callers(self, name: str, seen: set[str]) -> list[tuple[str, list[int]]]:
        found = []
        for file in sorted(self.root.glob("simulate/**/*.py")):
            path = _relative(self.root, file)
            compiled, source = compiled_functions(self.root, path), file.read_text(encoding="utf-8")
            lines = [n for n, line in enumerate(source.splitlines(), 1) if re.search(rf"\b{name}\b", line)]
            for inner, (first, last) in compiled.items():
                if inner not in seen and any(first <= line <= last for line in lines):
                    found += self._callers(inner, seen | {inner})
                lines = [line for line in lines if not first <= line <= last]
            found.append((path, lines))
        return found

    def _shift(self, path: str, before: str | None):
        now = (self.root / path).read_text(encoding="utf-8")
        return (lambda line: line) if before is None or before == now else _matched(before, now)


def _relative(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


@cache
def _matched(before: str, now: str):
    """The number of a line before, by that now; of a line that is new, that of the last one that is not."""
    matcher = difflib.SequenceMatcher(None, now.splitlines(), before.splitlines(), autojunk=False)
    known = {block.a + n + 1: block.b + n + 1 for block in matcher.get_matching_blocks() for n in range(block.size)}

    def found(line: int) -> int:
        while line > 0 and line not in known:
            line -= 1
        return known.get(line, 0)

    return found


@cache
def compiled_functions(root: Path, path: str) -> dict[str, tuple[int, int]]:
    """First and last line of each function that numba compiles."""
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    return {
        node.name: (node.lineno, node.end_lineno or node.lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("njit" in ast.unparse(one) for one in node.decorator_list)
    }


@cache
def _functions(root: Path, path: str) -> list[tuple[str, int, int, int]]:
    """Name, first line, first line of the body and last line of functions and of methods of classes."""
    found = []
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            found.append((node.name, node.lineno, node.body[0].lineno, node.end_lineno or node.lineno))
    return found


def _is_default(root: Path, mutant: Mutant) -> bool:
    """Whether it stands in no function's body: in a class, or among the defaults of a function."""
    name = mutant.function.rpartition(".")[2]
    bodies = [one for one in _functions(root, mutant.path) if one[0] == name]
    return not any(first <= mutant.lines[0] <= last and mutant.lines[0] >= body for _, first, body, last in bodies)


def _inside(root: Path, path: str, function: str) -> list[int]:
    """The lines of all functions of a file, or of one."""
    bodies = _functions(root, path)
    named = [one for one in bodies if one[0] == function] or bodies
    return [line for _, _, body, last in named for line in range(body, last + 1)]
