"""Sequences of noisy in-context recall, from a seed: the uniform chain, any law, several triggers.

    from theory import Task
    from simulate.sequences import sample
    batch = sample(Task(N=8, T=16, alpha=0.5), 1000, seed=7)  # .tokens (1000, T), .correct, .target

Two kinds of laws, which overlap. The theory's have one trigger and one question, at z_T = q: `theory.Law` has any
chain, answers and noise, `theory.Task` is the uniform one, and `sample` draws a `Batch` of either. The transformers'
ask wherever a trigger stands: `Recall` has one trigger or several, fixed or drawn for each sequence, one noise token,
and outputs that are uniform or the chain's; it draws a `RecallBatch`, which has one token more than T and marks the
questions. From the first to the second lead `Recall.of_task` and `LawRecall`, and back `Batch.of_recall`.

A `Chain` is rows and the law of a first token; it comes from an array, from counts or from a text.

Source: arXiv 2406.03068, data of the one-layer and two-layer experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
