from .files import read_prompts
from .real import real_fact_prompts, real_recall_prompts
from .sets import PAPER_FACT, PAPER_RECALL, Prompt, fact_prompts, halves, recall_prompts
from .splits import clusters_of, competing, split_clusters, spread_over_clusters
from .tokens import METRICS, Encoded, Kept, Readings, encode, mean_and_error, measure, one_token, readings

__all__ = [
    "METRICS",
    "PAPER_FACT",
    "PAPER_RECALL",
    "Encoded",
    "Kept",
    "Prompt",
    "Readings",
    "clusters_of",
    "competing",
    "encode",
    "fact_prompts",
    "halves",
    "mean_and_error",
    "measure",
    "one_token",
    "read_prompts",
    "readings",
    "real_fact_prompts",
    "real_recall_prompts",
    "recall_prompts",
    "split_clusters",
    "spread_over_clusters",
]
