"""Jobs: everything expensive, made once by one executor, here or on a cluster, and kept by the hash of its content."""

from .job import Job, JobFunction, job
from .local import local, local_if_none
from .runner import current, results, running
from .scheduler import Scheduler

__all__ = ["Job", "JobFunction", "Scheduler", "current", "job", "local", "local_if_none", "results", "running"]
