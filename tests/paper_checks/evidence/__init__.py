"""Tests of paper_checks.evidence."""
