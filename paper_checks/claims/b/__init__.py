"""Checks of B. Birth of a Transformer: memories, induction heads, what training builds first."""
