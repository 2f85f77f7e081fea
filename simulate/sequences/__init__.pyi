from .counted import Chain
from .law_recall import LawRecall
from .recall import Outputs, Recall, RecallBatch
from .sampling import Batch, sample, sample_stream
from .shakespeare import CharacterChain, shakespeare_chain

__all__ = [
    "Batch",
    "Chain",
    "CharacterChain",
    "LawRecall",
    "Outputs",
    "Recall",
    "RecallBatch",
    "sample",
    "sample_stream",
    "shakespeare_chain",
]
