"""Sizes at which something is proved that is stated elsewhere too; nothing is imported, so that maps load it at once."""

PROVED_RANKS = ((5, 5), (5, 11), (9, 5), (8, 64), (16, 256))
"""(N, T) of T3.2 for which the ranking is proved up to α = 0.99."""
