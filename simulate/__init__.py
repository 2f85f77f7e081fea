"""What happens: draws and estimates of noisy in-context recall, memories and transformers in training, truncation.

Knows no theorem; of theory it imports the task description alone. Chapters: `sequences`, `one_layer`, `memory`,
`induction`, `transformer`, and for language models `language`, `prompts`, `laser`, `pocket`. Nothing heavy is loaded
before it is used.

    import simulate
    from theory import Task
    batch = simulate.sample(Task(N=8, T=16, alpha=0.5), 1000, seed=7)

Source: arXiv 2406.03068, experiments.
"""

from typing import Any

import lazy_loader

_loaded, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A name of the face, loaded when it is first asked for; the version of the installed distribution likewise."""
    if name == "__version__":
        from importlib.metadata import version

        return version("distributional-associations-verified")
    return _loaded(name)
