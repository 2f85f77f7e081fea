"""Tests of simulate.language."""
