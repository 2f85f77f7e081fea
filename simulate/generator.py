"""The SFC64 random generator inside compiled kernels.

Handing a numpy Generator to a numba function costs a tenth of a millisecond per call, more than some blocks take; so
the kernels advance the generator's four words themselves, and produce the very stream of `Generator.random`.
"""

import numpy as np
from numba import njit
from numpy.random import SFC64, SeedSequence
from numpy.typing import NDArray


def sfc64_state(seed_sequence: SeedSequence) -> NDArray[np.uint64]:
    """The four words (a, b, c, counter) of a fresh SFC64 generator, shape (4,)."""
    return np.array(SFC64(seed_sequence).state["state"]["state"], dtype=np.uint64)


@njit(inline="always")
def next_uniform(state: NDArray[np.uint64]) -> float:
    """Advance `state` and return a uniform double in [0, 1), a multiple of 2⁻⁵³."""
    word = state[0] + state[1] + state[3]
    state[3] += np.uint64(1)
    state[0] = state[1] ^ (state[1] >> np.uint64(11))
    state[1] = state[2] + (state[2] << np.uint64(3))
    state[2] = ((state[2] << np.uint64(24)) | (state[2] >> np.uint64(40))) + word
    return np.float64(word >> np.uint64(11)) * 2.0**-53
