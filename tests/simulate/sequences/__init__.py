"""Tests of simulate.sequences."""
