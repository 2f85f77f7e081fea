"""Checks of T4. The linear associative memory."""
