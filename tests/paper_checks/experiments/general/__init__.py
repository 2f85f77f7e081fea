"""Tests of the experiments on general laws."""
