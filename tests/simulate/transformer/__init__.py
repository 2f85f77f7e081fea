"""Tests of simulate.transformer."""
