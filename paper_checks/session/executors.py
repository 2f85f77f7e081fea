"""Who does the jobs of a run: processes of this machine, a cluster, or an executor that a plugin has."""

import re
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from simulate.runtime.threads import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from paper_checks.jobs import Scheduler


def add_options(group: pytest.OptionGroup) -> None:
    """Give pytest the options of jobs."""
    group.addoption(
        "--jobs",
        type=int,
        default=None,
        metavar="N",
        help="processes that do what is expensive, one thread each; no number depends on it "
        f"(default: one per processor, here {processors()})",
    )
    group.addoption(
        "--cluster",
        default=None,
        metavar="ADDRESS",
        help="have it done by the workers of this dask.distributed scheduler, such as tcp://host:8786 "
        "(needs the extra cluster)",
    )
    group.addoption(
        "--fresh",
        action="store_true",
        help="make every result anew, whatever earlier runs have kept (see paper-checks cache)",
    )


def check_options(config: pytest.Config) -> None:
    """UsageError unless the options of jobs can be used."""
    jobs, address = config.getoption("--jobs"), config.getoption("--cluster")
    if jobs is not None and jobs < 1:
        raise pytest.UsageError(f"--jobs must be >= 1, got {jobs}")
    if jobs is not None and address is not None:
        raise pytest.UsageError("--jobs is for the processes of this machine, leave it out with --cluster")
    if address is not None and not re.fullmatch(r"(\w+://)?[^\s/]+:\d+", address):
        raise pytest.UsageError(f"--cluster must be an address such as tcp://host:8786, got {address!r}")


@contextmanager
def scheduler(config: pytest.Config) -> "Iterator[Scheduler]":
    """The runner of this session, with its executor, which ends with the context.

    Raises:
        pytest.UsageError: a cluster or a cache that cannot be used.
    """
    from paper_checks.jobs import Scheduler
    from paper_checks.jobs.store import default_store

    try:
        store = default_store()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    executor, workers = _executor(config)
    runner = Scheduler(executor, workers, store, config.getoption("--fresh"))
    try:
        yield runner
    finally:
        runner.close()
        executor.shutdown(wait=False, cancel_futures=True)


def _executor(config: pytest.Config) -> "tuple[Executor, int | Callable[[], int]]":
    found: Executor | None = config.hook.pytest_claims_executor(config=config)
    if found is not None:
        return found, config.getoption("--jobs") or processors()
    address = config.getoption("--cluster")
    if address is not None:
        return _cluster(address)
    from paper_checks.jobs.processes import Processes

    processes = Processes(config.getoption("--jobs"))
    return processes, processes.count


def _cluster(address: str) -> "tuple[Executor, int | Callable[[], int]]":
    try:
        from paper_checks.jobs.cluster import cluster
    except ModuleNotFoundError as error:
        raise pytest.UsageError(f"--cluster needs {error.name}: pip install -e '.[cluster]'") from error
    try:
        executor, workers = cluster(address)
    except (RuntimeError, ValueError, OSError) as error:
        raise pytest.UsageError(f"--cluster {address}: {error}") from error
    return executor, workers
