"""A LASER sweep against loading the model, truncating it and asking it anew in every cell."""

import numpy as np
import pytest

from tests.benchmarks.notes import amount, at_least

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from simulate.language.models import load_language_model
from simulate.laser.reduction import truncated
from simulate.laser.sweeps import sweep
from simulate.pocket.shipped import pocket_folders
from simulate.prompts.sets import fact_prompts, recall_prompts
from simulate.prompts.tokens import encode, measure

LAYERS = (3,)
"""The fourth of six: a sweep computes anew from the layer of a cell on."""

cells = pytest.mark.benchmark(group="LASER sweep of pocket Pythia: layer 4 of 6, 4 roles, 8 ranks, 48 prompts")


@pytest.fixture(scope="module")
def folder():
    steps = next(iter(pocket_folders().values()))
    return steps[max(steps)]


@pytest.fixture(scope="module")
def loaded(folder):
    return load_language_model(folder)


@pytest.fixture(scope="module")
def prompts(loaded):
    drawn = {"recall": recall_prompts(24, seed=1), "facts": fact_prompts(24, seed=1)}
    return {name: encode(some, loaded.tokenizer) for name, some in drawn.items()}


@pytest.fixture(scope="module")
def swept(loaded, prompts):
    return sweep(loaded.model, prompts, layers=LAYERS, progress=False).cells


@cells
def test_sweep(benchmark, loaded, prompts, swept):
    amount(benchmark, len(swept), "cells")
    benchmark(sweep, loaded.model, prompts, layers=LAYERS, progress=False)


@cells
def test_one_model_per_cell(benchmark, folder, prompts, swept):
    def anew():
        models = {cell: truncated(load_language_model(folder).model, cell.choice) for cell in swept}
        return {cell: {name: measure(model, some) for name, some in prompts.items()} for cell, model in models.items()}

    at_least(benchmark, 7, of="sweep")
    found = benchmark.pedantic(anew, rounds=3)
    for cell, answers in swept.items():
        for name, some in answers.items():
            np.testing.assert_allclose(found[cell][name].answer, some.answer, atol=1e-3)
