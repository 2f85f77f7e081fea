"""Jobs of a known duration."""

import time

import numpy as np

from paper_checks.jobs import job


@job("waits", cost=lambda number, seconds: seconds)
def wait(number: int, seconds: float) -> np.ndarray:
    """A thousand numbers, after so many seconds by the clock in which no processor is needed."""
    time.sleep(seconds)
    return np.full(1000, float(number))
