"""Jobs that use what the expensive ones use."""

from paper_checks.jobs import Job
from simulate import Architecture, Hidden, Optimiser, Recall, Training
from theory import Task

from .drawn import descended, drawn
from .trained import largest, trained
from .watched import Watched


def examples() -> dict[str, Job]:
    """A job of each function, by its name."""
    law = Recall.of_task(Task(5, 7, 0.5), count=1)
    model = Architecture(law.M, law.T, 8, Hidden(8), None)
    training, watched = Training(model, law, Optimiser("SGD", {"lr": 0.1}), 4, 2, 7), Watched(law.sample(8, seed=3))
    return {
        "trained": trained.of(training, watched),
        "largest": largest.of(training, watched),
        "descended": descended.of(4, 0.25, 7),
        "drawn": drawn.of(Task(5, 7, 0.5), 7),
    }
