"""Rows of `simulate.language`."""

import tempfile
from functools import cache
from pathlib import Path

from tests.arguments.rows import Fresh, Table, of, row
from tests.oracles.tiny_language_models import cached, tiny_model, tiny_tokenizer, written


@cache
def folder() -> Path:
    """A tiny model, written once per process that runs cases."""
    place = Path("tiny")
    return place if (place / "config.json").exists() else written(place)


def new() -> Path:
    """An empty folder."""
    return Path(tempfile.mkdtemp(dir="."))


@cache
def hub() -> Path:
    """A cache of the hub that has the model."""
    cached(Path("cache"), folder())
    return Path("cache")


@cache
def loaded():
    """The model in the folder."""
    from simulate.language import load_language_model

    return load_language_model(folder())


FROM_HUB = {"source": "org/tiny", "revision": "step1000", "cache_dir": Fresh(hub)}
FREE = {"cache_dir": ("nowhere",)}

TABLE = Table(
    rows={
        "find_folder": of(
            row({"source": Fresh(folder)}, FROM_HUB),
            free=FREE,
            raises=(ConnectionError,),
        ),
        "identical_weights": row(models=Fresh(lambda: [loaded(), loaded()])),
        "load_language_model": of(
            row({"source": Fresh(folder), "device": "cpu", "dtype": "float32"}, FROM_HUB),
            free=FREE,
            raises=(ConnectionError,),
        ),
        "save_model": of(
            row(
                model=Fresh(lambda: tiny_model("neox")),
                tokenizer=Fresh(tiny_tokenizer),
                folder=Fresh(lambda: Path(tempfile.mkdtemp(dir="."))),
            ),
            free={"folder": ("nowhere",), "tokenizer": ("None",)},
        ),
    },
    results=frozenset({"LanguageModel"}),
)
