"""Causal language models of transformers, from safetensors, checked before they are built.

    from simulate.language import load_language_model
    from simulate.pocket import pocket_folders
    loaded = load_language_model(pocket_folders()[4][2000])  # or a hub's name and revision: .model, .tokenizer, .sha256

Source: arXiv 2406.03068, experiments on Pythia.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
