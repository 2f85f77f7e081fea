"""The order of a run: cheap checks first, then each check as soon as the jobs that it declares have ended."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from paper_checks.jobs import Job, Scheduler

Declared = Callable[..., "Sequence[Job]"]


class _Between(pytest.Item):
    """What comes after a check when nobody knows what will: all fixtures but the session's end."""

    def runtest(self) -> None:
        raise NotImplementedError


def declared(item: pytest.Item, known: dict[str, Any]) -> "list[Job]":
    """The jobs that a check declares by `@pytest.mark.jobs.with_args(function)` (pytest takes a named function that
    stands alone for what is marked; a lambda may stand alone): the function is called with what it names, of
    `known`, the parameters of the check, and options.

    Raises:
        pytest.UsageError: a marker without a function, a name that is nothing of the kind.
    """
    found: list[Job] = []
    for marker in item.iter_markers("jobs"):
        if len(marker.args) != 1 or not callable(marker.args[0]):
            raise pytest.UsageError(
                f"{item.nodeid}: write @pytest.mark.jobs.with_args(function), whose function returns jobs"
            )
        found += marker.args[0](**{name: _value(item, name, known) for name in _names(marker.args[0])})
    return found


def _names(function: Declared) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.default is one.empty]


def _value(item: pytest.Item, name: str, known: dict[str, Any]) -> Any:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if name in known:
        return known[name]
    if name in parameters:
        return parameters[name]
    try:
        return item.config.getoption(name)
    except ValueError:
        accepted = ", ".join([*known, *parameters])
        raise pytest.UsageError(
            f"{item.nodeid}: its jobs need {name!r}, which must be one of {accepted}, or an option"
        ) from None


def in_order(
    session: pytest.Session, jobs: "dict[pytest.Item, list[Job]]", runner: "Scheduler"
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """The checks as they can be run, each with the one after it, which pytest must know to keep the fixtures that both
    have; waits where none can be run. Those without jobs come first, the others as theirs end."""
    between = _Between.from_parent(session, name="between")
    left = list(session.items)

    def ready() -> pytest.Item | None:
        cheap = next((item for item in left if not jobs.get(item)), None)
        return cheap or next((item for item in left if runner.ended(jobs[item])), None)

    now = ready()
    while left:
        while now is None:
            runner.wait([jobs[item] for item in left])
            now = ready()
        left.remove(now)
        after = ready()
        yield now, after or (between if left else None)
        now = after


def run_items(session: pytest.Session, items: Iterator[tuple[pytest.Item, pytest.Item | None]]) -> None:
    """Run checks one by one in an order that is found on the way; stops where pytest is told to."""
    for item, nextitem in items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
