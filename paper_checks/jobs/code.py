"""What a job's numbers depend on besides its arguments: the code that it may run, and where it runs."""

import hashlib
import importlib.util
import os
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .imports import Files, closure, modules
from .values import trusted

PACKAGES = ("numpy", "scipy", "sympy", "torch", "numba", "python-flint", "mpmath", "transformers", "tokenizers")
"""Whose versions may change a number."""
CHOOSING_FOR_TORCH = (
    "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"
)  # fmt: skip
CHOOSING = (
    *CHOOSING_FOR_TORCH, "NPY_DISABLE_CPU_FEATURES", "NUMBA_CPU_NAME", "NUMBA_DISABLE_JIT", "OPENBLAS_CORETYPE"
)  # fmt: skip
"""Environment variables by which libraries choose instructions of the processor."""
VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd")
"""Vector instructions as Linux names them, the widest first."""
DATA = ("csv", "json", "jsonl", "safetensors")
"""Suffixes of the data that a package has in its folder `data`."""
INSTALLED = ("site-packages", "dist-packages")
"""Folders in which others' packages lie too."""


@cache
def code_digest(module: str) -> str:
    """sha256 over the source that a module may run (`code_files`) and over the data of the packages that it is of; as
    it is when first asked.

    Raises:
        ValueError: a module that cannot be found.
    """
    digest, (root, _) = hashlib.sha256(), _place(module)
    files = [path.relative_to(root) for path in code_files(module)]
    for path in files:
        content = (root / path).read_bytes()
        digest.update(f"{path.as_posix()} {len(content)}\n".encode() + content)
    for top in sorted({path.parts[0] for path in files}):
        digest.update(_data_digest(root / top / "data").encode())
    return digest.hexdigest()


def code_files(module: str) -> list[Path]:
    """The files of a module and of all modules of its packages that it imports, one through the other
    (`imports.closure`), and of the packages that these lie in; sorted.

    Raises:
        ValueError: a module that cannot be found.
    """
    root, packages = _place(module)
    files = _modules(root, packages)
    if module not in files:
        raise ValueError(f"module {module} must be a file below {root}, it is not")
    names = closure(module, files)
    names |= {".".join(name.split(".")[:length]) for name in names for length in range(1, name.count(".") + 1)}
    return sorted(path for name in names & files.keys() for path in files[name])


def _place(module: str) -> tuple[Path, tuple[str, ...]]:
    """The folder in which a module's package lies, and the packages there whose code counts: all of them, but where
    others install theirs."""
    top = module.partition(".")[0]
    found = None if top == "__main__" else importlib.util.find_spec(top)
    if found is None or found.origin is None:
        raise ValueError(f"module {module} must be importable by its name, {top} is not")
    origin = Path(found.origin)
    root = origin.parent.parent if origin.stem == "__init__" else origin.parent
    beside = {path.parent.name for path in root.glob("*/__init__.py")} | {path.stem for path in root.glob("*.py")}
    return root, tuple(sorted({top} | (beside & trusted if root.name in INSTALLED else beside)))


@cache
def _modules(root: Path, packages: tuple[str, ...]) -> Files:
    return modules(root, packages)


@cache
def _data_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix[1:] in DATA and path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


@cache
def surroundings() -> str:
    """Python, the versions of the packages that compute, the system, the processor and what chooses among its
    instructions, in a line: another one may give other last digits."""
    known = [f"python {platform.python_version()}", platform.system(), *platform.libc_ver(), processor()]
    known += [f"{name}={os.environ[name]}" for name in CHOOSING if name in os.environ]
    for name in PACKAGES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(known)


def kind_of_processor() -> str:
    """Architecture, maker, the widest vector instructions, and what chooses among them for torch: the order in which it
    sums depends on these. As far as the system tells it."""
    told = dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in _cpuinfo() if ":" in line)
    flags = (told.get("flags") or told.get("Features") or "").split()
    widest = [name for name in VECTORS if name in flags][:1]
    chosen = [f"{name}={os.environ[name]}" for name in CHOOSING_FOR_TORCH if name in os.environ]
    return " ".join([platform.machine(), *told.get("vendor_id", "").split(), *widest, *chosen])


def _cpuinfo() -> list[str]:
    """What Linux says of the processor; nothing elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def processor() -> str:
    """The processor's name as far as the system tells it."""
    if not (lines := _cpuinfo()):
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags"))]
    return hashlib.sha256("\n".join(sorted(set(named))).encode()).hexdigest()[:16] + f" {platform.machine()}"
