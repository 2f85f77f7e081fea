"""Every law: exact first gradients for any chain, any answers and any noise, at any length.

    from theory import Law, general
    law = Law([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]], T=64, trigger=0, alpha=0.3, noise=2)
    look = general.key_query_gradient(law)

Source: arXiv 2406.03068, the one-layer model, beyond the uniform chain (G of the ledger).
"""

from .asked import Answer, Asked, ask
from .between_triggers import long_run_shares, token_laws, visits_between_triggers
from .copying import approximate_copying_levels, copying_entries, copying_levels, excess_visits, lifts, limiting_lifts
from .counts import CountMoments, count_moments
from .criterion import Attraction, Criterion, attractions, criterion
from .gradients import features, gradient_mean, gradient_variance
from .key_query import Decomposition, Output, WithinSequences, decomposition, key_query_gradient
from .levels import Change
from .margins import (
    limiting_noise_margins,
    margin_sign_changes,
    noise_margins,
    noise_threshold,
    smallest_margin,
    threshold_bounds,
)
from .mixture import LookTurns, Turns, mix, turns
from .samples import SampleBracket, answer_samples, answer_signals, noise_samples, samples_for_one_rival
from .signal import CopyingSignal, copying_signal, limiting_copying_signal, noise_signal, signal_bound, signal_to_noise

__all__ = [
    "Answer",
    "Asked",
    "Attraction",
    "Change",
    "CopyingSignal",
    "CountMoments",
    "Criterion",
    "Decomposition",
    "LookTurns",
    "Output",
    "SampleBracket",
    "Turns",
    "WithinSequences",
    "answer_samples",
    "answer_signals",
    "approximate_copying_levels",
    "ask",
    "attractions",
    "copying_entries",
    "copying_levels",
    "copying_signal",
    "count_moments",
    "criterion",
    "decomposition",
    "excess_visits",
    "features",
    "gradient_mean",
    "gradient_variance",
    "key_query_gradient",
    "lifts",
    "limiting_copying_signal",
    "limiting_lifts",
    "limiting_noise_margins",
    "long_run_shares",
    "margin_sign_changes",
    "mix",
    "noise_margins",
    "noise_samples",
    "noise_signal",
    "noise_threshold",
    "samples_for_one_rival",
    "signal_bound",
    "signal_to_noise",
    "smallest_margin",
    "threshold_bounds",
    "token_laws",
    "turns",
    "visits_between_triggers",
]
