"""A linear associative memory with one noise output, and its training by gradient descent, with batches or without.

    from simulate import memory
    runs = memory.gradient_descent(memory.orthonormal_embeddings(4), 0.3, [1.0] * 100)
    trained = runs.model(0)  # a torch module: last snapshot of the one run

Source: arXiv 2406.03068, section on associative memories.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
