"""Prompts that end before an answer, their tokens, and what a language model says about the answers.

    from simulate.prompts import recall_prompts
    prompts = recall_prompts(20, seed=1)  # each ends before an answer
    # measure(model, encode(prompts, tokenizer)) says what a model answers

Source: arXiv 2406.03068, experiments on Pythia; own wording.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
