"""The one-layer model in one-hot coordinates: its first gradients by counting, their moments, streamed.

    from theory import Task
    from simulate.one_layer import gradient_moments
    found = gradient_moments(Task(N=8, T=16, alpha=0.5), "feed_forward", 10**4, seed=7)  # .mean and its standard_error

Source: arXiv 2406.03068, the one-layer model.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
