"""Tests of paper_checks.scope."""
