"""A linear associative memory with one noise output: its flow, its singular spaces and its truncations at every time.

    from theory import memory
    W = memory.logits(8, 0.3, t=1e6)  # shape (n + 1, n), the last row is the noise output
    crossing = memory.crossing_time(8, 0.3)  # from then on the noise is the top singular direction

Source: arXiv 2406.03068, section on associative memories and low-rank truncation (T4 of the ledger).
"""

from .gradient_flow import (
    Flow,
    Predictions,
    Values,
    flow,
    late_constant,
    late_noise_probability,
    late_values,
    log_odds,
    logits,
    predictions,
    softmax,
    symbolic_rates,
    top_space,
    values,
)
from .sampling_noise import StepCovariance, average_covariance, contraction, curvature, sampled_moments, step_covariance
from .shared_inputs import SharedSpectrum, largest_shared, shared_spectrum
from .spectrum import (
    SingularValues,
    SingularVectors,
    crossing_time,
    early_crossing_time,
    early_top_space,
    late_crossing_time,
    level_at_tie,
    positive_noise_time,
    singular_gap,
    singular_values,
    singular_vectors,
    top_space_at,
)
from .truncations import (
    Truncation,
    noise_removed_error,
    noise_removed_error_limit,
    noise_removed_predictions,
    truncation,
)

__all__ = [
    "Flow",
    "Predictions",
    "SharedSpectrum",
    "SingularValues",
    "SingularVectors",
    "StepCovariance",
    "Truncation",
    "Values",
    "average_covariance",
    "contraction",
    "crossing_time",
    "curvature",
    "early_crossing_time",
    "early_top_space",
    "flow",
    "largest_shared",
    "late_constant",
    "late_crossing_time",
    "late_noise_probability",
    "late_values",
    "level_at_tie",
    "log_odds",
    "logits",
    "noise_removed_error",
    "noise_removed_error_limit",
    "noise_removed_predictions",
    "positive_noise_time",
    "predictions",
    "sampled_moments",
    "shared_spectrum",
    "singular_gap",
    "singular_values",
    "singular_vectors",
    "softmax",
    "step_covariance",
    "symbolic_rates",
    "top_space",
    "top_space_at",
    "truncation",
    "values",
]
