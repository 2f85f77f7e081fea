"""Checks of E. Two-layer transformers trained on noisy in-context recall."""
