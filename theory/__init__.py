"""What is true: exact formulas for first gradient steps on noisy in-context recall and for memories. No torch.

Chapters: `one_step` (the first gradients and their margins), `key_query` (where attention looks first), `memory` (a
linear associative memory over time), `birth` (the induction head of "Birth of a Transformer"), `general` (every law).

    from theory import Task, one_step
    task = Task(N=8, T=16, alpha=0.5)
    margins = one_step.feed_forward_margins(task)
"""

from typing import TYPE_CHECKING

from theory.general import gradient_mean, gradient_variance, key_query_gradient
from theory.general.asked import Asked, ask
from theory.key_query import KEY_CLASSES, key_query_classes, key_query_closed_form
from theory.one_step import (
    ENTRY_CLASSES,
    MOMENTS,
    Moment,
    class_values,
    closed_form,
    entry_labels,
)

from . import birth, general, key_query, memory, one_step
from .law import Law
from .task import LAYERS, Layer, RealNumber, Task

__all__ = [
    "ENTRY_CLASSES",
    "KEY_CLASSES",
    "LAYERS",
    "MOMENTS",
    "Asked",
    "Law",
    "Layer",
    "Moment",
    "RealNumber",
    "Task",
    "ask",
    "birth",
    "class_values",
    "closed_form",
    "entry_labels",
    "general",
    "gradient_mean",
    "gradient_variance",
    "key_query",
    "key_query_classes",
    "key_query_closed_form",
    "key_query_gradient",
    "memory",
    "one_step",
]

__version__: str

if not TYPE_CHECKING:  # a type checker would take every name that is not there for one that is

    def __getattr__(name):
        """The version of the installed distribution, read when it is asked for."""
        if name == "__version__":
            from importlib.metadata import version

            return version("distributional-associations-verified")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
