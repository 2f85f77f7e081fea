"""A pytest plugin: which lines of theory and simulate each test executes, and what of the processor it takes.

What a test gets from what was made before it counts as executed by it too: results of jobs (`paper_checks.jobs`) and
fixtures of wider scope; caches of functions are emptied before each test. Jobs are done in this process, when they are
asked for.
"""

import functools
import gc
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import coverage
import pytest

from tests.places import ROOT
from tests.teeth.child import keep, no_runner

PACKAGES = ("theory", "simulate")


def empty_caches():
    """Empty those of our functions."""
    for one in gc.get_objects():
        if type(one) is functools._lru_cache_wrapper:  # isinstance would ask proxies for their class
            module = getattr(one, "__module__", None) or ""
            if module.partition(".")[0] in (*PACKAGES, "paper_checks"):
                one.cache_clear()


class Recording:
    """Contexts of coverage, one for each test, job and fixture; `used` has those that a context had the results of."""

    def __init__(self, root):
        self.coverage = coverage.Coverage(
            data_file=None, include=[f"{root}/{name}/*" for name in PACKAGES], config_file=False, messages=False
        )
        self.root, self.passed, self.seconds, self.used = Path(root), {}, {}, {}
        self._stack, self._fixtures, self._last = ["import"], {}, time.process_time()

    @contextmanager
    def _context(self, name):
        """What is executed inside is kept under the name, and is used by the surrounding context."""
        self._uses(name)
        self._tick()
        self._stack.append(name)
        self.coverage.switch_context(name)
        try:
            yield
        finally:
            self._tick()
            self._stack.pop()
            self.coverage.switch_context(self._stack[-1])

    def _tick(self):
        """What the processor took since the last tick is of the context that is open."""
        now = time.process_time()
        self.seconds[self._stack[-1]] = self.seconds.get(self._stack[-1], 0.0) + now - self._last
        self._last = now

    def _uses(self, name):
        self.used.setdefault(self._stack[-1], set()).add(name)

    def pytest_configure(self):
        no_runner()
        from paper_checks.jobs.runner import Here

        result, recording = Here.result, self

        def recorded(here, job):
            name = f"job {job.identity}"
            if job.identity in here._known and name in recording.seconds:
                recording._uses(name)
                return result(here, job)
            with recording._context(name):
                return result(here, job)

        Here.result = recorded

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function":
            return (yield)
        name = self._fixtures[id(fixturedef)] = f"fixture {len(self._fixtures)}"
        with self._context(name):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        empty_caches()
        self.passed[item.nodeid] = True
        with self._context(item.nodeid):
            yield
            for definitions in item._fixtureinfo.name2fixturedefs.values():
                for name in (self._fixtures.get(id(one)) for one in definitions):
                    if name is not None:
                        self._uses(name)
        return True

    def pytest_runtest_logreport(self, report):
        if not report.passed:
            self.passed[report.nodeid] = False

    def whole(self, context):
        """A context and all that it used, through others too."""
        found, waiting = set(), [context]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.used.get(one, ())
        return found

    def content(self):
        """Seconds of each test that passed, alone; and by file and line the numbers of these tests."""
        nodes = sorted(node for node, passed in self.passed.items() if passed)
        users, costs = {}, []
        for number, node in enumerate(nodes):
            whole = self.whole(node)
            costs.append([node, round(sum(self.seconds[one] for one in whole), 3)])
            for one in whole:
                users.setdefault(one, set()).add(number)
        data, lines = self.coverage.get_data(), {}
        for file in data.measured_files():
            kept = lines[Path(file).relative_to(self.root).as_posix()] = {}
            for line, contexts in data.contexts_by_lineno(file).items():
                kept[line] = sorted(set().union(*(users.get(one, ()) for one in contexts)))
        sources = {path: (self.root / path).read_text(encoding="utf-8") for path in lines}
        return {"nodes": costs, "lines": lines, "sources": sources}


def main(path, *arguments):
    """Run pytest with these arguments, and write what was recorded."""
    recording = Recording(ROOT)
    recording.coverage.start()
    status = pytest.main([*arguments, "-p", "no:cacheprovider", "--hypothesis-seed=0"], plugins=[recording])
    recording.coverage.stop()
    keep(Path(path), recording.content())
    return int(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
