"""Sequences of noisy in-context recall, from a seed: the uniform chain, any chain, several triggers.

    from theory import Task
    from simulate.sequences import sample
    batch = sample(Task(N=8, T=16, alpha=0.5), 1000, seed=7)  # .tokens (1000, T), .correct, .target

Source: arXiv 2406.03068, data of the one-layer and two-layer experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
