"""Small settings that tables share."""

from fractions import Fraction
from typing import Any

import numpy as np

from theory import Law, Task
from theory.birth import InductionTask

TASK = Task(N=5, T=7, alpha=0.5)
EXACT_TASK = Task(N=5, T=7, alpha=Fraction(1, 2))
INDUCTION = InductionTask(N=8, T=9)
CHAIN = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25]])


def law(alpha: Any = Fraction(1, 2)) -> Law:
    """Three tokens, of which the last is the noise."""
    ordinary = [[Fraction(1, 4), Fraction(3, 4), 0], [Fraction(1, 2), Fraction(1, 2), 0], [Fraction(1, 2)] * 2 + [0]]
    return Law(ordinary, T=5, trigger=0, alpha=alpha, noise=[0, 0, 1])


LAW = law()
