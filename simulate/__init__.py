"""What happens: draws and estimates of noisy in-context recall.

Knows no theorem; of theory it imports the task description alone.
"""

from .chains import Chain
from .device import resolve_device
from .key_query import (
    KeyQueryMoments,
    attention_model,
    counted_key_query_gradient,
    held_loss,
    key_query_moments,
)
from .literal import literal_sample
from .moments import GradientMoments, gradient_moments
from .one_layer import OneLayer, counted_gradient
from .pooling import PooledMoments
from .probes import mass_after_trigger, ranks_first
from .projected import ProjectedMoments, projected_moments
from .sampling import Batch, sample, sample_stream

__all__ = [
    "Batch",
    "Chain",
    "GradientMoments",
    "KeyQueryMoments",
    "OneLayer",
    "PooledMoments",
    "ProjectedMoments",
    "attention_model",
    "counted_gradient",
    "counted_key_query_gradient",
    "gradient_moments",
    "held_loss",
    "key_query_moments",
    "literal_sample",
    "mass_after_trigger",
    "projected_moments",
    "ranks_first",
    "resolve_device",
    "sample",
    "sample_stream",
]
