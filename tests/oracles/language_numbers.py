"""Numbers of the pictures of language models, made by hand as the ledger has them, and a tokenizer of their prompts."""

import re

import numpy as np

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments.language import Answers, ModelSweep, prompt_sets
from paper_checks.pictures.language import data
from paper_checks.pictures.language.beside_data import Side
from simulate.laser.roles import ROLES
from simulate.laser.sweeps import Cell, Sweep
from simulate.prompts.tokens import Readings

from .tiny_language_models import KINDS, SIZES, tiny_tokenizer

SHIFT = np.tile([0.01, -0.01, 0.03, -0.03], 3)
"""What the prompts differ by; mean 0 over all, over each half too."""
HELPS = Cell(3, "mlp_in", 1)
"""The one cell that raises P(answer) and lowers P("the") by much more than the prompts differ."""
STEPS = (0, 16, 64, 256, 2000)


def readings(answer, generic, noise=1.0):
    """Twelve prompts with these means."""
    spread = noise * SHIFT
    right = (answer + spread > 0.5).astype(float)
    return Readings(answer + spread, generic - spread, np.ones(12), np.full(12, 2.0), right)


def changes(cell):
    """P(answer) and P("the") of a cell less those of the whole model."""
    if cell == HELPS:
        return 0.25, -0.15
    lost = 2.0 ** -(cell.rank + 1)
    if cell.role == "mlp_in":
        return 0.1 * lost - 0.02 * (3 - cell.layer), -0.1 * lost
    return {"mlp_out": (0.03 * lost, 0.05 * lost), "attention_qkv": (-0.3 * lost, 0.2 * lost)}.get(
        cell.role, (-0.004 * lost, 0.0)
    )


def model_sweep(layers=4, ranks=(0, 1, 2, 4), of=changes):
    """Answers of P(answer) = 0.4 and P("the") = 0.5, changed by `of` in every cell."""
    cells = {}
    for cell in (Cell(layer, role, rank) for layer in range(layers) for role in ROLES for rank in ranks):
        answer, generic = of(cell)
        cells[cell] = {"recall": readings(0.4 + answer, 0.5 + generic, 1.5)}
    made = Sweep({"recall": readings(0.4, 0.5)}, cells)
    return ModelSweep("seed 1, 2000 updates", "0123456789abcdef" * 4, layers, made)


def sweep_cells(held=True, **options):
    return data.SweepCells(model_sweep(**options), "recall", "Pocket Pythia, seed 1, 2000 updates", held)


def answers(answer, generic, name="a"):
    """The same on both sets of prompts; facts are less probable."""
    sets = {"recall": readings(answer, generic), "facts": readings(0.8 * answer, generic)}
    return Answers(name, name * 64, sets)


def checkpoints(held=True, late=0.5):
    """ "the" from 64 updates on, the answer from 256 on; `late` is P("the") there."""
    means = {0: (0.04, 0.04), 16: (0.05, 0.1), 64: (0.1, late), 256: (0.3, 0.6), 2000: (0.5, 0.45)}
    found = {step: answers(*pair, name) for (step, pair), name in zip(means.items(), "abcde", strict=True)}
    others = {seed: {64: answers(0.08, 0.4, "f"), 2000: answers(0.55, 0.42, "0")} for seed in (2, 3)}
    return data.Checkpoints(found, "Pocket Pythia, seed 1", held, others)


def shown():
    """What the two pictures show."""
    return {"sweep": sweep_cells(), "checkpoints": checkpoints()}


def spoiled(name, held=True):
    """The best cell is none, or "the" comes no earlier than the answer."""
    if name == "checkpoints":
        return checkpoints(held, late=0.1)

    def of(cell):
        worse = {HELPS: (-0.15, 0.05)}.get(cell, (-0.3, 0.3))
        return changes(cell) if cell.role.startswith("attention") else worse

    return sweep_cells(held, of=of)


def prompt_words():
    """All words and signs of the prompts and of what may follow them."""
    texts = [
        " ".join((prompt.text, prompt.answer, prompt.distractor, prompt.distributional))
        for prompts in prompt_sets(DEFAULT_SEED).values()
        for prompt in prompts
    ]
    return sorted(set(re.findall(r"\w+|[^\w\s]+", " ".join(texts))))


def prompted_model(folder, seed=0):
    """A folder with a random GPT-NeoX of two layers whose tokenizer knows the prompts of the default seed."""
    import torch

    words, (model_class, more) = prompt_words(), KINDS["neox"]
    config = model_class.config_class(**SIZES | {"vocab_size": len(words) + 3}, **more)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model_class(config).save_pretrained(folder)
    tiny_tokenizer(words).save_pretrained(folder)
    return folder


CHOOSE, REPORT = np.array([0, 1, 4, 5, 8, 9]), np.array([2, 3, 6, 7, 10, 11])
CLUSTERS = [str(place // 2) for place in range(12)]
SETS = ("recall", "facts")
BEST = {  # by model, set and kind: the cell that helps most
    "small": {"recall": (Cell(3, "mlp_in", 2), Cell(1, "attention_qkv", 4)),
              "facts": (Cell(2, "mlp_out", 4), Cell(0, "attention_out", 1))},
    "real": {"recall": (Cell(28, "mlp_up", fraction=0.5), Cell(29, "value", fraction=0.5)),
             "facts": (Cell(28, "mlp_in", 0), Cell(28, "query", fraction=0.1))},
}  # fmt: skip
WITHOUT = Cell(29, "mlp_gate", without=4)
SMALL = [
    Cell(layer, role, rank)
    for layer in range(4)
    for role in ("attention_qkv", "attention_out", "mlp_in", "mlp_out")
    for rank in (0, 1, 2, 4)
]
REAL = [
    cell
    for layer in (28, 29)
    for role in ("mlp_in", "mlp_gate", "mlp_up", "mlp_out", "query", "value")
    for cell in (
        *([Cell(layer, role, 0)] if role == "mlp_in" else []),
        Cell(layer, role, fraction=0.1),
        Cell(layer, role, fraction=0.5),
        Cell(layer, role, without=4),
    )
]


def beside_changes(cell, best):
    """P(answer) and P("the") of a cell less those of the whole model."""
    if cell == best[0]:
        return 0.3, -0.2
    if cell == best[1]:
        return 0.1, -0.1
    if cell == WITHOUT:
        return 0.15, -0.05
    return -0.01 * (1 + cell.layer % 4), 0.02


def side(name, of=beside_changes):
    """A model named "small", all layers at ranks, or "real", its last two at fractions; twelve prompts in pairs."""
    cells = {
        cell: {
            one: readings(0.4 + up, 0.5 + down, 1.5)
            for one in SETS
            for up, down in [of(cell, BEST[name][one])]
        }
        for cell in (SMALL if name == "small" else REAL)
    }  # fmt: skip
    model, note = {"small": ("Pocket, seed 1", "of seed 1"), "real": ("Smol, 4-bit", "its prompts are few")}[name]
    return Side(
        model,
        note,
        Sweep({one: readings(0.4, 0.5) for one in SETS}, cells),
        8 if name == "small" else None,
        dict.fromkeys(SETS, CLUSTERS),
        dict.fromkeys(SETS, (CHOOSE, REPORT)),
    )


def sides():
    return [side("small"), side("real")]
