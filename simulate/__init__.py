"""What happens: draws and estimates of noisy in-context recall.

Knows no theorem; of theory it imports the task description alone.
"""

from .chains import Chain
from .device import resolve_device
from .literal import literal_sample
from .moments import GradientMoments, gradient_moments
from .one_layer import OneLayer, counted_gradient
from .pooling import PooledMoments
from .projected import ProjectedMoments, projected_moments
from .sampling import Batch, sample, sample_stream

__all__ = [
    "Batch",
    "Chain",
    "GradientMoments",
    "OneLayer",
    "PooledMoments",
    "ProjectedMoments",
    "counted_gradient",
    "gradient_moments",
    "literal_sample",
    "projected_moments",
    "resolve_device",
    "sample",
    "sample_stream",
]
