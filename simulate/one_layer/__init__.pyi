from .class_averages import PooledMoments
from .key_query import KeyQueryMoments, attention_model, counted_key_query_gradient, held_loss, key_query_moments
from .model import OneLayer, counted_gradient
from .moments import GradientMoments, gradient_moments, shared_gradient_moments
from .probes import mass_after_trigger, ranks_first
from .projected import ProjectedMoments, projected_moments

__all__ = [
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
    "mass_after_trigger",
    "projected_moments",
    "ranks_first",
    "shared_gradient_moments",
]
