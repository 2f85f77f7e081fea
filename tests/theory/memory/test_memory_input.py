"""Bad input to the theory of the memory is refused by name, value and what is accepted."""

import math
from fractions import Fraction

import numpy as np
import pytest

from theory.memory import gradient_flow as memory
from theory.memory.gradient_flow import (
    late_constant,
    late_noise_probability,
    late_values,
    logits,
    predictions,
    top_space,
    values,
)
from theory.memory.spectrum import (
    crossing_time,
    early_crossing_time,
    early_top_space,
    late_crossing_time,
    level_at_tie,
    positive_noise_time,
    singular_gap,
    singular_values,
    singular_vectors,
    top_space_at,
)
from theory.memory.truncations import (
    noise_removed_error,
    noise_removed_error_limit,
    noise_removed_predictions,
    truncation,
)

BAD_MEMORIES = [
    (1, 0.3, ValueError, "n must be an integer >= 2, got 1"),
    (2.0, 0.3, TypeError, r"n must be an integer >= 2, got 2\.0 \(float\)"),
    (True, 0.3, TypeError, "n must be an integer >= 2, got True"),
    (3, 0, ValueError, "alpha must be a real number strictly between 0 and 1, got 0"),
    (3, Fraction(1), ValueError, "alpha must be a real number strictly between 0 and 1, got Fraction"),
    (3, 1.5, ValueError, r"alpha must be a real number in \[0, 1\], got 1.5"),
    (3, math.nan, ValueError, r"alpha must be a real number in \[0, 1\], got nan"),
    (3, True, TypeError, "alpha must be a real number"),
    (3, "0.3", TypeError, "alpha must be a real number"),
    (3, None, TypeError, "alpha must be a real number"),
]
BAD_TIMES = [(-1, ValueError), (-1e-300, ValueError), (math.nan, ValueError), (math.inf, ValueError)]
BAD_TIMES += [(10**400, ValueError), (Fraction(-1, 10**400), ValueError)]
BAD_TIMES += [(True, TypeError), (np.True_, TypeError), ("1", TypeError), (1j, TypeError), (None, TypeError)]
TIMED = [
    values,
    logits,
    predictions,
    late_values,
    late_noise_probability,
    singular_values,
    singular_gap,
    top_space_at,
    noise_removed_predictions,
    noise_removed_error,
    noise_removed_error_limit,
    lambda n, alpha, t: truncation(n, alpha, t, 1),
]
TIMELESS = [late_constant, top_space, early_top_space, crossing_time, positive_noise_time]
TIMELESS += [early_crossing_time, late_crossing_time]


@pytest.mark.parametrize(("n", "alpha", "error", "message"), BAD_MEMORIES)
def test_memories(n, alpha, error, message):
    for call in TIMELESS:
        with pytest.raises(error, match=message):
            call(n, alpha)
    for call in TIMED:
        with pytest.raises(error, match=message):
            call(n, alpha, 1.0)


@pytest.mark.parametrize(("t", "error"), BAD_TIMES)
def test_times(t, error):
    for call in TIMED:
        with pytest.raises(error, match=r"t must be a finite real number >= 0.* got "):
            call(3, 0.3, t)


def test_what_else_is_refused():
    for call in (late_values, late_noise_probability, noise_removed_error_limit):
        with pytest.raises(ValueError, match="t must be > 0 for the behaviour at late times, got 0"):
            call(3, 0.3, 0)
    with pytest.raises(ValueError, match="n = 23171: the logits take 4295347296 bytes, at most 4294967296"):
        logits(23171, 0.3, 1.0)
    with pytest.raises(ValueError, match="n = 100000: the singular vectors take"):
        singular_vectors(100000)
    with pytest.raises(TypeError, match="times must be a real array, got dtype <U1"):
        memory.flow(3, 0.3, ["1"])
    with pytest.raises(ValueError, match=r"times must be an array of real numbers >= 0, got -1\.0"):
        memory.flow(3, 0.3, [1.0, -1.0])
    with pytest.raises(ValueError, match="D must be a finite real number >= 0"):
        level_at_tie(3, -1)
    for call in (crossing_time, late_crossing_time):
        with pytest.raises(ValueError, match=r"no float is large enough for the .*time .*n=4, alpha=1e-300"):
            call(4, 1e-300)
