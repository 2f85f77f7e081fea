"""Formulas in float64: the precision is doubled until the value is settled, seven times at most."""

import flint
import pytest

from theory import Task
from theory.evaluation import evaluate


def off_by(bits):
    """1, as the difference of numbers of so many bits."""
    return lambda N, T, alpha: {"one": (flint.arb(2) ** bits + N - 1) - flint.arb(2) ** bits}


def test_the_last_doubling_is_used():
    task = Task(2, 3, 0.5)
    assert evaluate(off_by(192 * 2**7 - 200), task) == {"one": 1.0}
    with pytest.raises(ArithmeticError, match="24576 bits do not give 60 accurate ones for Task"):
        evaluate(off_by(192 * 2**7 + 200), task)
