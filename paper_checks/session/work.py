"""The work of a run: its jobs go to one executor at the start, its checks are run as their jobs end."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from threadpoolctl import threadpool_limits

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import JobRecord

from .executors import scheduler
from .live import Shown, Verdicts, counted
from .loop import declared, in_order, run_items

if TYPE_CHECKING:
    from paper_checks.jobs import Job, Scheduler
    from paper_checks.jobs.entries import Used

ClaimOf = Callable[[pytest.Item], str | None]
AssertionsOf = Callable[[pytest.Item], Assertions]


class Work:
    """The hooks of a session that has checks: the loop over them, who asks for results, what is shown.

    Args:
        results: what the run finds.   claim_of: the claim of a check.   assertions: those of the check of a claim.
    """

    def __init__(self, config: pytest.Config, results: Results, claim_of: ClaimOf, assertions: AssertionsOf) -> None:
        self.results, self._claim_of, self._assertions = results, claim_of, assertions
        self._verdicts = Verdicts(config)
        self._runner: Scheduler | None = None
        self._undeclared: dict[pytest.Item, Exception] = {}
        self._open = ExitStack()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In place of pytest's own, where there are checks to run."""
        options = session.config.option
        if options.collectonly or (session.testsfailed and not options.continue_on_collection_errors):
            return None
        if not any(self._claim_of(item) for item in session.items):
            return None
        from paper_checks.jobs import running

        runner = self._runner = self._open.enter_context(scheduler(session.config))
        self._open.enter_context(running(runner))
        jobs = {item: self._declared(item) for item in session.items}
        runner.declare([job for found in jobs.values() for job in found])
        shown = Shown(session.config, runner)
        runner.waiting = shown.waiting
        shown.begun()
        with shown.plain_lines(), _stopping():
            run_items(session, in_order(session, jobs, runner))
        return True

    def _declared(self, item: pytest.Item) -> "list[Job]":
        """The jobs of a check; where they cannot be told that check fails, and no other."""
        if self._claim_of(item) is None:
            return []
        claim = self._assertions(item)
        try:
            jobs = declared(item, {"claim": claim, "base_seed": claim.base_seed})
            return [job for job in jobs if job.identity and job.cost >= 0]  # what cannot be told is raised here
        except pytest.UsageError:
            raise
        except Exception as error:
            self._undeclared[item] = error
            return []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Fixtures may ask for results too."""
        with _stopping():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """A check whose jobs could not be told fails for that."""
        if item in self._undeclared:
            raise self._undeclared[item]
        with _stopping():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Results that a check asks for are those on which its claim rests. What it takes of the processors,
        here: fixtures and what hands jobs on and keeps them meanwhile included, the jobs themselves left out.
        Products of matrices have one thread, as in the jobs: their last bits may depend on how many there are."""
        claim, started = self._claim_of(item), time.process_time()
        if claim is None:
            return (yield)
        try:
            asking = nullcontext() if self._runner is None else self._runner.uses.asking(claim)
            with threadpool_limits(1, "blas"), asking:
                return (yield)
        finally:
            self.results.took(claim, time.process_time() - started)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note on what a claim rests so far; say its verdict when the last of its checks has ended."""
        for name, result in self.results.by_id.items():
            if nodeid not in result.nodes:
                continue
            if self._runner is not None:
                self.results.rests_on(name, _records(self._runner.uses.of(name)))
            if len(result.nodes) == result.selected:
                self._verdicts.say(result)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> Generator[None, tuple[str, str, Any], tuple[str, str, Any]]:
        """No dot for a check whose claim has a line of its own."""
        category, letter, word = yield
        is_check = any(name == "claim" for name, _ in getattr(report, "user_properties", ()))
        return category, "" if is_check and self._verdicts.shown else letter, word

    @property
    def summary(self) -> dict[str, float]:
        """What the jobs took, as `evidence.run.Run.work` has it."""
        return {} if self._runner is None else self._runner.summary()

    @property
    def notes(self) -> list[str]:
        """A line on the jobs, and on each result that could not be kept or read."""
        if self._runner is None or not any(self.summary.values()):
            return []
        said = "Jobs: {made} made in {seconds:.0f} processor seconds, {reused} reused".format(**self.summary)
        deaths = f"; {counted(int(self.summary['deaths']), 'time')} a worker died" if self.summary["deaths"] else ""
        return [said + deaths, *self._runner.troubles]

    def close(self) -> None:
        """End the executor."""
        self._open.close()


@contextmanager
def _stopping() -> Iterator[None]:
    """A run whose executor is lost stops, with a line that says why."""
    from paper_checks.jobs.worker import ExecutorError

    try:
        yield
    except ExecutorError as error:
        pytest.exit(str(error), pytest.ExitCode.INTERRUPTED)


def _records(used: "Iterable[Used]") -> list[JobRecord]:
    found = [JobRecord(one.kind, one.key, round(one.seconds, 3), one.made) for one in used]
    return sorted(found, key=lambda job: (job.kind, job.key))
