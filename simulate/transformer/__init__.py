"""The papers' two-layer transformer: built, trained, changed by interventions, and asked.

    from simulate.transformer import Architecture, Hidden, initialised, without
    model = initialised(Architecture(13, 24, width=32, F1=Hidden(64), F2=Hidden(64, "linear")), seed=1)
    attention_alone = without(model, "F2")  # a new model

Source: arXiv 2406.03068 and Bietti et al. (2023), experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
