"""Tests of simulate.runtime."""
