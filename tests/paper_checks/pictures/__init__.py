"""Tests of paper_checks.pictures."""
