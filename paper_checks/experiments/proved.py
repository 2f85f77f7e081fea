"""Where statements are proved, apart from what proves them: the help of a command lists it, and loads nothing heavy."""

PROVED_RANKS = ((5, 5), (5, 11), (9, 5), (8, 64), (16, 256))
"""(N, T) of T3.2 for which the ranking is proved up to α = 0.99."""
