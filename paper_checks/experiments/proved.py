"""Sizes at which something is proved, that others than its check need too; maps load them without torch."""

PROVED_RANKS = ((5, 5), (5, 11), (9, 5), (8, 64), (16, 256))
"""(N, T) of T3.2 for which the ranking is proved up to α = 0.99."""
