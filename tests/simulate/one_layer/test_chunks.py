"""Chunks of streamed gradients: as large as stated, since sums in other chunks are other floats."""

import numpy as np

from simulate import key_query_moments
from simulate.one_layer import key_query
from theory import Task


def test_chunks_are_of_a_megabyte_or_less(monkeypatch):
    """2^17 entries of float64, the last chunk of a block the rest of it."""
    sizes, original = [], key_query.CentralSums.of_values
    monkeypatch.setattr(
        key_query.CentralSums, "of_values", lambda values: sizes.append(values.size) or original(values)
    )
    task = Task(4, 8, 0.5)
    key_query_moments(task, np.zeros((5, 10)), np.full(5, 0.2), 2**15, seed=1, workers=1)
    rows = 2**17 // 10
    assert sizes == [10 * rows, 10 * rows, 10 * (2**15 - 2 * rows)]
