from .counted import Chain
from .recall import Outputs, Recall, RecallBatch
from .sampling import Batch, sample, sample_stream
from .shakespeare import CharacterChain, shakespeare_chain

__all__ = [
    "Batch",
    "Chain",
    "CharacterChain",
    "Outputs",
    "Recall",
    "RecallBatch",
    "sample",
    "sample_stream",
    "shakespeare_chain",
]
