"""Tests of paper_checks.session."""
