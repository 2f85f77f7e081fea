"""Tests of simulate.laser."""
