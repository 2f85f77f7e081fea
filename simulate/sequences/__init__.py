"""Sequences of noisy in-context recall, from a seed: the uniform chain, any law, several triggers.

    from theory import Task
    from simulate.sequences import sample
    batch = sample(Task(N=8, T=16, alpha=0.5), 1000, seed=7)  # .tokens (1000, T), .correct, .target

Two worlds, which overlap. One trigger and one question, at z_T = q: the theory's. `theory.Law` has any chain, answers
and noise, `theory.Task` is the uniform one; `sample` draws a `Batch` of either. A question wherever a trigger stands:
the transformers'. `Recall` has one trigger or several, fixed or drawn for each sequence, one noise token, outputs that
are uniform or the chain's; it draws a `RecallBatch`, which has one token more than T and marks the questions. Where
both say the same law, `Recall.of_task` and `Batch.of_recall` lead from one world to the other.

A `Chain` has rows and a first token, and comes from an array, from counts or from a text.

Source: arXiv 2406.03068, data of the one-layer and two-layer experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
