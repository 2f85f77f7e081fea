"""Every law: exact first gradients for any chain, any answers and any noise, at any length.

    from theory import Law, general
    law = Law([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]], T=64, trigger=0, alpha=0.3, noise=2)
    look = general.key_query_gradient(law)

Source: arXiv 2406.03068, the one-layer model, beyond the uniform chain (G of the ledger).
"""

from .counts import CountMoments, count_moments
from .gradients import features, gradient_mean, gradient_variance
from .key_query import Decomposition, Output, WithinSequences, decomposition, key_query_gradient

__all__ = [
    "CountMoments",
    "Decomposition",
    "Output",
    "WithinSequences",
    "count_moments",
    "decomposition",
    "features",
    "gradient_mean",
    "gradient_variance",
    "key_query_gradient",
]
