"""Tests of simulate.memory."""
