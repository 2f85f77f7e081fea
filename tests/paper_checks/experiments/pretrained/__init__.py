"""Tests of P on a pretrained model."""
