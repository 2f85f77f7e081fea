"""Sweeps of language models as jobs, a layer each: every one is kept when it is done, so an interrupt costs one layer.

    made = swept(Subject("smollm2", sha256), {"facts": prompts}, cells)

Layers are independent: which processes do them, and in which order, does not change a number.
"""

from .jobs import Subject, asked, joined, layer_sweep, loaded, sweep_jobs, swept

__all__ = ["Subject", "asked", "joined", "layer_sweep", "loaded", "sweep_jobs", "swept"]
