"""The two-layer attention model of "Birth of a Transformer" in one-hot coordinates, and its gradient steps.

    from simulate.induction import TwoLayer, sample_induction, two_layer_gradient
    batch = sample_induction(20, 16, 1000, seed=1)
    model = TwoLayer(20, 16)  # weights at zero; its gradient step by step is the induction head's birth

Source: Bietti et al. (2023), "Birth of a Transformer".
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
