"""The one question: `ask`."""

from collections.abc import Iterable, Sequence

from theory.law import Law, as_law
from theory.task import Task

from .answers import Asked
from .of_law import answers_of_law
from .of_task import answers_of_task


def ask(law: Law | Task, names: Sequence[str] | None = None) -> Asked:
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
    checked = as_law(law)
    words = [str(token) for token in range(checked.M)] if names is None else _as_words(names)
    if len(words) != checked.M:
        raise ValueError(f"names must be as many as the law has tokens, {checked.M}, got {len(words)}")
    return answers_of_law(checked, words)


def _as_words(names: object) -> list[str]:
    if not isinstance(names, Iterable):
        raise TypeError(f"names must be strings, one for each token, got {names!r} ({type(names).__name__})")
    words = list(names)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"names must be strings, got {word!r} ({type(word).__name__})")
    return words
