"""The prompts on which a training of pocket Pythia is observed: held out of it, the same for all training seeds."""

from simulate.prompts.sets import Prompt, fact_prompts, recall_prompts

PROMPTS, SEED = 128, 77
"""How many prompts of recall, and the seed of all."""


def observed_prompts() -> dict[str, tuple[Prompt, ...]]:
    """The prompts by the name of their set, "recall" and "facts"."""
    return {"recall": recall_prompts(PROMPTS, seed=SEED), "facts": fact_prompts(seed=SEED)}
