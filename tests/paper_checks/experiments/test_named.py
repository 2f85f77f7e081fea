"""Names of comparisons are words, not what Python prints."""

from fractions import Fraction

import numpy as np
import pytest

from paper_checks.experiments.memory import Case, EqualSteps
from paper_checks.experiments.named import in_words
from theory import Task
from theory.birth import InductionTask


@pytest.mark.parametrize(("value", "words"), [
    (Task(7, 5, Fraction(3, 4), 4), "N = 7, T = 5, α = 3/4, q = 4"),
    (Task(2, 2, 1), "N = 2, T = 2, α = 1, q = 0"),
    (Task(8, 1000, 1e-6), "N = 8, T = 1000, α = 10⁻⁶, q = 0"),
    (InductionTask(20, 16), "N = 20, T = 16"),
    (Case(2, 0.3), "n = 2, α = 0.3"),
    (EqualSteps(2, 0.05, 100, 2.0), "n = 2, α = 0.05, batch 100, rate 2"),
    (5**-0.5, "0.447214"), (np.float64(1e6), "10⁶"), (2.5e-7, "2.5·10⁻⁷"), (0.0, "0"), (Fraction(1, 3), "1/3"),
    (("c", "k"), "c and k"), (("E",), "E"), ("noise", "noise"), (7, "7"),
])  # fmt: skip
def test_what_a_comparison_is_of(value, words):
    assert in_words(value) == words


def test_digits_are_those_asked_for():
    assert in_words(1043.7, 3) == "1.04·10³" and in_words(0.12345, 3) == "0.123"
