"""Tests of paper_checks.report."""
