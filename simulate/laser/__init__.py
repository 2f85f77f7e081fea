"""LASER: matrices of language models at a lower rank, one choice or a sweep over layers, roles and ranks.

    from simulate.laser import Choice
    choice = Choice("mlp_in", layer=-1, fraction=0.01)
    # truncated(model, choice) is a new model; sweep(model, prompts) tries every layer, role and rank

Source: Sharma, Ash, Misra (2023), LASER.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
