from .model import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from .training import Trajectory, gradient_descent, stochastic_gradient_descent

__all__ = [
    "AssociativeMemory",
    "Embeddings",
    "Trajectory",
    "gaussian_embeddings",
    "gradient_descent",
    "orthonormal_embeddings",
    "stochastic_gradient_descent",
]
