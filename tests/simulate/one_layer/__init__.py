"""Tests of simulate.one_layer."""
