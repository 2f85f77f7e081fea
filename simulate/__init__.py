"""What happens: draws and estimates of noisy in-context recall, memories and transformers in training, truncation.

Knows no theorem; of theory it imports the task description alone.
"""

from .associative_memory import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from .chains import Chain
from .device import resolve_device
from .induction import InductionBatch, sample_induction
from .induction_steps import Grams, gaussian_grams, stepped
from .interventions import frozen, merged_values, truncated, with_weights, without
from .key_query import KeyQueryMoments, attention_model, counted_key_query_gradient, held_loss, key_query_moments
from .literal import literal_sample
from .literal_transformer import literal_logits
from .memory_training import Trajectory, gradient_descent, stochastic_gradient_descent
from .moments import GradientMoments, gradient_moments
from .one_layer import OneLayer, counted_gradient
from .optimiser import Optimiser
from .pooling import PooledMoments
from .probes import mass_after_trigger, ranks_first
from .projected import ProjectedMoments, projected_moments
from .recall import Recall, RecallBatch
from .recall_probes import (
    Answer,
    answers,
    attention_on_answers,
    bigram_divergence,
    memory_recall,
    previous_token_attention,
)
from .sampling import Batch, sample, sample_stream
from .training import Trained, Training, train
from .transformer import Architecture, Hidden, Transformer, initialised
from .truncation import Spectrum, decompose, remove_direction, truncate
from .two_layer import BlockGradients, TwoLayer, two_layer_gradient

__all__ = [
    "Answer",
    "Architecture",
    "AssociativeMemory",
    "Batch",
    "BlockGradients",
    "Chain",
    "Embeddings",
    "GradientMoments",
    "Grams",
    "Hidden",
    "InductionBatch",
    "KeyQueryMoments",
    "OneLayer",
    "Optimiser",
    "PooledMoments",
    "ProjectedMoments",
    "Recall",
    "RecallBatch",
    "Spectrum",
    "Trained",
    "Training",
    "Trajectory",
    "Transformer",
    "TwoLayer",
    "answers",
    "attention_model",
    "attention_on_answers",
    "bigram_divergence",
    "counted_gradient",
    "counted_key_query_gradient",
    "decompose",
    "frozen",
    "gaussian_embeddings",
    "gaussian_grams",
    "gradient_descent",
    "gradient_moments",
    "held_loss",
    "initialised",
    "key_query_moments",
    "literal_logits",
    "literal_sample",
    "mass_after_trigger",
    "memory_recall",
    "merged_values",
    "orthonormal_embeddings",
    "previous_token_attention",
    "projected_moments",
    "ranks_first",
    "remove_direction",
    "resolve_device",
    "sample",
    "sample_induction",
    "sample_stream",
    "stepped",
    "stochastic_gradient_descent",
    "train",
    "truncate",
    "truncated",
    "two_layer_gradient",
    "with_weights",
    "without",
]
