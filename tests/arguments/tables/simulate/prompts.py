"""Rows of `simulate.prompts`."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from simulate.prompts import Encoded, Prompt, Readings, encode
from tests.arguments.rows import Fresh, Table, of, row
from tests.oracles.laser import model_of
from tests.oracles.tiny_language_models import tiny_tokenizer

PROMPTS = (
    Prompt("w3 w4 w5", " w6", " w7", "first", " w8", cluster="a"),
    Prompt("w4 w3 w9", " w7", " w6", "second", " w8", cluster="b"),
)
READINGS = Readings(*(np.array([0.5, 0.25]) for _ in range(5)))
ANY = ("nonsense", "empty")


@cache
def encoded() -> Encoded:
    """The two prompts."""
    return encode(PROMPTS, tiny_tokenizer())


def logits():
    """Of a vocabulary of 29."""
    return iter([(np.array([0, 1]), torch.arange(58.0).reshape(2, 29))])


def file() -> Path:
    """One prompt."""
    path = Path("prompts.jsonl")
    path.write_text('{"text": "The Eiffel Tower is in", "answer": " Paris", "distractor": " Rome"}\n')
    return path


TABLE = Table(
    rows={
        "Encoded.at": of(row(places=np.array([1])), on=Fresh(encoded)),
        "Prompt": of(
            row(text="w3 w4", answer=" w5", distractor=" w6", template="one", distributional=" w7", cluster="a"),
            free=dict.fromkeys(("text", "answer", "distractor", "template", "distributional", "cluster"), ANY),
        ),
        "Readings.at": of(row(places=np.array([1])), on=READINGS),
        "clusters_of": row(prompts=PROMPTS),
        "competing": row(found=READINGS, parts=20.0),
        "encode": of(row(prompts=PROMPTS, tokenizer=Fresh(tiny_tokenizer), start="<s>"), free={"start": ("empty",)}),
        "fact_prompts": row(count=2, seed=1, held_out="both"),
        "halves": row(count=4),
        "mean_and_error": of(row(values=np.array([0.5, 0.25, 0.75]), clusters=("a", "b", "c")), unbounded=True),
        "measure": row(model=Fresh(lambda: model_of("neox")), encoded=Fresh(encoded)),
        "one_token": row(prompts=PROMPTS, tokenizer=Fresh(tiny_tokenizer)),
        "read_prompts": row(path=Fresh(file)),
        "readings": row(logits=Fresh(logits), encoded=Fresh(encoded)),
        "real_fact_prompts": row(seed=1, part="claim", templates_per_city=1),
        "real_recall_prompts": row(count=2, seed=1, part="claim"),
        "recall_prompts": row(count=2, seed=1, held_out="both"),
        "split_clusters": row(prompts=PROMPTS, seed=1),
        "spread_over_clusters": row(prompts=PROMPTS, places=np.array([0, 1]), most=1),
    },
    results=frozenset({"Encoded", "Kept", "Readings"}),
)
