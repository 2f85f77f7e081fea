"""What goes wrong with an executor and not with a job: a worker that dies, and an executor that can do nothing more."""

from concurrent.futures import BrokenExecutor


class WorkerDied(BrokenExecutor):
    """A worker died while it had a job, which can be given to another one; `deaths` workers, where one after the other
    did."""

    def __init__(self, text: str, deaths: int = 1) -> None:
        super().__init__(text, deaths)
        self.text, self.deaths = text, deaths

    def __str__(self) -> str:
        return self.text


class ExecutorError(RuntimeError):
    """The executor can do no job any more; the text says in a line what to do."""


class ClusterError(ExecutorError):
    """A cluster that cannot be used, or not any more."""
