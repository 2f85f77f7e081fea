"""What runs the tests of one mutant: a fork of a process that has others' packages loaded and none of ours."""

import faulthandler
import importlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest

LOADED = ("numpy", "scipy.special", "scipy.integrate", "sympy", "torch", "numba", "flint", "hypothesis.strategies",
          "pydantic", "rich.table", "safetensors.torch")  # fmt: skip
"""What is imported once, before the forks."""
SLACK, SLOWER, WALL, MEMORY = 4.0, 10.0, 900, 8 << 30
"""A test of a mutant may take SLOWER times its own time and SLACK seconds of the processor; a mutant WALL seconds."""
USAGE, BROKEN = 4, 70
NO_IMPORT = "ERROR: found no collectors for"
"""What pytest says of tests in a file that cannot be imported."""
OURS = ("theory", "simulate", "paper_checks", "tests")
ALREADY = "ignore:Module already imported so cannot be rewritten"


def load() -> None:
    """Import others' packages, once."""
    for name in LOADED:
        importlib.import_module(name)


def no_runner():
    """Checks are run in the order in which they are given, and jobs done here."""
    from paper_checks.session.work import Work

    Work.pytest_runtestloop = pytest.hookimpl(tryfirst=True)(lambda self, session: None)


class First:
    """Runs the tests in a given order, cheapest first; notes which one is run, so that the first to fail is known."""

    def __init__(self, costs: dict[str, float], notes: Path) -> None:
        self.costs, self.notes = costs, notes

    def pytest_configure(self) -> None:
        no_runner()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.costs.get(item.nodeid, 0.0))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.notes.write_text(nodeid, encoding="utf-8")
        signal.setitimer(signal.ITIMER_PROF, SLACK + SLOWER * self.costs.get(nodeid, 1.0))

    def pytest_runtest_logfinish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def outcome(tree: Path, costs: dict[str, float], claims: bool, numba: Path) -> dict[str, object]:
    """Run these tests in a fork, the first failure ends it: whether one failed, which, how, and seconds it took."""
    with tempfile.TemporaryDirectory(prefix="teeth-") as place:
        notes, log = Path(place) / "notes", Path(place) / "log"
        child = os.fork()
        if child == 0:
            _run(tree, costs, claims, numba, Path(place), notes, log)  # does not return
        status, seconds = _waited(child)
        node = notes.read_text(encoding="utf-8") if notes.exists() else next(iter(costs))  # none was begun
        said = log.read_text(encoding="utf-8", errors="replace")[-30000:] if log.exists() else ""
    how = _how(status)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
        raise RuntimeError(f"tests could not be begun: {said}")
    if how == "usage" and NO_IMPORT in said:
        how = "import"
    if how == "usage" and not (gone := _gone(tree, said)):
        raise RuntimeError(f"tests could not be begun: {said}")
    if how == "usage":  # recorded before they were edited
        left = {node: seconds for node, seconds in costs.items() if node not in gone}
        return (
            outcome(tree, left, claims, numba) if left else {"caught": False, "seconds": seconds, "gone": sorted(gone)}
        )
    return {"caught": how != "passed", "how": how, "node": node, "seconds": round(seconds, 2), "said": said[-1200:]}


def _gone(tree: Path, said: str) -> set[str]:
    """Tests of which pytest says that there are none."""
    return set(re.findall(rf"^ERROR: not found: {re.escape(str(tree))}/(.+)$", said, re.MULTILINE))


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "time" if os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGKILL) else "crash"
    code = os.WEXITSTATUS(status)
    return {0: "passed", 1: "failed", 2: "import", USAGE: "usage", 5: "import"}.get(code, "crash")


def _waited(child: int) -> tuple[int, float]:
    started = time.monotonic()
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            return status, used.ru_utime + used.ru_stime
        if time.monotonic() - started > WALL:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.02)


def _run(tree: Path, costs: dict[str, float], claims: bool, numba: Path, place: Path, notes: Path, log: Path) -> None:
    code = BROKEN
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        _surroundings(tree, numba, place)
        stream = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        arguments = [
            *costs,
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            ALREADY,
            "--hypothesis-seed=0",
            "--basetemp",
            f"{place}/base",
        ]
        if claims:
            arguments += ["-m", "claims", "--evidence", f"{place}/evidence.json"]
        code = int(pytest.main(arguments, plugins=[First(costs, notes)]))
        faulthandler.disable()
        sys.stdout.flush()
    except BaseException:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        code = BROKEN
    finally:
        os._exit(code)


def _surroundings(tree: Path, numba: Path, place: Path) -> None:
    """All that is ours comes from the copy; nothing that an earlier run kept is used."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    root = Path(__file__).parents[2]
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry and Path(entry).resolve() != root)]
    sys.pycache_prefix = str(numba.parent / "compiled")
    os.chdir(tree)
    os.environ |= {
        "PYTHONPATH": str(tree), "PAPER_CHECKS_CACHE": f"{place}/cache", "NUMBA_CACHE_DIR": str(numba),
        "PYTHONPYCACHEPREFIX": sys.pycache_prefix, "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    import numba as package

    package.config.CACHE_DIR = str(numba)
    import torch

    torch.set_num_threads(1)
    importlib.invalidate_caches()


def keep(path: Path, content: dict[str, object], **layout: int) -> None:
    """Write a result whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, ensure_ascii=False, **layout) + "\n", encoding="utf-8")
    os.replace(temporary, path)
