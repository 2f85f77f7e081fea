"""Prompts as the token numbers of one tokenizer, and what a language model says about their answers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simulate.runtime.arrays import Floats, Integers

from .sets import Prompt

METRICS = ("answer", "distributional", "rank", "difference", "correct")


@dataclass(frozen=True, eq=False)
class Encoded:
    """Prompts of one length each group, so that none is padded.

    Attributes:
        count: number of prompts.
        groups: pairs of the prompts' places in the set, shape (n,), and their tokens, shape (n, length).
        answer, distractor, distributional: token numbers, shape (count,).
    """

    count: int
    groups: tuple[tuple[Integers, torch.Tensor], ...]
    answer: torch.Tensor
    distractor: torch.Tensor
    distributional: torch.Tensor

    def at(self, places: Integers) -> "Encoded":
        """Some of the prompts, different ones, in this order."""
        where = np.full(self.count, -1)
        where[places] = np.arange(len(places))
        groups = []
        for held, tokens in self.groups:
            kept = where[held] >= 0
            if kept.any():
                groups.append((where[held][kept], tokens[torch.from_numpy(kept)]))
        ends = (end[torch.from_numpy(places)] for end in (self.answer, self.distractor, self.distributional))
        return Encoded(len(places), tuple(groups), *ends)


@dataclass(frozen=True, eq=False)
class Readings:
    """What a model says after each prompt, float64 arrays of shape (prompts,); of all rows of its vocabulary.

    Attributes:
        answer, distributional: probabilities of the answer and of the distributional continuation.
        rank: of the answer among all tokens, 1 for the most probable.
        difference: logit of the answer less that of the distractor.
        correct: 1 where the answer is the most probable token, else 0.
    """

    answer: Floats
    distributional: Floats
    rank: Floats
    difference: Floats
    correct: Floats

    def at(self, places: Integers) -> "Readings":
        """Those of some prompts."""
        return Readings(*(getattr(self, name)[places] for name in METRICS))

    def summary(self) -> dict[str, tuple[float, float]]:
        """Mean over prompts and its standard error, by the name of the metric; as `mean_and_error` for one prompt."""
        return {name: mean_and_error(getattr(self, name)) for name in METRICS}


def mean_and_error(values: Floats) -> tuple[float, float]:
    """Mean of independent values and its standard error; not a number for one value alone, which shows no spread."""
    error = float(values.std(ddof=1)) / values.size**0.5 if values.size > 1 else math.nan
    return float(values.mean()), error


def encode(prompts: Sequence[Prompt], tokenizer: Any) -> Encoded:
    """The prompts as token numbers, each after the tokenizer's BOS token, if it has one.

    Args:
        prompts: at least one.
        tokenizer: a transformers tokenizer, or one of the library tokenizers (which has no BOS token).

    Raises:
        ValueError: no prompt; an answer, distractor or distributional continuation that is not one token of this
            tokenizer, or not the same token when it follows the text; a text with a token that the tokenizer does not
            know.
    """
    if not prompts:
        raise ValueError("prompts must be at least one, got none")
    numbers = _numbering(tokenizer)
    start = [] if getattr(tokenizer, "bos_token_id", None) is None else [tokenizer.bos_token_id]
    unknown = getattr(tokenizer, "unk_token_id", None)
    texts: list[list[int]] = []
    ends: dict[str, list[int]] = {"answer": [], "distractor": [], "distributional": []}
    for prompt in prompts:
        text = numbers(prompt.text)
        if unknown is not None and unknown in text and unknown not in start:
            raise ValueError(f"prompt {prompt.text!r} has words that the tokenizer does not know")
        texts.append(start + text)
        for name, found in ends.items():
            found.append(_one_token(numbers, prompt.text, text, name, getattr(prompt, name)))
            if found[-1] == unknown:
                raise ValueError(f"{name} {getattr(prompt, name)!r} is a word that the tokenizer does not know")
    lengths = np.array([len(text) for text in texts])
    groups = []
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        groups.append((places, torch.tensor([texts[place] for place in places])))
    return Encoded(len(prompts), tuple(groups), **{name: torch.tensor(found) for name, found in ends.items()})


def _numbering(tokenizer: Any) -> Callable[[str], list[int]]:
    if hasattr(tokenizer, "bos_token_id"):  # transformers
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False))
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def _one_token(numbers: Callable[[str], list[int]], text: str, encoded: list[int], name: str, end: str) -> int:
    found = numbers(end)
    if len(found) != 1:
        raise ValueError(f"{name} {end!r} must be one token of the tokenizer, it is {len(found)}")
    if numbers(text + end) != encoded + found:
        raise ValueError(f"{name} {end!r} is another token when it follows {text!r}")
    return found[0]


def last_logits(model: Any, encoded: Encoded) -> Iterator[tuple[Integers, torch.Tensor]]:
    """For each group its places and the logits that follow its prompts, shape (n, vocabulary)."""
    for places, tokens in encoded.groups:
        yield places, logits_after(model, tokens)


def logits_after(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """The logits that follow texts of one length, shape (texts, vocabulary)."""
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=tokens.to(model.device), use_cache=False, logits_to_keep=1).logits
        return logits[:, -1]


def readings(logits: Iterator[tuple[Integers, torch.Tensor]], encoded: Encoded) -> Readings:
    """The metrics of logits that come as from `last_logits`.

    Raises:
        ValueError: logits that are not finite.
    """
    found: Mapping[str, Floats] = {name: np.empty(encoded.count) for name in METRICS}
    for places, values in logits:
        lowest, highest = values.aminmax(dim=1)  # NaN where there is one
        if not (torch.isfinite(lowest) & torch.isfinite(highest)).all():
            raise ValueError("model must give finite logits, got NaN or infinite ones")
        total = values.to(torch.float64).logsumexp(1)[:, None].cpu()
        answer, distractor, generic = (
            values.gather(1, getattr(encoded, name)[places][:, None].to(values.device))
            for name in ("answer", "distractor", "distributional")
        )
        rank = 1 + (values > answer).sum(1)
        answer, distractor, generic = (one.cpu().to(torch.float64) for one in (answer, distractor, generic))
        group = (
            (answer - total)[:, 0].exp(),
            (generic - total)[:, 0].exp(),
            rank,
            (answer - distractor)[:, 0],
            rank == 1,
        )
        for name, column in zip(METRICS, group, strict=True):
            found[name][places] = column.cpu().numpy()
    return Readings(**found)


def measure(model: Any, encoded: Encoded) -> Readings:
    """What a transformers language model says after the prompts.

    Raises:
        ValueError: logits that are not finite.
    """
    return readings(last_logits(model, encoded), encoded)
