"""One population gradient step from zero: exact means, variances and margins, and how many samples it takes.

    from theory import Task, one_step
    task = Task(N=8, T=16, alpha=0.5)
    margins = one_step.feed_forward_margins(task)

Source: arXiv 2406.03068, section on the one-layer model (T1 and T2 of the ledger).
"""

from .class_averages import class_average_variance, class_sizes
from .gradients import MOMENTS, Moment, class_values, closed_form, gradient_mean, gradient_variance
from .margins import (
    attention_margin_bound,
    attention_margin_constant,
    copying_threshold,
    feed_forward_contrasts,
    feed_forward_margins,
    limiting_copying_threshold,
    limiting_noise_threshold,
    noise_threshold,
    repeated_trigger_margin,
)
from .sample_complexity import (
    crossover_of_the_trigger,
    in_context_signal_to_noise,
    limiting_in_context_signal,
    noise_margin_guarantee,
)
from .signal_to_noise import (
    centred_copying_closed_form,
    centred_copying_moments,
    class_signal_to_noise,
    short_context_limit,
)
from .symmetry import BLOCKS, ENTRY_CLASSES, assemble, entry_labels, parse_entry_class
from .trigger_chain import TokenLaw, TriggerChain

__all__ = [
    "BLOCKS",
    "ENTRY_CLASSES",
    "MOMENTS",
    "Moment",
    "TokenLaw",
    "TriggerChain",
    "assemble",
    "attention_margin_bound",
    "attention_margin_constant",
    "centred_copying_closed_form",
    "centred_copying_moments",
    "class_average_variance",
    "class_signal_to_noise",
    "class_sizes",
    "class_values",
    "closed_form",
    "copying_threshold",
    "crossover_of_the_trigger",
    "entry_labels",
    "feed_forward_contrasts",
    "feed_forward_margins",
    "gradient_mean",
    "gradient_variance",
    "in_context_signal_to_noise",
    "limiting_copying_threshold",
    "limiting_in_context_signal",
    "limiting_noise_threshold",
    "noise_margin_guarantee",
    "noise_threshold",
    "parse_entry_class",
    "repeated_trigger_margin",
    "short_context_limit",
]
