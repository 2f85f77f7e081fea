"""Tests of paper_checks."""
