from . import induction, language, laser, memory, one_layer, pocket, prompts, sequences, transformer
from .induction.gradients import BlockGradients, two_layer_gradient
from .induction.model import TwoLayer
from .induction.sequences import InductionBatch, sample_induction
from .induction.steps import Grams, gaussian_grams, gradient_step
from .memory.model import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from .memory.training import Trajectory, gradient_descent, stochastic_gradient_descent
from .one_layer.class_averages import PooledMoments
from .one_layer.key_query import (
    KeyQueryMoments,
    attention_model,
    counted_key_query_gradient,
    held_loss,
    key_query_moments,
)
from .one_layer.model import OneLayer, counted_gradient
from .one_layer.moments import GradientMoments, gradient_moments, shared_gradient_moments
from .one_layer.probes import mass_after_trigger, ranks_first
from .one_layer.projected import ProjectedMoments, projected_moments
from .runtime.device import resolve_device
from .sequences.counted import Chain
from .sequences.law_recall import LawRecall
from .sequences.recall import Outputs, Recall, RecallBatch
from .sequences.sampling import Batch, sample, sample_stream
from .transformer.interventions import frozen, merged_values, truncated, with_weights, without
from .transformer.model import Activation, Architecture, Hidden, Positions, Transformer, initialised
from .transformer.optimiser import Optimiser
from .transformer.plan import LossOn, Training
from .transformer.probes import (
    Answer,
    answers,
    attention_on_answers,
    bigram_divergence,
    memory_recall,
    previous_token_attention,
)
from .transformer.training import Trained, train
from .truncation import Keep, Spectrum, decompose, remove_direction, truncate

__version__: str

__all__ = [
    "Activation",
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
    "Keep",
    "KeyQueryMoments",
    "LawRecall",
    "LossOn",
    "OneLayer",
    "Optimiser",
    "Outputs",
    "PooledMoments",
    "Positions",
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
    "gradient_step",
    "held_loss",
    "induction",
    "initialised",
    "key_query_moments",
    "language",
    "laser",
    "mass_after_trigger",
    "memory",
    "memory_recall",
    "merged_values",
    "one_layer",
    "orthonormal_embeddings",
    "pocket",
    "previous_token_attention",
    "projected_moments",
    "prompts",
    "ranks_first",
    "remove_direction",
    "resolve_device",
    "sample",
    "sample_induction",
    "sample_stream",
    "sequences",
    "shared_gradient_moments",
    "stochastic_gradient_descent",
    "train",
    "transformer",
    "truncate",
    "truncated",
    "two_layer_gradient",
    "with_weights",
    "without",
]
