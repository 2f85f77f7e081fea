"""The first key-query step: where attention looks once the values are learned, at any noise level and absorption.

    from theory import Task, key_query
    task = Task(N=8, T=16, alpha=0.5)
    scores = key_query.key_query_classes(task, absorption=0.4)

Source: arXiv 2406.03068, section on the key-query matrix (T3 of the ledger).
"""

from .attention_step import concentrating_step, follower_logits, noise_rank_threshold
from .certified import Box, Regions, certify, certify_absorbed
from .limits import (
    Expansion,
    fixed_noise_expansion,
    long_sequence_parts,
    scaled_noise_expansion,
    threshold_series,
    turning_expansion,
)
from .phase_diagram import (
    CONTRASTS,
    absorbed_threshold,
    avoidance_threshold,
    contrast_parts,
    contrast_value,
    critical_noise_level,
    ranking_gap,
    ranking_threshold,
    reversal_range,
    turning_absorption,
    uniform_threshold,
    window,
)
from .step import KEY_CLASSES, key_query_classes, key_query_closed_form, key_query_gradient, key_query_parts
from .within_sequence import WithinSequence

__all__ = [
    "CONTRASTS",
    "KEY_CLASSES",
    "Box",
    "Expansion",
    "Regions",
    "WithinSequence",
    "absorbed_threshold",
    "avoidance_threshold",
    "certify",
    "certify_absorbed",
    "concentrating_step",
    "contrast_parts",
    "contrast_value",
    "critical_noise_level",
    "fixed_noise_expansion",
    "follower_logits",
    "key_query_classes",
    "key_query_closed_form",
    "key_query_gradient",
    "key_query_parts",
    "long_sequence_parts",
    "noise_rank_threshold",
    "ranking_gap",
    "ranking_threshold",
    "reversal_range",
    "scaled_noise_expansion",
    "threshold_series",
    "turning_absorption",
    "turning_expansion",
    "uniform_threshold",
    "window",
]
