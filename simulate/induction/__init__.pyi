from .model import BlockGradients, TwoLayer, two_layer_gradient
from .sequences import InductionBatch, sample_induction
from .steps import Grams, gaussian_grams, stepped

__all__ = [
    "BlockGradients",
    "Grams",
    "InductionBatch",
    "TwoLayer",
    "gaussian_grams",
    "sample_induction",
    "stepped",
    "two_layer_gradient",
]
