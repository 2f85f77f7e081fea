"""What happens: draws and estimates of noisy in-context recall, memories and transformers in training, truncation.

Knows no theorem; of theory it imports the task description alone. Chapters: `sequences`, `one_layer`, `memory`,
`induction`, `transformer`, and for language models `language`, `prompts`, `laser`, `pocket`. Nothing heavy is loaded
before it is used.

    import simulate
    from theory import Task
    batch = simulate.sample(Task(N=8, T=16, alpha=0.5), 1000, seed=7)

Source: arXiv 2406.03068, experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
