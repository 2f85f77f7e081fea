"""The seed from which all others follow."""

DEFAULT_SEED = 20240603
"""The base seed of a run, and of a picture, for which none is given."""
