"""Rows of `simulate.laser`."""

from functools import cache
from pathlib import Path

import torch

from simulate.laser import Choice, Laser, Sweep, matrices, noise_directions, sweep
from simulate.prompts import encode
from tests.arguments.rows import Fresh, Table, of, row
from tests.oracles.laser import model_of
from tests.oracles.tiny_language_models import tiny_tokenizer

from .prompts import PROMPTS

CHOICE = Choice("mlp_in", 0, 1)


@cache
def encoded():
    """Two prompts of words that the tiny tokenizer has."""
    return encode(PROMPTS, tiny_tokenizer())


def model():
    """A decoder of three layers."""
    return model_of("neox")


@cache
def laser():
    """Of that decoder."""
    return Laser(model())


@cache
def matrix():
    """The first one."""
    return matrices(model(), "mlp_in", 0)[0]


@cache
def cut():
    """Of that matrix."""
    return laser().cuts([CHOICE])[0]


@cache
def directions():
    """Of that layer."""
    return noise_directions(model(), encoded(), "mlp_in", 0)[0]


@cache
def swept() -> Sweep:
    """One cell."""
    return sweep(model(), {"own": encoded()}, roles=["mlp_in"], layers=[0], ranks=[1], progress=False)


def weight():
    """The parameter of the matrix."""
    return model().get_parameter(matrix().parameter).detach()


SWEPT = {
    "model": Fresh(model), "prompts": Fresh(lambda: {"own": encoded()}), "roles": ["mlp_in"], "layers": [0],
    "progress": False,
}  # fmt: skip

TABLE = Table(
    rows={
        "Cell": row(
            {"layer": 0, "role": "mlp_in", "rank": 1},
            {"layer": 0, "role": "mlp_in", "fraction": 0.5},
            {"layer": 0, "role": "mlp_in", "without": 1},
        ),
        "Choice": row(
            {"role": "mlp_in", "layer": 0, "rank": 1, "keep": "top"},
            {"role": "mlp_in", "layer": 0, "fraction": 0.5},
            {"role": "mlp_in", "layer": 0, "without": 1},
        ),
        "Laser": row(model=Fresh(model)),
        "Laser.spectrum": of(row(matrix=Fresh(matrix)), on=Fresh(laser)),
        "Laser.cuts": of(row(choices=[CHOICE]), on=Fresh(laser)),
        "Laser.part": of(row(cut=Fresh(cut)), on=Fresh(laser)),
        "Laser.weights": of(row(choice=CHOICE), on=Fresh(laser)),
        "Laser.truncated": of(row(choices=[CHOICE], progress=False), on=Fresh(laser)),
        "Matrix.taken_from": of(row(weight=Fresh(weight)), on=Fresh(matrix)),
        "Matrix.put_into": of(
            row(
                weight=Fresh(lambda: weight().clone()),
                matrix=Fresh(lambda: torch.zeros(matrix().shape, dtype=weight().dtype)),
            ),
            on=Fresh(matrix),
        ),
        "NoiseDirections.of_top": of(row(count=1), on=Fresh(directions)),
        "NoiseDirections.share_of_top": of(row(count=1), on=Fresh(directions)),
        "Sweep.change": of(
            row(cell=Fresh(lambda: next(iter(swept().cells))), name="own", metric="answer", places=slice(None)),
            on=Fresh(swept),
        ),
        "doubling_ranks": row(model=Fresh(model)),
        "layer_count": row(model=Fresh(model)),
        "leads": row(found=Fresh(lambda: swept().whole["own"])),
        "matrices": row(model=Fresh(model), role="mlp_in", layer=0),
        "noise_directions": row(model=Fresh(model), prompts=Fresh(encoded), role="mlp_in", layer=0),
        "sweep": of(
            row(
                {**SWEPT, "ranks": [1], "fractions": [0.5], "without": [1], "whole": Fresh(lambda: swept().whole)},
                {
                    **SWEPT,
                    "roles": None,
                    "layers": None,
                    "cells": Fresh(lambda: list(swept().cells)),
                    "record": Fresh(lambda: Path("sweep.json")),
                },
            ),
            free={"record": ("nowhere",)},
        ),
        "truncated": row(model=Fresh(model), choices=CHOICE),
    },
    results=frozenset({"Cut", "Matrix", "NoiseDirections", "Sweep"}),
)
