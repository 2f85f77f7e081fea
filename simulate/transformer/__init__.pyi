from .interventions import frozen, merged_values, truncated, with_weights, without
from .model import Activation, Architecture, Hidden, Positions, Transformer, initialised
from .optimiser import Optimiser
from .plan import LossOn, Training
from .probes import Answer, answers, attention_on_answers, bigram_divergence, memory_recall, previous_token_attention
from .training import Trained, train

__all__ = [
    "Activation",
    "Answer",
    "Architecture",
    "Hidden",
    "LossOn",
    "Optimiser",
    "Positions",
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
