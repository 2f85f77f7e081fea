"""What is too large for anything of its size to be stored or counted out, by class."""

from collections.abc import Callable, Mapping
from typing import Any

from simulate.transformer import Architecture, Hidden
from theory import Task
from theory.birth import InductionTask

LARGE = 10**18
HUGE: Mapping[type, tuple[Callable[[], Any], ...]] = {
    Task: (
        lambda: Task(N=10**9, T=7, alpha=0.5),
        lambda: Task(N=5, T=LARGE, alpha=0.5),
        lambda: Task(N=LARGE, T=LARGE, alpha=0.5),
    ),
    InductionTask: (lambda: InductionTask(N=10**9, T=9), lambda: InductionTask(N=8, T=LARGE)),
    Architecture: (
        lambda: Architecture(3, 5, 10**6),
        lambda: Architecture(LARGE, 5, 4),
        lambda: Architecture(3, LARGE, 4),
    ),
    Hidden: (lambda: Hidden(LARGE),),
}
