from .gradients import BlockGradients, two_layer_gradient
from .model import TwoLayer
from .sequences import InductionBatch, sample_induction
from .steps import Grams, gaussian_grams, gradient_step

__all__ = [
    "BlockGradients",
    "Grams",
    "InductionBatch",
    "TwoLayer",
    "gaussian_grams",
    "gradient_step",
    "sample_induction",
    "two_layer_gradient",
]
