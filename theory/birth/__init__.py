"""How an induction head is born: gradients as associative memories, and three steps that build the head.

    from theory import birth
    head = birth.InductionTask(N=20, T=16)
    sizes = birth.sufficient_sizes(head, birth.Reads(keys=("E1", "E")))  # enough for every sequence

Source: Bietti et al. (2023), "Birth of a Transformer" (B1 to B3 of the ledger).
"""

from .accuracy import basic_accuracy, final_scores, learns_match, least_length, score_gaps, sufficient_sizes, wrong_rows
from .gradient_memory import (
    association_gradient,
    conditional_mean_gradient,
    conditional_means,
    context_signal,
    context_signal_classes,
    context_signal_closed_form,
    distributional_residual,
    memory_coefficients,
    outer_products,
    part_sizes,
    predicted_probabilities,
    recalled,
    zero_weight_parts,
)
from .three_steps import (
    BASIC,
    InductionTask,
    Reads,
    basic_key_association,
    copied_output_association,
    key_association,
    key_scores,
    match_score,
    output_association,
    position_bias,
    previous_token_margins,
    previous_token_slope,
    previous_token_step,
    uniform_scores,
)
from .weights import Weights, population_weights

__all__ = [
    "BASIC",
    "InductionTask",
    "Reads",
    "Weights",
    "association_gradient",
    "basic_accuracy",
    "basic_key_association",
    "conditional_mean_gradient",
    "conditional_means",
    "context_signal",
    "context_signal_classes",
    "context_signal_closed_form",
    "copied_output_association",
    "distributional_residual",
    "final_scores",
    "key_association",
    "key_scores",
    "learns_match",
    "least_length",
    "match_score",
    "memory_coefficients",
    "outer_products",
    "output_association",
    "part_sizes",
    "population_weights",
    "position_bias",
    "predicted_probabilities",
    "previous_token_margins",
    "previous_token_slope",
    "previous_token_step",
    "recalled",
    "score_gaps",
    "sufficient_sizes",
    "uniform_scores",
    "wrong_rows",
    "zero_weight_parts",
]
