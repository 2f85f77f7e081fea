"""Tests of simulate.gsm8k."""
