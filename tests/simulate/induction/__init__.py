"""Tests of simulate.induction."""
