"""What a training of the two-layer transformer is: model, law, optimiser, sizes, seed and loss.

Source: Chen, Bruna, Bietti (ICLR 2025) and Bietti et al. (NeurIPS 2023), training of the two-layer transformer.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import torch
from torch.nn import functional

from simulate.sequences.recall import Recall, RecallBatch
from theory.arguments import Count, Seed, checked

from .model import Architecture, Transformer
from .optimiser import Optimiser
from .products import Products

LossOn: TypeAlias = Literal["recall", "every"]


@checked
@dataclass(frozen=True)
class Training:
    """What is trained, on what, how.

    Args:
        architecture: the model; as many tokens as the law has, and positions for its length.
        law: the law of the sequences.
        optimiser: the optimiser.
        batch: sequences per update, >= 1.
        steps: number of updates, >= 1.
        seed: of the first weights and of all batches.
        loss_on: "recall" is the cross-entropy at triggers that stood earlier in the sequence, "every" at all positions.
        products: of the training's matrices, as in the module of this name; `train` refuses "bfloat16" where the
            processor has none. Observations are made in float32.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, or model and law that do not fit.
    """

    architecture: Architecture
    law: Recall
    optimiser: Optimiser
    batch: Count
    steps: Count
    seed: Seed
    loss_on: LossOn = "recall"
    products: Products = "float32"

    def __post_init__(self) -> None:
        model, law = self.architecture, self.law
        if not model.learning:
            raise ValueError(f"architecture must have weights that learn, got frozen = {model.frozen}")
        if model.tokens != law.M:
            raise ValueError(f"architecture must have as many tokens as the law, {law.M}, got {model.tokens}")
        if model.length < law.T:
            raise ValueError(
                f"architecture must have positions for sequences of T = {law.T}, got length = {model.length}"
            )

    @property
    def configuration(self) -> str:
        """All of it but the number of steps, as canonical JSON; without `products` where they are of float32, as in
        checkpoints from before there were others."""
        known = {name: getattr(self, name) for name in ("batch", "seed", "loss_on")}
        optimiser = {"name": self.optimiser.name, "settings": dict(self.optimiser.settings)}
        known |= {"architecture": asdict(self.architecture), "law": self.law.configuration, "optimiser": optimiser}
        if self.products != "float32":
            known["products"] = self.products
        return json.dumps(known, sort_keys=True)

    @checked
    def loss(self, model: Transformer, batch: RecallBatch) -> torch.Tensor:
        """Mean cross-entropy at the positions that count, in nats; 0, without gradient, where a batch has none."""
        at = batch.repeated if self.loss_on == "recall" else batch.everywhere
        if not at.any():
            return torch.zeros((), device=model.U.device)
        logits: torch.Tensor = model(batch.tokens, at, self.products)
        return functional.cross_entropy(logits, batch.following[at])
