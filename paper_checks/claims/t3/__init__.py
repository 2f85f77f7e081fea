"""Checks of T3. What attention learns."""
