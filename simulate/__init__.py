"""What happens: draws and estimates of noisy in-context recall, associative memories in training, truncation.

Knows no theorem; of theory it imports the task description alone.
"""

from .associative_memory import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from .chains import Chain
from .device import resolve_device
from .induction import InductionBatch, sample_induction
from .induction_steps import Grams, gaussian_grams, stepped
from .key_query import (
    KeyQueryMoments,
    attention_model,
    counted_key_query_gradient,
    held_loss,
    key_query_moments,
)
from .literal import literal_sample
from .memory_training import Trajectory, gradient_descent, stochastic_gradient_descent
from .moments import GradientMoments, gradient_moments
from .one_layer import OneLayer, counted_gradient
from .pooling import PooledMoments
from .probes import mass_after_trigger, ranks_first
from .projected import ProjectedMoments, projected_moments
from .sampling import Batch, sample, sample_stream
from .truncation import Spectrum, decompose, remove_direction, truncate
from .two_layer import BlockGradients, TwoLayer, two_layer_gradient

__all__ = [
    "AssociativeMemory",
    "Batch",
    "BlockGradients",
    "Chain",
    "Embeddings",
    "GradientMoments",
    "Grams",
    "InductionBatch",
    "KeyQueryMoments",
    "OneLayer",
    "PooledMoments",
    "ProjectedMoments",
    "Spectrum",
    "Trajectory",
    "TwoLayer",
    "attention_model",
    "counted_gradient",
    "counted_key_query_gradient",
    "decompose",
    "gaussian_embeddings",
    "gaussian_grams",
    "gradient_descent",
    "gradient_moments",
    "held_loss",
    "key_query_moments",
    "literal_sample",
    "mass_after_trigger",
    "orthonormal_embeddings",
    "projected_moments",
    "ranks_first",
    "remove_direction",
    "resolve_device",
    "sample",
    "sample_induction",
    "sample_stream",
    "stepped",
    "stochastic_gradient_descent",
    "truncate",
    "two_layer_gradient",
]
