"""What the site has beyond the pages: API pages made of the packages' faces, formulas as MathML, badges, and links to
files of the checkout that are no pages.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from paper_checks.report.mathematics.formula import formula

ROOT = Path(__file__).parents[1]
BADGES = ROOT / "paper_checks" / "badges"
_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|#|mailto:)([^)\s]+)\)")
_MATHS = re.compile(r"^```math\n(.*?)\n```$", re.M | re.S)


def on_files(files: Any, config: Any) -> Any:
    """Pages of the API and pictures of badges are added."""
    all_faces = [face for faces in config.extra["faces"].values() for face in faces]
    for faces in config.extra["faces"].values():
        for face in faces:
            others = [one for one in all_faces if one != face and one.startswith(face)]
            files.append(File.generated(config, f"api/{face}.md", content=face_page(face, others)))
    files.append(File.generated(config, "readme.md", content=readme()))
    for badge in sorted(BADGES.glob("*.svg")):
        files.append(File.generated(config, f"badges/{badge.name}", abs_src_path=str(badge)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Formulas as MathML; links out of docs/ as links to the repository, or as their text where none is known."""
    markdown = _MATHS.sub(lambda match: f'<div class="formula">{"<br>".join(formula(match[1]))}</div>', markdown)
    folder = (Path(config.docs_dir) / page.file.src_uri).parent
    return _LINK.sub(lambda match: _linked(match, folder, page.file.src_uri, config), markdown)


def _linked(match: re.Match[str], folder: Path, page: str, config: Any) -> str:
    label, (target, _, place) = match[1], match[2].partition("#")
    there = (folder / target).resolve()
    if there.is_relative_to(Path(config.docs_dir).resolve()) or not there.exists():
        return match[0]
    if there.parent == BADGES:
        return f"{label}({'../' * page.count('/')}badges/{there.name})"
    if there == ROOT / "README.md":
        return f"{label}({'../' * page.count('/')}readme.md{'#' + place if place else ''})"
    if config.repo_url:
        return (
            f"{label}({config.repo_url}/blob/HEAD/{there.relative_to(ROOT).as_posix()}{'#' + place if place else ''})"
        )
    return label[1:-1]


def readme() -> str:
    """README, as it would stand in docs/."""

    def moved(match: re.Match[str]) -> str:
        target = match[2]
        return f"{match[1]}({target.removeprefix('docs/') if target.startswith('docs/') else '../' + target})"

    return _LINK.sub(moved, (ROOT / "README.md").read_text(encoding="utf-8"))


def face_page(face: str, others: Sequence[str] = ()) -> str:
    """A page of the names that a package or module offers, each documented where it is defined, and once: what the
    pages of `others` have is left to them."""
    names = [name for name in offered(face) if not any(name.startswith(f"{other}.") for other in others)]
    links = [f"[`{other}`]({other}.md)" for other in others]
    parts = [f"# `{face}`", ast.get_docstring(_tree(face, stub=False)) or "", *(f"::: {name}" for name in names)]
    parts[2:2] = [f"Also offered here: names of {', '.join(links)}."] if links else []
    return "\n\n".join(parts) + "\n"


def offered(face: str) -> Iterator[str]:
    """Dotted names of the classes and functions of a face, as they are defined; chapters have pages of their own."""
    tree = _tree(face)
    is_package = (_file(face) or ROOT).stem == "__init__"
    imported = dict(_imported(face, tree)) if is_package else {}
    names = _listed(tree) or [*imported, *_defined(tree)]
    for name in names:
        where = imported.get(name, f"{face}.{name}")
        while (module := where.rpartition(".")[0]) != face and name in (
            inner := dict(_imported(module, _tree(module)))
        ):
            where = inner[name]
        if _file(where) is None:
            yield where


def _imported(face: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    package = face if (_file(face) or ROOT).stem == "__init__" else face.rpartition(".")[0]
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").partition(".")[0] == face.partition(".")[0]
        ):
            base = [package] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in node.names)


def _listed(tree: ast.Module) -> list[str]:
    """What `__all__` lists, if it is written out."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def _file(module: str) -> Path | None:
    """The file of a module, if it is one."""
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.exists()), None)


def _tree(module: str, stub: bool = True) -> ast.Module:
    path = _file(module)
    if path is None:
        raise ValueError(f"extra.faces must be modules, got {module}")
    typed = path.with_suffix(".pyi")
    return ast.parse((typed if stub and typed.exists() else path).read_text(encoding="utf-8"))
