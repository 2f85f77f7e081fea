"""What tests of theory share: a second arithmetic, mpmath's, for the generic formulas."""

from fractions import Fraction

import mpmath


def at_precision(formula, task, bits):
    """`formula(N, T, alpha)` in mpmath numbers of the given precision; what underflows a float64 becomes 0."""
    context = mpmath.MPContext()
    context.prec = bits
    level = Fraction(task.alpha)
    values = formula(context.mpf(task.N), task.T, context.mpf(level.numerator) / level.denominator)
    return {key: value if abs(value) > mpmath.mpf(2) ** -1070 else 0.0 for key, value in values.items()}
