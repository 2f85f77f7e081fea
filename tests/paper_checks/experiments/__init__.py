"""Tests of paper_checks.experiments."""
