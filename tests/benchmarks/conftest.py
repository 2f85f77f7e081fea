"""What benchmarks do per second, in a line each after pytest-benchmark's tables; versions and load in its JSON."""

import psutil
import pytest

from paper_checks.commands.benchmarks.words import plain_name, short_number
from paper_checks.session.surroundings import versions

RATES = pytest.StashKey[list[str]]()
LOAD = pytest.StashKey[float]()
PACKAGES = ("numba", "numpy", "pytest-benchmark", "python-flint", "torch", "transformers")


def pytest_configure(config):
    config.stash[RATES], config.stash[LOAD] = [], psutil.getloadavg()[0]


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["load"] = [config.stash[LOAD], psutil.getloadavg()[0]]
    machine_info["versions"] = {name: found for name, found in versions(PACKAGES).items() if name in PACKAGES}


@pytest.fixture(autouse=True)
def rate(request, benchmark):
    """Keeps the line of a benchmark that notes an amount."""
    yield
    done = benchmark.extra_info.get("amount")
    if done and benchmark.stats:
        number = short_number(done["number"] / benchmark.stats["median"])
        request.config.stash[RATES].append(
            f"{benchmark.group.partition(':')[0]}, {plain_name(benchmark.name)}: {number} {done['unit']} per second"
        )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[RATES]:
        terminalreporter.write_line(line)
