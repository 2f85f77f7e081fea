"""Checks of T1. One gradient step."""
