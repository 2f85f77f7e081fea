"""What is true: exact formulas for one gradient step on noisy in-context recall. No torch, no randomness, no files."""

from .gradients import MOMENTS, class_values, closed_form, gradient_mean, gradient_variance
from .symmetry import ENTRY_CLASSES, entry_labels
from .task import LAYERS, Task

__all__ = [
    "ENTRY_CLASSES",
    "LAYERS",
    "MOMENTS",
    "Task",
    "class_values",
    "closed_form",
    "entry_labels",
    "gradient_mean",
    "gradient_variance",
]
