"""What a claim is judged by and kept as: comparator, ledger, designs, records. Knows nothing of the papers."""

DEFAULT_SEED = 20240603
"""The base seed of a run, and of a picture, for which none is given."""
