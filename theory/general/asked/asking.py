"""The one question: `ask`."""

from collections.abc import Sequence

from theory.arguments import checked
from theory.law import AnyLaw
from theory.task import Task

from .answers import Asked
from .of_law import answers_of_law
from .of_task import answers_of_task


@checked
def ask(law: AnyLaw, names: Sequence[str] | None = None) -> Asked:
    """Thresholds, margins, signal-to-noise, sample counts of both layers, and where attention looks first.

    Args:
        law: a `Task`, answered at any size from closed forms (T1 to T3), or a `Law` (G2 to G7).
        names: what sentences call the tokens of a law, M of them; None: their numbers.

    Returns:
        `Asked`; answers that do not exist at this size, such as a threshold at T = 2, have the basis "none".

    Raises:
        TypeError: neither a law nor a task, or names that are no strings.
        ValueError: names that are not as many as the tokens, or names for a task.
    """
    if isinstance(law, Task):
        if names is not None:
            raise ValueError(f"names must be None for a theory.Task, whose tokens are numbers, got {names!r:.80}")
        return answers_of_task(law)
    words = [str(token) for token in range(law.M)] if names is None else list(names)
    if len(words) != law.M:
        raise ValueError(f"names must be as many as the law has tokens, {law.M}, got {len(words)}")
    return answers_of_law(law, words)
