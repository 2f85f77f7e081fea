from .sets import PAPER_FACT, PAPER_RECALL, Prompt, fact_prompts, halves, recall_prompts
from .tokens import METRICS, Encoded, Readings, encode, mean_and_error, measure, readings

__all__ = [
    "METRICS",
    "PAPER_FACT",
    "PAPER_RECALL",
    "Encoded",
    "Prompt",
    "Readings",
    "encode",
    "fact_prompts",
    "halves",
    "mean_and_error",
    "measure",
    "readings",
    "recall_prompts",
]
