"""Does theory agree with what happens? Claims, the comparator that judges them, the ledger that keeps the evidence."""

DEFAULT_SEED = 20240603
"""The base seed of a run, and of a picture, for which none is given."""
