"""What a job is: a pure, importable function and its arguments, and the key by which its result is known.

    @job("gradient moments", cost=2.0)
    def moments(task: Task, layer: Layer, base_seed: int) -> Moments: ...

    moments(task, layer, 7)     the result: kept by this session, by the store, or made now
    moments.of(task, layer, 7)  the Job, to be declared before it is asked for

A job's result is a function of its content: the code that it runs (`code.code_digest` of its module and of those of
the classes and functions in its arguments), its arguments, and the surroundings on which the last digits of numbers
depend (`code.surroundings`). The key is a hash of these.
"""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from importlib import import_module
from typing import Any, Generic, ParamSpec, TypeVar

from .code import code_digest, surroundings
from .runner import HERE, current
from .values import encoded, shown, trusted

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Job:
    """One call of a job function, whose arguments are bound to its parameters in order."""

    function: "JobFunction[..., Any]"
    arguments: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.function.name}({', '.join(map(shown, self.arguments))})"

    @property
    def name(self) -> str:
        """Of its function."""
        return self.function.name

    @property
    def kind(self) -> str:
        """What jobs of this function are called where progress is shown."""
        return self.function.kind

    @property
    def cost(self) -> float:
        """About how many seconds it takes one processor, for the order of jobs and the estimate of what is left."""
        known = self.function.cost
        return float(known(*self.arguments)) if callable(known) else float(known)

    @property
    def inputs(self) -> Sequence["Job"]:
        """The jobs whose results it asks for."""
        return () if self.function.inputs is None else self.function.inputs(*self.arguments)

    @cached_property
    def identity(self) -> str:
        """sha256 of the function's name and the arguments.

        Raises:
            TypeError: an argument that has no bytes (see `values.encode`).
        """
        return self._encoded[0]

    @property
    def modules(self) -> tuple[str, ...]:
        """Whose code it may run: of its function, and of the classes and functions in its arguments, as far as they are
        of packages with jobs (`values.trusted`)."""
        return self._encoded[1]

    @cached_property
    def _encoded(self) -> tuple[str, tuple[str, ...]]:
        try:
            content, modules = encoded(self.arguments)
        except TypeError as error:
            raise TypeError(f"arguments of {self.function.name}: {error}") from error
        ours = {name for name in modules if name.partition(".")[0] in trusted}
        identity = hashlib.sha256(self.function.name.encode() + b"\n" + content).hexdigest()
        return identity, tuple(sorted({self.function.module, *ours}))

    @property
    def code(self) -> str:
        """Digest of the code that it may run."""
        return _digest(*map(code_digest, self.modules))

    @cached_property
    def key(self) -> str:
        """sha256 of what the result depends on: identity, code, surroundings."""
        return _digest(self.identity, self.code, surroundings())

    def perform(self) -> Any:
        """Compute the result here and now."""
        return self.function.compute(*self.arguments)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class JobFunction(Generic[Arguments, Result]):
    """A function whose calls are jobs; see `job`."""

    def __init__(
        self,
        compute: Callable[Arguments, Result],
        kind: str,
        cost: float | Callable[..., float],
        inputs: Callable[..., Sequence[Job]] | None,
    ) -> None:
        self.compute, self.kind, self.cost, self.inputs = compute, kind, cost, inputs
        self._signature = inspect.signature(compute)
        update_wrapper(self, compute)

    @property
    def module(self) -> str:
        """The module in which it is defined."""
        return str(self.compute.__module__)

    @property
    def name(self) -> str:
        """Module and name, by which a worker finds it."""
        return f"{self.module}:{self.compute.__qualname__}"

    def of(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Job:
        """The job of this call, not done."""
        bound = self._signature.bind(*arguments, **named)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{self.name} must not have parameters by name alone, to be a job")
        return Job(self, bound.args)

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        found: Result = current().result(self.of(*arguments, **named))
        return found

    def cache_clear(self) -> None:
        """Forget the results of this function that were computed here, outside of a run."""
        HERE.forget(self.name)

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return _found, (self.name,)


def _found(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def job(
    kind: str, *, cost: float | Callable[..., float] = 1.0, inputs: Callable[..., Sequence[Job]] | None = None
) -> Callable[[Callable[Arguments, Result]], JobFunction[Arguments, Result]]:
    """Make the calls of a function jobs.

    Args:
        kind: what such jobs are called where progress is shown, such as "trainings".
        cost: about how many seconds one takes on one processor; a number, or a function of the arguments.
        inputs: a function of the arguments that gives the jobs whose results the function asks for by calling them;
            they are done before it, and their results go where it runs. What is not among them is computed anew there.

    The function must be pure (its result depends on its arguments and on code alone: every seed is an argument),
    defined at the top of an importable module, and its arguments and result of the kinds of `values`.
    """

    def made(compute: Callable[Arguments, Result]) -> JobFunction[Arguments, Result]:
        if not compute.__qualname__.isidentifier():
            raise TypeError(f"a job must be a function at the top of a module, got {compute.__qualname__}")
        trusted.add(compute.__module__.partition(".")[0])
        return JobFunction(compute, kind, cost, inputs)

    return made
