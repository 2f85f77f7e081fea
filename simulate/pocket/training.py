"""Pocket Pythia: a GPT-NeoX of Pythia-14m's shape and a small tokenizer, trained on `simulate.prompts.corpus`.

The architecture and its sizes are those of Biderman et al. (2023): 6 layers, width 128, 4 heads, rotary embeddings on a
quarter of each head, parallel residual, untied output. AdamW with Pythia's β = (0.9, 0.95), clipping at 1, linear
warm-up and cosine decay to a tenth.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Ge
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from simulate.prompts.corpus import NOISE_RATE, all_documents, documents
from simulate.runtime.alone import alone
from simulate.runtime.arguments import as_observation
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.checkpoints import Checkpoint, read_checkpoint
from simulate.runtime.device import resolve_device
from theory.arguments import Count, Natural, PositiveReal, Seed, Size, checked

from .shipped import STEPS

END = "<|endoftext|>"
UNKNOWN = "<|unknown|>"
TOKENIZER_DOCUMENTS = 40960
SAVE_EVERY = 100


@checked
@dataclass(frozen=True)
class PocketTraining:
    """One training: its seed, sizes and schedule. `snapshots` are the updates after which the model is kept."""

    seed: Seed
    steps: Count = STEPS
    batch: Count = 64
    length: Size = 64
    rate: PositiveReal = 2e-3
    warmup: Natural = 50
    weight_decay: Annotated[float, Ge(0)] = 0.01
    vocabulary: Annotated[int, Ge(260)] = 1088
    width: Count = 128
    layers: Count = 6
    heads: Count = 4
    snapshots: tuple[Natural, ...] = ()

    def __post_init__(self) -> None:
        if self.width % (8 * self.heads):  # a quarter of each head is rotated, in pairs
            raise ValueError(f"width must be a multiple of 8 heads = {8 * self.heads}, got {self.width}")
        if not self.snapshots:
            object.__setattr__(self, "snapshots", (self.steps,))
        if list(self.snapshots) != sorted(set(self.snapshots)):
            raise ValueError(f"snapshots must be increasing numbers of updates, got {self.snapshots}")
        if self.snapshots[-1] > self.steps:
            raise ValueError(f"snapshots must be at most steps = {self.steps}, got {self.snapshots[-1]}")

    @property
    def configuration(self) -> str:
        """What the training is, as canonical JSON."""
        return json.dumps(asdict(self) | {"noise_rate": NOISE_RATE}, sort_keys=True)

    def model(self) -> GPTNeoXForCausalLM:
        """The model at its initialisation, on the CPU; ValueError where the memory does not hold it."""
        weights = 2 * self.vocabulary * self.width + 12 * self.layers * self.width**2
        what = f"width = {self.width}, layers = {self.layers} and vocabulary = {self.vocabulary}: weights"
        require_bytes(what, 4 * weights, CPU, "use a smaller model")
        config = GPTNeoXConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.width,
            max_position_embeddings=256,
            use_parallel_residual=True,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=0,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return GPTNeoXForCausalLM(config)

    def _require_batch(self) -> None:
        """ValueError unless the memory holds the token numbers and the logits of a batch."""
        positions = self.batch * self.length
        what = f"batch = {self.batch} texts of length = {self.length}"
        require_bytes(what, positions * (16 + 4 * self.vocabulary), CPU, "use a smaller batch")

    @checked
    def rate_at(self, step: Natural) -> float:
        """Learning rate of update number `step`, counted from 0."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.1 + 0.45 * (1 + math.cos(math.pi * share)))


def pocket_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """The byte-pair tokenizer of pocket Pythia, trained on documents that no training sees first (seed 0's)."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    # As if a space stood before the text: a name at its beginning is the same token as elsewhere.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[END, UNKNOWN], show_progress=False)
    tokenizer.train_from_iterator(islice(all_documents(0), TOKENIZER_DOCUMENTS), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END, unk_token=UNKNOWN)


def batches(training: PocketTraining, tokenizer: PreTrainedTokenizerFast, skip: int = 0) -> Iterator[torch.Tensor]:
    """Endless batches of shape (batch, length): documents one after the other, each after END; the first `skip` left
    out."""
    encoder, end = tokenizer.backend_tokenizer, tokenizer.bos_token_id
    source = all_documents(training.seed)
    size = training.batch * training.length
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            for found in encoder.encode_batch(list(islice(source, 1024)), add_special_tokens=False):
                waiting += [end, *found.ids]
        rows, waiting = waiting[:size], waiting[size:]
        if skip > 0:
            skip -= 1
        else:
            yield torch.tensor(rows).reshape(training.batch, training.length)


@checked
def train_pocket(
    training: PocketTraining,
    tokenizer: PreTrainedTokenizerFast,
    keep: Callable[[int, GPTNeoXForCausalLM], None],
    *,
    observe: Callable[[GPTNeoXForCausalLM], dict[str, float]],
    at: tuple[Natural, ...] = (),
    checkpoint: Path | None = None,
    device: str = "cpu",
    advance: Callable[[int], None] = lambda updates: None,
) -> list[dict[str, float]]:
    """Train, call `keep(step, model)` at the snapshots and `observe(model)` after the updates `at`.

    With `checkpoint` the state is written every SAVE_EVERY updates, whole or not at all, and a training that finds it
    there goes on from it, to the same weights. `advance(updates)` is called as updates are done.

    Returns:
        What was observed: one dictionary per update of `at`, with "step".

    Raises:
        TypeError, ValueError: an argument of the wrong kind; a number in `at` beyond the steps; a checkpoint of another
            training, or one that cannot be read; a device that is not there; more than the memory holds; what `observe`
            returns are no finite numbers by name.
        FloatingPointError: the loss is not finite.
        BlockingIOError: another training has this checkpoint.   OSError: it cannot be written.
    """
    place = resolve_device(device)
    if at and max(at) > training.steps:
        raise ValueError(f"at must be numbers of updates up to steps = {training.steps}, got {max(at)}")
    training._require_batch()
    model: GPTNeoXForCausalLM = training.model().to(place)  # type: ignore[arg-type]
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=training.rate, betas=(0.9, 0.95), weight_decay=training.weight_decay
    )
    with alone(checkpoint):
        history, start = _resumed(training, model, optimiser, checkpoint)
        source = batches(training, tokenizer, skip=start)
        advance(start)
        for step in range(start, training.steps + 1):
            if step in training.snapshots:
                keep(step, model)
            if step in at and (not history or history[-1]["step"] < step):
                history.append({"step": step, **_observed(model, observe)})
            if checkpoint is not None and step > start and (step % SAVE_EVERY == 0 or step == training.steps):
                _state(training, model, optimiser, history, step).write(checkpoint)
            if step < training.steps:
                _update(training, model, optimiser, next(source).to(place), step)
                advance(1)
    return history


def _update(
    training: PocketTraining,
    model: GPTNeoXForCausalLM,
    optimiser: torch.optim.Optimizer,
    tokens: torch.Tensor,
    step: int,
) -> None:
    for group in optimiser.param_groups:
        group["lr"] = training.rate_at(step)
    logits = model(input_ids=tokens, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss.item()} at update {step}")
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()


def _observed(model: GPTNeoXForCausalLM, observe: Callable[[GPTNeoXForCausalLM], dict[str, float]]) -> dict[str, float]:
    model.eval()
    found = as_observation(observe(model), ("step",))
    model.train()
    return found


def _identity(training: PocketTraining, model: GPTNeoXForCausalLM) -> str:
    """What a state belongs to: the training, its documents, and the kind of device."""
    first = hashlib.sha256("\n".join(documents(training.seed, 0)).encode()).hexdigest()
    return json.dumps([training.configuration, first, model.device.type])


def _state(
    training: PocketTraining,
    model: GPTNeoXForCausalLM,
    optimiser: torch.optim.Optimizer,
    history: Sequence[dict[str, float]],
    step: int,
) -> Checkpoint:
    return Checkpoint(
        step, dict(model.state_dict()), optimiser.state_dict()["state"], list(history), _identity(training, model)
    )


def _resumed(
    training: PocketTraining, model: GPTNeoXForCausalLM, optimiser: torch.optim.Optimizer, checkpoint: Path | None
) -> tuple[list[dict[str, float]], int]:
    """Observations and step of the checkpoint, whose state model and optimiser take over; nothing and 0 without."""
    if checkpoint is None or not checkpoint.exists():
        return [], 0
    found = read_checkpoint(checkpoint)
    if found.configuration != _identity(training, model):
        raise ValueError(f"checkpoint {checkpoint} must be of this training, it is of {found.configuration}")
    model.load_state_dict(found.weights)
    optimiser.load_state_dict(optimiser.state_dict() | {"state": found.optimiser})
    return list(found.history), found.step
