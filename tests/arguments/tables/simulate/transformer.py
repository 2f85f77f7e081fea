"""Rows of `simulate.transformer`."""

import tempfile
from pathlib import Path

import torch

from simulate import Chain, Recall
from simulate.transformer import Architecture, Hidden, Optimiser, Trained, Training, initialised
from tests.arguments.rows import Fresh, Table, of, row
from tests.arguments.tables.common import CHAIN as TRANSITION

CHAIN = Chain(TRANSITION)
LAW = Recall(CHAIN, 5, (0,), 0.5, 2)
ARCHITECTURE = Architecture(3, 5, 4, Hidden(5), Hidden(5))
MODEL = initialised(ARCHITECTURE, seed=1)
BATCH = LAW.sample(4, seed=1)
AT = BATCH.correct >= 0
IN = {"tokens": BATCH.tokens, "at": AT}
ON_BATCH = {"model": MODEL, "batch": BATCH}
SGD = Optimiser("SGD", {"lr": 0.5})
TRAINING = Training(ARCHITECTURE, LAW, SGD, 4, 2, 1)
HISTORY = Trained(MODEL, [{"updates": 0.0, "loss": 1.0}])


def nothing(model):
    """Observed: one number."""
    return {"one": 1.0}


TABLE = Table(
    rows={
        "Architecture": of(
            row(tokens=3, length=5, width=4, F1=Hidden(5), F2=Hidden(5), positions="random", frozen=("W_V1",))
        ),
        "Hidden": row(size=5, activation="relu"),
        "Optimiser": of(
            row(name="SGD", settings={"lr": 0.5, "momentum": 0.5}),
            alias={"name": "optimiser", "settings": "lr"},
            more=(
                ("momentum=NaN", {"settings": {"lr": 0.5, "momentum": float("nan")}}, "momentum"),
                ("lr=NaN", {"settings": {"lr": float("nan")}}, "lr"),
                ("unknown setting", {"settings": {"lr": 0.5, "momentums": 0.5}}, "momentums"),
            ),
        ),
        "Optimiser.over": of(row(weights=[torch.nn.Parameter(torch.zeros(2, 2))]), on=SGD),
        "Trained.curve": of(row(name="loss"), on=HISTORY),
        "Training": row(
            architecture=ARCHITECTURE,
            law=LAW,
            optimiser=SGD,
            batch=4,
            steps=2,
            seed=1,
            loss_on="recall",
            products="float32",
        ),
        "Training.loss": of(row(ON_BATCH), on=TRAINING),
        "Transformer": of(row(architecture=ARCHITECTURE, dtype=torch.float32), unbounded=True),
        "Transformer.forward": of(row({**IN, "products": "float32"}), on=MODEL),
        "Transformer.attention": of(row(IN), on=MODEL),
        "Transformer.first_attention": of(row(tokens=BATCH.tokens), on=MODEL),
        "Transformer.attended": of(row(IN), on=MODEL),
        "Transformer.second_layer": of(row(IN), on=MODEL),
        "Transformer.read_in": of(row({**IN, "products": "float32"}), on=MODEL),
        "Transformer.read_out": of(
            row(asked=torch.ones(3, 4), read=torch.ones(3, 4), products="float32"),
            on=MODEL,
            unbounded=True,  # between the layers of one model, where looking for NaN would cost each update
            free={"asked": ("NaN", "inf"), "read": ("NaN", "inf")},
        ),
        "Transformer.check": of(row(IN), on=MODEL),
        "Transformer.check_tokens": of(row(tokens=BATCH.tokens), on=MODEL),
        "answers": row({**ON_BATCH, "at": AT}),
        "attention_on_answers": row({**ON_BATCH, "at": AT}),
        "bigram_divergence": row({**ON_BATCH, "chain": CHAIN}),
        "frozen": of(row(model=MODEL, names=["W_V1"]), alias={"names": "weights"}),
        "initialised": row(architecture=ARCHITECTURE, seed=1, dtype=torch.float32, device="cpu"),
        "memory_recall": row(model=MODEL),
        "merged_values": row(model=MODEL, layer=1),
        "previous_token_attention": row(ON_BATCH),
        "train": of(
            row(
                training=TRAINING,
                device="cpu",
                observe=nothing,
                at=(1,),
                until=lambda observed: False,
                checkpoint=Fresh(lambda: Path(tempfile.mkdtemp(dir=".")) / "training.safetensors"),
                every=1,
                progress=False,
            ),
            free={"checkpoint": ("nowhere",)},
            more=(
                ("observe gives an int", {"observe": lambda model: 3}, "observe"),
                ("observe gives NaN", {"observe": lambda model: {"one": float("nan")}}, "observe"),
                ("observe gives text", {"observe": lambda model: {"one": "two"}}, "observe"),
                ("until gives text", {"until": lambda observed: "no"}, "until"),
            ),
        ),
        "truncated": of(
            row(
                {"model": MODEL, "name": "F1.w1", "rank": 1, "keep": "top"},
                {"model": MODEL, "name": "F1.w1", "fraction": 0.5},
            ),
            alias={"name": "weights"},
        ),
        "with_weights": row(model=MODEL, weights={"W_V1": torch.zeros(4, 4)}),
        "without": row(model=MODEL, layer="F1"),
    },
    results=frozenset({"Answer", "Trained"}),
)
