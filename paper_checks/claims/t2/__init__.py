"""Checks of T2. Gradient noise."""
