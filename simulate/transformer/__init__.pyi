from .interventions import frozen, merged_values, truncated, with_weights, without
from .model import Architecture, Hidden, Transformer, initialised
from .optimiser import Optimiser
from .plan import Training
from .probes import Answer, answers, attention_on_answers, bigram_divergence, memory_recall, previous_token_attention
from .training import Trained, train

__all__ = [
    "Answer",
    "Architecture",
    "Hidden",
    "Optimiser",
    "Trained",
    "Training",
    "Transformer",
    "answers",
    "attention_on_answers",
    "bigram_divergence",
    "frozen",
    "initialised",
    "memory_recall",
    "merged_values",
    "previous_token_attention",
    "train",
    "truncated",
    "with_weights",
    "without",
]
