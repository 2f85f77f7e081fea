"""Interventions on a `Transformer`: each takes a model and returns a new one, so that they compose.

    truncated(without(model, "F1"), "F2.w1", 1)

The model given is left as it is, and no weight is shared with it.

Source: Chen, Bruna, Bietti (ICLR 2025), dropping and truncating layers; Sharma, Ash, Misra (2023), LASER.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated

import torch
from annotated_types import Interval

from simulate.truncation import Keep, truncate
from theory.arguments import Natural, Probability, checked

from .model import Architecture, Transformer

FEED_FORWARD = ("F1", "F2")


@checked
def with_weights(model: Transformer, weights: Mapping[str, torch.Tensor]) -> Transformer:
    """The model with these weights in place of its own, by name; each of the own weight's shape and type.

    Raises:
        TypeError, ValueError: no transformer, or a weight of another name, type or shape, or that is not finite.
    """
    own = _weights(model)
    for name, weight in weights.items():
        _check_name("weights", model, name)
        if weight.dtype != own[name].dtype:
            raise TypeError(f"weights[{name!r}] must be a tensor of type {own[name].dtype}, got {weight.dtype}")
        if weight.shape != own[name].shape:
            shapes = tuple(own[name].shape), tuple(weight.shape)
            raise ValueError(f"weights[{name!r}] must have shape {shapes[0]}, got {shapes[1]}")
        if not torch.isfinite(weight).all():
            raise ValueError(f"weights[{name!r}] must be finite, got NaN or infinite entries")
    return _assembled(model, model.architecture, {**own, **weights})


@checked
def without(model: Transformer, layer: str) -> Transformer:
    """The model without its feed-forward layer "F1" or "F2": the residual stream passes unchanged.

    Raises:
        TypeError, ValueError: no transformer, another name, or a layer that the model does not have.
    """
    weights = _weights(model)
    if layer not in FEED_FORWARD or getattr(model.architecture, layer) is None:
        there = [name for name in FEED_FORWARD if getattr(model.architecture, name) is not None]
        raise ValueError(f"layer must be a feed-forward layer of the model, one of {there}, got {layer!r}")
    prefix = f"{layer}."
    still = tuple(name for name in model.architecture.frozen if not name.startswith(prefix))
    architecture = replace(model.architecture, frozen=still)
    architecture = replace(architecture, F1=None) if layer == "F1" else replace(architecture, F2=None)
    return _assembled(model, architecture, {k: v for k, v in weights.items() if not k.startswith(prefix)})


@checked
def frozen(model: Transformer, names: Iterable[str]) -> Transformer:
    """The model whose weights of these names do not learn, nor those that did not before.

    Raises:
        TypeError, ValueError: no transformer, no names, or an unknown one.
    """
    weights = _weights(model)
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names must be several names of weights, such as ('W_V1',), got {names!r}")
    named = tuple(names)
    for name in named:
        _check_name("names", model, name)
    together = tuple(dict.fromkeys((*model.architecture.frozen, *named)))
    return _assembled(model, replace(model.architecture, frozen=together), weights)


@checked
def truncated(
    model: Transformer,
    name: str,
    rank: Natural | None = None,
    *,
    fraction: Probability | None = None,
    keep: Keep = "top",
) -> Transformer:
    """The model with the weight `name` replaced by its part of the given rank, as by `simulate.truncate`.

    Rank 0 removes what the matrix does.

    Raises:
        TypeError, ValueError: no transformer, an unknown name, or what `truncate` raises.
    """
    weights = _weights(model)
    _check_name("name", model, name)
    return with_weights(model, {name: truncate(weights[name], rank, fraction=fraction, keep=keep)})


@checked
def merged_values(model: Transformer, layer: Annotated[int, Interval(ge=1, le=2)]) -> Transformer:
    """The model with W_O W_V of layer 1 or 2 as its W_O and the identity as its W_V: the same function, one matrix.

    Raises:
        TypeError, ValueError: no transformer, or another layer.
    """
    weights = _weights(model)
    W_O, W_V = f"W_O{layer}", f"W_V{layer}"
    product = (weights[W_O].double() @ weights[W_V].double()).to(weights[W_O].dtype)
    return with_weights(model, {W_O: product, W_V: torch.eye(len(product), out=torch.empty_like(product))})


def _weights(model: Transformer) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in model.named_parameters()}


def _check_name(argument: str, model: Transformer, name: object) -> None:
    names = model.architecture.weights
    if name not in names:
        raise ValueError(f"{argument} must be of weights, named {', '.join(names)}, got {name!r}")


def _assembled(model: Transformer, architecture: Architecture, weights: Mapping[str, torch.Tensor]) -> Transformer:
    """A new transformer with copies of these weights, of the type and on the device of `model`."""
    made = Transformer(architecture, dtype=model.E.dtype).to(model.E.device)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            weight.copy_(weights[name])
    return made
