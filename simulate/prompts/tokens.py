"""Prompts as the token numbers of one tokenizer, and what a language model says about their answers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, MinLen

from simulate.runtime.arrays import Floats, Integers
from theory.arguments import Count, Natural, Shape, checked

from .numbering import ENDS, Numbering
from .sets import Prompt

LARGEST = float(np.finfo(np.float64).max) ** 0.5 / 4
METRICS = ("answer", "distributional", "rank", "difference", "correct")


@checked
@dataclass(frozen=True, eq=False)
class Encoded:
    """Prompts of one length each group, so that none is padded.

    Attributes:
        count: number of prompts.
        groups: pairs of the prompts' places in the set, shape (n,), and their tokens, shape (n, length).
        answer, distractor, distributional: token numbers, shape (count,).
        start, start_token: text and number of the token that all begin with; "" and None where there is none.
    """

    count: Count
    groups: tuple[tuple[Integers, torch.Tensor], ...]
    answer: torch.Tensor
    distractor: torch.Tensor
    distributional: torch.Tensor
    start: str = ""
    start_token: Natural | None = None

    def __post_init__(self) -> None:
        for name in ENDS:
            shape = tuple(getattr(self, name).shape)
            if shape != (self.count,):
                raise ValueError(f"{name} must have shape (count,) = {(self.count,)}, got {shape}")
        held = sorted(place for places, _ in self.groups for place in places.tolist())
        if held != list(range(self.count)):
            raise ValueError(f"groups must hold each place below count = {self.count} once, got {len(held)} places")

    @checked
    def at(self, places: Annotated[Integers, Shape("places"), Ge(0), MinLen(1)]) -> "Encoded":
        """Some of the prompts, different ones, in this order."""
        if places.max() >= self.count or len(set(places.tolist())) < len(places):
            raise ValueError(f"places must be different ones below {self.count}, got up to {places.max()}")
        where = np.full(self.count, -1)
        where[places] = np.arange(len(places))
        groups = []
        for held, tokens in self.groups:
            kept = where[held] >= 0
            if kept.any():
                groups.append((where[held][kept], tokens[torch.from_numpy(kept)]))
        ends = {name: getattr(self, name)[torch.from_numpy(places)] for name in ENDS}
        return replace(self, count=len(places), groups=tuple(groups), **ends)


@checked
@dataclass(frozen=True, eq=False)
class Readings:
    """What a model says after each prompt, float64 arrays of shape (prompts,); of all rows of its vocabulary.

    Attributes:
        answer, distributional: probabilities of the answer and of the distributional continuation.
        rank: of the answer among all tokens, 1 for the most probable.
        difference: logit of the answer less that of the distractor.
        correct: 1 where the answer is the most probable token, else 0.
    """

    answer: Annotated[Floats, Shape("prompts")]
    distributional: Annotated[Floats, Shape("prompts")]
    rank: Annotated[Floats, Shape("prompts")]
    difference: Annotated[Floats, Shape("prompts")]
    correct: Annotated[Floats, Shape("prompts")]

    @checked
    def at(self, places: Annotated[Integers, Shape("places"), Ge(0)]) -> "Readings":
        """Those of some prompts."""
        if places.max(initial=0) >= self.answer.size:
            raise ValueError(f"places must be below {self.answer.size}, the number of prompts, got {places.max()}")
        return Readings(*(getattr(self, name)[places] for name in METRICS))

    def summary(self) -> dict[str, tuple[float, float]]:
        """Mean over prompts and its standard error, by the name of the metric; as `mean_and_error` for one prompt."""
        return {name: mean_and_error(getattr(self, name)) for name in METRICS}


@checked
def mean_and_error(
    values: Annotated[Floats, Shape("prompts"), MinLen(1)], clusters: Sequence[str] | None = None
) -> tuple[float, float]:
    """Mean of values and its standard error; of one value, or one cluster, which shows no spread, not a number.

    Without clusters the values are independent. With them, one name per value, those of one cluster need not be: from
    the deviations d of the n values, with S_g their sum in cluster g of G,

        error² = G/(G - 1) Σ_g S_g² / n²    (1)

    with G - 1 degrees of freedom; for clusters of one value each it is the former.

    Raises:
        TypeError, ValueError: no values, values that are not finite or too large, or another number of
            clusters.

    Source: Cameron and Miller (2015), cluster-robust inference.
    """
    if clusters is not None and len(clusters) != values.size:
        raise ValueError(f"clusters must be one per value, {values.size}, got {len(clusters)}")
    largest = float(np.abs(values).max())
    if largest > LARGEST / values.size:
        raise ValueError(f"values must be up to {LARGEST / values.size:.3g} for squares within float64, got {largest}")
    if clusters is None:
        error = float(values.std(ddof=1)) / values.size**0.5 if values.size > 1 else math.nan
        return float(values.mean()), error
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(numbers, weights=values - values.mean())
    count = sums.size
    error = (count / (count - 1) * float(sums @ sums)) ** 0.5 / values.size if count > 1 else math.nan
    return float(values.mean()), error


@checked
@dataclass(frozen=True)
class Kept:
    """Prompts that `encode` can take.

    Attributes:
        prompts: in the order they had.   left_out: how many others there are.
        words: of those, what is not one token; a whole text where it has words that the tokenizer does not know.
    """

    prompts: tuple[Prompt, ...]
    left_out: Natural
    words: tuple[str, ...]


@checked
def one_token(prompts: Sequence[Prompt], tokenizer: Any) -> Kept:
    """Those of the prompts whose answer, distractor and distributional continuation are one token each of this
    tokenizer, after the text too, and known to it."""
    asked, kept, words = Numbering(tokenizer), [], dict[str, None]()
    for prompt in prompts:
        wrong = asked.wrong(prompt)
        words.update(dict.fromkeys(wrong))
        if not wrong:
            kept.append(prompt)
    return Kept(tuple(kept), len(prompts) - len(kept), tuple(words))


@checked
def encode(prompts: Annotated[Sequence[Prompt], MinLen(1)], tokenizer: Any, start: str | None = None) -> Encoded:
    """The prompts as token numbers, each after a start token.

    Args:
        prompts: at least one.
        tokenizer: a transformers tokenizer, or one of the library tokenizers (which has no BOS token).
        start: the text of one token, such as "<|endoftext|>"; "" for no start token; None for the tokenizer's BOS
            token, if it has one. There is a UserWarning where that is a mark of the tokenizer's chats, which stands
            before no ordinary text (`is_chat_mark`).

    Raises:
        TypeError: start is not a text.
        ValueError: no prompt; a start that is not one token; an answer, distractor or distributional continuation that
            is not one token of this tokenizer, or not the same token when it follows the text; a text with a token that
            the tokenizer does not know.
    """
    asked = Numbering(tokenizer)
    begin, first = asked.start(start)
    texts = [first + asked.text(prompt) for prompt in prompts]
    ends = {name: torch.tensor([asked.end(prompt, name) for prompt in prompts]) for name in ENDS}
    lengths = np.array([len(text) for text in texts])
    groups = []
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        groups.append((places, torch.tensor([texts[place] for place in places])))
    return Encoded(len(prompts), tuple(groups), **ends, start=begin, start_token=first[0] if first else None)


def last_logits(model: Any, encoded: Encoded) -> Iterator[tuple[Integers, torch.Tensor]]:
    """For each group its places and the logits that follow its prompts, shape (n, vocabulary)."""
    for places, tokens in encoded.groups:
        yield places, logits_after(model, tokens)


def logits_after(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """The logits that follow texts of one length, shape (texts, vocabulary).

    Raises:
        ValueError: texts longer than the model's context.
    """
    context = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    if isinstance(context, int) and tokens.shape[1] > context:
        raise ValueError(
            f"prompts must have at most {context} tokens, the model's context (max_position_embeddings), got one of "
            f"{tokens.shape[1]}"
        )
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=tokens.to(model.device), use_cache=False, logits_to_keep=1).logits
        return logits[:, -1]


@checked
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


@checked
def measure(model: Any, encoded: Encoded) -> Readings:
    """What a transformers language model says after the prompts.

    Raises:
        TypeError: no model, or no encoded prompts.
        ValueError: logits that are not finite.
    """
    if not callable(model) or isinstance(model, type) or not hasattr(model, "device"):
        raise TypeError(f"model must be a language model of transformers, got {type(model).__name__}")
    return readings(last_logits(model, encoded), encoded)
