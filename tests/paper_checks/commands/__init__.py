"""Tests of paper_checks.commands."""
