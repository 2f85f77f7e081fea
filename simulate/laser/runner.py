"""What a language model answers with other weights in one layer, without computing again what these do not change.

A truncated matrix in layer ℓ changes neither the layers below, whose output is kept, nor, in layer ℓ itself, the
attention if it is one of the MLP's, nor the MLP if it is one of the attention's and the two stand side by side (GPT-
NeoX with parallel residual), nor what an output matrix is given. The layers above run once for several versions of
layer ℓ. Of the last layer's MLP the last position alone is computed: no other position reaches the answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

from simulate.language.architectures import ARCHITECTURES
from simulate.prompts.tokens import Encoded, Readings, logits_after, measure, readings
from simulate.runtime.arrays import Integers

from .packed import pack, unpack
from .reduction import copied
from .roles import PARTS_OF_ROLE, Role, architecture_of

MOST_TOKENS = 8192
"""Tokens that the layers above run on at once; more would not fit a processor's cache."""

Weights = Mapping[str, torch.Tensor]
Logits = tuple[Integers, torch.Tensor]


class Runner:
    """A copy of a model whose layers are asked for one after the other, from the first on.

    Args:
        model: of one of `simulate.language.architectures.ARCHITECTURES`; it is not changed.
        prompts: sets of encoded prompts by name.
        whole: what the model says after them, where that is known.

    Raises:
        ValueError: no memory for the copy.
    """

    def __init__(self, model: Any, prompts: Mapping[str, Encoded], whole: Mapping[str, Readings] | None = None) -> None:
        self._model, self._prompts = copied(model).eval(), prompts
        architecture = ARCHITECTURES[architecture_of(self._model)]
        self._layers = list(self._model.get_submodule(architecture.layers))
        self._parallel = architecture.is_parallel(self._model.config)
        for module in (*self._layers, self._model.get_output_embeddings()):
            pack(module)
        if whole is None:
            whole = {name: measure(self._model, encoded) for name, encoded in prompts.items()}
        self.whole = dict(whole)
        mlp: Any = _Parts(self._model, len(self._layers) - 1).mlp
        mlp.forward = _of_last_position(mlp.forward)
        self._layer = -1
        self._kept: dict[str, list[_Kept]] = {}

    def read(self, layer: int, role: Role, versions: Sequence[Weights]) -> list[dict[str, Readings]]:
        """What is answered with each version of the role's weights, in order; `layer` may not decrease.

        Raises:
            ValueError: logits that are not finite.
        """
        with torch.inference_mode():
            self._go_to(layer)
            answers = {name: self._answers(name, role, versions) for name in self._prompts}
        return [{name: found[number] for name, found in answers.items()} for number in range(len(versions))]

    def _go_to(self, layer: int) -> None:
        """Keep what layer number `layer` is given and what its two parts make of it."""
        if layer == self._layer:
            return
        found: dict[str, list[_Kept]] = {name: [] for name in self._prompts}
        parts = _Parts(self._model, layer)
        for name, encoded in self._prompts.items():
            for number, (_, tokens) in enumerate(encoded.groups):
                run = partial(logits_after, self._model, tokens)
                chain = {place: self._layers[place] for place in range(max(self._layer, 0), layer + 1)}
                if self._layer >= 0:
                    chain[self._layer] = _Given(self._kept[name][number].run(chain[self._layer]))
                with _layers(self._model, chain):
                    found[name].append(_Kept(parts, run))
        self._layer, self._parts, self._kept = layer, parts, found
        for number in range(layer + 1):  # its weights will be others
            unpack(self._layers[number])

    def _answers(self, name: str, role: Role, versions: Sequence[Weights]) -> list[Readings]:
        encoded = self._prompts[name]
        logits: list[list[Logits]] = [[] for _ in versions]
        for (places, tokens), kept in zip(encoded.groups, self._kept[name], strict=True):
            at_once = max(1, MOST_TOKENS // tokens.numel())
            for start in range(0, len(versions), at_once):
                some = versions[start : start + at_once]
                rows = self._above([self._own(role, kept, weights) for weights in some], tokens)
                for number, part in enumerate(rows.chunk(len(some)), start):
                    logits[number].append((places, part))
        return [readings(iter(found), encoded) for found in logits]

    def _own(self, role: Role, kept: "_Kept", weights: Weights) -> torch.Tensor:
        """Output of the layer with other weights."""
        parts = self._parts
        in_mlp = role in ("mlp_in", "mlp_out", *PARTS_OF_ROLE["mlp_in"])
        with _replaced(self._model, weights), ExitStack() as stack:
            if in_mlp:
                stack.enter_context(_returns(parts.attention, kept.attention))
            elif self._parallel:
                stack.enter_context(_returns(parts.mlp, kept.mlp))
            if role == "mlp_out":
                stack.enter_context(_returns(parts.mlp, parts.mlp_end(kept.mlp_inner)))
            elif role == "attention_out":
                made = parts.attention_end(kept.attention_inner), *kept.attention[1:]
                stack.enter_context(_returns(parts.attention, made))
            return kept.run(parts.layer)

    def _above(self, hidden: Sequence[torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
        """Logits after the prompts of every version."""
        chain = {place: self._layers[place] for place in range(self._layer + 1, len(self._layers))}
        with _layers(self._model, {self._layer: _Given(torch.cat(list(hidden))), **chain}):
            return logits_after(self._model, tokens.repeat(len(hidden), 1))


class _Parts:
    """A layer, its two parts, and the output matrices of these."""

    def __init__(self, model: Any, number: int) -> None:
        architecture = ARCHITECTURES[architecture_of(model)]
        self.layer = model.get_submodule(f"{architecture.layers}.{number}")
        self.mlp = self.layer.get_submodule(architecture.mlp)
        self.attention = self.layer.get_submodule(architecture.attention)
        self.mlp_end, self.attention_end = (
            self.layer.get_submodule(architecture.module_of(part)) for part in ("mlp_out", "attention_out")
        )


class _Kept:
    """What was computed of a layer in one run.

    Attributes:
        hidden: the layer's input.   mlp, attention: outputs of its two parts.
        mlp_inner, attention_inner: inputs of their output matrices.
    """

    mlp: torch.Tensor
    attention: tuple[Any, ...]
    mlp_inner: torch.Tensor
    attention_inner: torch.Tensor

    def __init__(self, parts: _Parts, run: Callable[[], object]) -> None:
        handles = [
            parts.layer.register_forward_pre_hook(self._keep_input, with_kwargs=True),
            parts.mlp.register_forward_hook(self._keeps_output("mlp")),
            parts.attention.register_forward_hook(self._keeps_output("attention")),
            parts.mlp_end.register_forward_hook(self._keeps_given("mlp_inner")),
            parts.attention_end.register_forward_hook(self._keeps_given("attention_inner")),
        ]
        try:
            run()
        finally:
            for handle in handles:
                handle.remove()

    def _keep_input(self, layer: torch.nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.hidden: torch.Tensor = arguments[0]
        self._more, self._named = arguments[1:], named

    def _keeps_output(self, name: str) -> Callable[..., None]:
        return lambda module, arguments, output: setattr(self, name, output)

    def _keeps_given(self, name: str) -> Callable[..., None]:
        return lambda module, arguments, output: setattr(self, name, arguments[0])

    def run(self, layer: torch.nn.Module) -> torch.Tensor:
        """The layer's output."""
        output: torch.Tensor = layer(self.hidden, *self._more, **self._named)
        return output


class _Given(torch.nn.Module):
    """In place of layers whose output is known."""

    def __init__(self, output: torch.Tensor) -> None:
        super().__init__()
        self._output = output

    def forward(self, hidden: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        return self._output


class _Passing(torch.nn.Module):
    """In place of layers that are left out."""

    def forward(self, hidden: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        return hidden


def _of_last_position(forward: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """What works position by position, on the last one alone; the others have its output, which nobody reads."""
    return lambda hidden: forward(hidden[:, -1:]).expand(-1, hidden.shape[1], -1)


@contextmanager
def _returns(module: Any, output: object) -> Iterator[None]:
    before = module.__dict__.get("forward")
    module.forward = lambda *arguments, **named: output
    try:
        yield
    finally:
        del module.forward
        if before is not None:
            module.forward = before


@contextmanager
def _layers(model: Any, layers: Mapping[int, torch.nn.Module]) -> Iterator[None]:
    """These layers alone, each in its place: by its number transformers chooses the mask and the rotation it gets."""
    place, _, name = ARCHITECTURES[architecture_of(model)].layers.rpartition(".")
    base = model.get_submodule(place)
    before = getattr(base, name)
    setattr(base, name, torch.nn.ModuleList([layers.get(number, _Passing()) for number in range(len(before))]))
    try:
        yield
    finally:
        setattr(base, name, before)


@contextmanager
def _replaced(model: Any, weights: Weights) -> Iterator[None]:
    before = {name: model.get_parameter(name).clone() for name in weights}
    try:
        for name, weight in weights.items():
            model.get_parameter(name).copy_(weight)
        yield
    finally:
        for name, weight in before.items():
            model.get_parameter(name).copy_(weight)


def measure_packed(model: Any, prompts: Mapping[str, Encoded]) -> dict[str, Readings]:
    """`simulate.prompts.measure` of every set, by a copy of the model whose weights are laid out once (`packed`).

    Raises:
        ValueError: logits that are not finite, no memory for the copy.
    """
    return Runner(model, prompts).whole
