"""Checks of G. General laws: any chain, any answers, any noise."""
