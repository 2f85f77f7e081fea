from .directions import NoiseDirections, leads, noise_directions
from .reduction import Choice, Cut, Laser, truncated
from .roles import ROLES, SINGLE_ROLES, GroupRole, Matrix, Role, SingleRole, layer_count, matrices
from .sweeps import Cell, Sweep, doubling_ranks, sweep

__all__ = [
    "ROLES",
    "SINGLE_ROLES",
    "Cell",
    "Choice",
    "Cut",
    "GroupRole",
    "Laser",
    "Matrix",
    "NoiseDirections",
    "Role",
    "SingleRole",
    "Sweep",
    "doubling_ranks",
    "layer_count",
    "leads",
    "matrices",
    "noise_directions",
    "sweep",
    "truncated",
]
