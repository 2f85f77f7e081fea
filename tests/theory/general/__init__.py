"""Tests of theory.general."""
