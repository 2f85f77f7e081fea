"""Tests of theory.memory."""
