from .reduction import Choice, Cut, Laser, truncated
from .roles import ROLES, SINGLE_ROLES, Matrix, layer_count, matrices
from .sweeps import Cell, Sweep, doubling_ranks, sweep

__all__ = [
    "ROLES",
    "SINGLE_ROLES",
    "Cell",
    "Choice",
    "Cut",
    "Laser",
    "Matrix",
    "Sweep",
    "doubling_ranks",
    "layer_count",
    "matrices",
    "sweep",
    "truncated",
]
