"""Mutants of a source file: one number, operator, comparison, term, argument or bound is another.

Not changed: docstrings and text, annotations, decorators, assertions, __all__; checks of arguments (`as_*`,
`require_*`, conditions of which all that follows is a raise) and what is computed for these alone. A mutant is known by
its file, its function, the statement before and after, and which of equal ones it is: not by its line, so that it stays
the same where others edit.
"""

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
FLIPPED = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
SYMMETRIC = ("max", "min", "maximum", "minimum", "gcd", "lcm", "isinstance", "isclose", "add", "multiply", "logaddexp")
"""Functions whose arguments can be exchanged, or whose exchange is no formula's."""
CHECKS = ("as_", "_as_", "require_", "check_", "_check", "_require")
"""What functions begin with that check arguments."""


@dataclass(frozen=True)
class Mutant:
    """One change: `source` from `start` to `end` (offsets in the text) becomes `after`."""

    path: str
    function: str
    operator: str
    statement: str
    changed: str
    number: int
    start: int
    end: int
    after: str
    lines: tuple[int, int]

    @property
    def key(self) -> str:
        """File, function and operator in words, and a digest of the statement before and after."""
        parts = (self.path, self.function, self.operator, self.statement, self.changed, str(self.number))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]
        return f"{self.path}:{self.function}:{self.operator}:{digest}"

    def applied(self, source: str) -> str:
        """The text of the file with the change; as many lines as before."""
        before = source[self.start : self.end]
        lost = before.count("\n") - self.after.count("\n")
        after = self.after if lost == 0 else f"({self.after}{chr(10) * lost})"
        return source[: self.start] + after + source[self.end :]


def mutants(root: Path, path: str) -> list[Mutant]:
    """All mutants of a file, in its order."""
    source = (root / path).read_text(encoding="utf-8")
    return list(_Finder(path, source).found())


class _Finder:
    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.lines = source.splitlines()
        self.seen: Counter[tuple[str, ...]] = Counter()
        self.header: tuple[ast.stmt | None, str] = (None, "")

    def found(self) -> Iterator[Mutant]:
        tree = ast.parse(self.source)
        self.checked = _only_checked(tree)
        yield from self._block(tree.body, "")

    def _block(self, body: list[ast.stmt], place: str) -> Iterator[Mutant]:
        for node in body:
            yield from self._statement(node, place)

    def _statement(self, node: ast.stmt, place: str) -> Iterator[Mutant]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if not node.name.startswith(CHECKS):
                inner = f"{place}.{node.name}".lstrip(".")
                self.checked |= _only_checked(node)
                defaults = [] if isinstance(node, ast.ClassDef) else [*node.args.defaults, *node.args.kw_defaults]
                yield from self._expressions(node, [one for one in defaults if one], inner)
                yield from self._block(node.body, inner)
            return
        if isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.Global) or _is_check(node):
            return
        if isinstance(node, ast.Assign | ast.AnnAssign) and _targets(node) <= self.checked:
            return
        yield from self._expressions(node, list(_own_expressions(node)), place)
        for name in ("body", "orelse", "finalbody"):
            yield from self._block(getattr(node, name, []), place)

    def _expressions(self, statement: ast.stmt, roots: list[ast.expr], place: str) -> Iterator[Mutant]:
        for root in roots:
            for node in _walk(root):
                for operator, changed in _changes(node):
                    yield self._mutant(statement, node, operator, changed, place)

    def _mutant(self, statement: ast.stmt, node: ast.expr, operator: str, changed: ast.expr, place: str) -> Mutant:
        start, end = self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)
        after = ast.unparse(changed)
        after = after if isinstance(changed, ast.Constant) else f"({after})"
        header = statement.end_lineno if not getattr(statement, "body", None) else node.end_lineno
        if self.header[0] is not statement:
            self.header = statement, ast.unparse(_header(statement))
        before = self.header[1]
        whole = f"{ast.unparse(node)} -> {ast.unparse(changed)}"
        same = (place, operator, before, whole)
        self.seen[same] += 1
        lines = (statement.lineno, max(header or 0, node.end_lineno or 0))
        return Mutant(self.path, place, operator, before, whole, self.seen[same], start, end, after, lines)

    def _offset(self, line: int | None, column: int | None) -> int:
        text = self.lines[(line or 1) - 1].encode()[: column or 0].decode()
        return self.starts[(line or 1) - 1] + len(text)


def _header(statement: ast.stmt) -> ast.stmt:
    """A statement without the blocks in it, and without where it stands."""
    short = copy.copy(statement)
    for name in ("body", "orelse", "finalbody", "handlers"):
        if getattr(short, name, None) and isinstance(getattr(short, name), list):
            setattr(short, name, [ast.Pass()] if name == "body" else [])
    if isinstance(short, ast.FunctionDef | ast.ClassDef):
        short.decorator_list = []
    return short


def _own_expressions(node: ast.stmt) -> Iterator[ast.expr]:
    """Those of a statement that are no text, annotation or part of a block."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "body", "orelse", "finalbody", "handlers", "decorator_list", "type_comment"):
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.withitem):
                    one = one.context_expr
                if isinstance(one, ast.expr):
                    yield one


def _walk(root: ast.expr) -> Iterator[ast.expr]:
    """Expressions below a root, those in text and in calls of checks left out."""
    if isinstance(root, ast.JoinedStr) or (isinstance(root, ast.Call) and _name(root.func).startswith(CHECKS)):
        return
    yield root
    for child in ast.iter_child_nodes(root):
        if isinstance(child, ast.expr):
            yield from _walk(child)
        elif isinstance(child, ast.comprehension | ast.keyword | ast.arguments):
            for inner in ast.iter_child_nodes(child):
                if isinstance(inner, ast.expr):
                    yield from _walk(inner)


def _is_check(node: ast.stmt) -> bool:
    """A condition after which there is a raise alone, or a call of checks by itself."""
    if isinstance(node, ast.If) and (isinstance(node.body[-1], ast.Raise) or all(map(_is_call_of_check, node.body))):
        return True
    if isinstance(node, ast.FunctionDef):
        return node.name.startswith(CHECKS)
    return ast.unparse(node) == "if TYPE_CHECKING" or (isinstance(node, ast.If) and "TYPE_CHECKING" in _name(node.test))


def _is_call_of_check(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _name(node.value.func).startswith(CHECKS)


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _only_checked(scope: ast.AST) -> set[str]:
    """Names that nothing but checks of arguments reads, such as an estimate of memory."""
    checks = [
        node
        for node in ast.walk(scope)
        if (isinstance(node, ast.Call) and _name(node.func).startswith(CHECKS))
        or (isinstance(node, ast.stmt) and (isinstance(node, ast.Raise) or _is_check(node)))
    ]
    inside = [name for check in checks for name in _loads(check)]
    return {name.id for name in inside} - {name.id for name in _loads(scope) if name not in inside}


def _loads(scope: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]


def _name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def _changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Constant):
        yield from _of_number(node)
    elif isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for kind in FLIPPED.get(type(node.ops[0]), ()):
            yield "comparison", ast.Compare(node.left, [kind()], node.comparators)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield from _of_slice(node)


def _of_number(node: ast.Constant) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return
    changed = (node.value + 1, node.value - 1) if isinstance(node.value, int) else (
        node.value * 1.05, node.value * 0.95)  # fmt: skip
    for value in changed if node.value != 0 else (1,):
        yield "constant", ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _of_operation(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    if _is_text(node.left) or _is_text(node.right):
        return
    if type(node.op) in SWAPPED:
        yield "operator", ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right)
    if isinstance(node.op, ast.Add | ast.Sub):
        yield "term", node.left
        yield "term", node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _of_call(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    name = _name(node.func)
    if name == "range":
        for shift in (1, -1):
            last = len(node.args) - 1 if len(node.args) < 3 else 1
            yield "bound", ast.Call(node.func, _shifted(node.args, last, shift), node.keywords)
    elif len(node.args) >= 2 and name not in SYMMETRIC:
        for one in range(len(node.args) - 1):
            pair = node.args[one : one + 2]
            if any(isinstance(argument, ast.Starred) for argument in pair) or ast.dump(pair[0]) == ast.dump(pair[1]):
                continue
            changed = [*node.args[:one], pair[1], pair[0], *node.args[one + 2 :]]
            yield "arguments", ast.Call(node.func, changed, node.keywords)


def _shifted(values: list[ast.expr], place: int, shift: int) -> list[ast.expr]:
    changed = list(values)
    changed[place] = ast.BinOp(values[place], ast.Add() if shift > 0 else ast.Sub(), ast.Constant(1))
    return changed


def _of_slice(node: ast.Subscript) -> Iterator[tuple[str, ast.expr]]:
    found = node.slice
    assert isinstance(found, ast.Slice)
    for name in ("lower", "upper"):
        bound = getattr(found, name)
        if bound is not None:
            for shift in (1, -1):
                changed = copy.copy(found)
                setattr(changed, name, _shifted([bound], 0, shift)[0])
                yield "bound", ast.Subscript(node.value, changed, ast.Load())
