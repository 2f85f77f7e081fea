"""What is true: exact formulas for first gradient steps on noisy in-context recall and for memories. No torch."""

from . import memory
from .gradients import MOMENTS, class_values, closed_form, gradient_mean, gradient_variance
from .key_query import KEY_CLASSES, key_query_classes, key_query_closed_form, key_query_gradient
from .symmetry import ENTRY_CLASSES, entry_labels
from .task import LAYERS, Task

__all__ = [
    "ENTRY_CLASSES",
    "KEY_CLASSES",
    "LAYERS",
    "MOMENTS",
    "Task",
    "class_values",
    "closed_form",
    "entry_labels",
    "gradient_mean",
    "gradient_variance",
    "key_query_classes",
    "key_query_closed_form",
    "key_query_gradient",
    "memory",
]
