"""Rows of `simulate.pocket`."""

from functools import cache
from pathlib import Path

from simulate.pocket import PocketTraining
from simulate.pocket.shipped import FOLDER
from tests.arguments.rows import Fresh, Table, of, row

SMALL = {"steps": 1, "batch": 2, "length": 8, "width": 16, "layers": 1, "heads": 2, "vocabulary": 300, "warmup": 1}
TRAINING = PocketTraining(7, **SMALL)


@cache
def tokenizer():
    """Of 300 tokens."""
    from simulate.pocket.training import pocket_tokenizer

    return pocket_tokenizer(300)


TABLE = Table(
    rows={
        "PocketTraining": row(seed=7, rate=0.5, weight_decay=0.5, snapshots=(1,), **SMALL),
        "PocketTraining.rate_at": of(row(step=1), on=TRAINING),
        "is_pocket": of(row(folder=FOLDER), free={"folder": ("nowhere",)}),
        "pocket_folders": row(root=FOLDER),
        "pocket_record": row(root=FOLDER),
        "train_pocket": of(
            row(
                training=TRAINING,
                tokenizer=Fresh(tokenizer),
                keep=lambda step, model: None,
                observe=lambda model: {},
                at=(1,),
                checkpoint=Path("pocket.safetensors"),
                device="cpu",
                advance=lambda updates: None,
            ),
            free={"checkpoint": ("nowhere",)},
        ),
    },
    results=frozenset(),
)
