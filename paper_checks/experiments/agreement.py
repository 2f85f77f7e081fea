"""The three ways in which a gradient moment is checked: by enumeration, by dynamic programme, and by simulation."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import torch

from paper_checks.jobs import Job, job
from paper_checks.witnesses import dynamic_programme, enumeration
from simulate import OneLayer, counted_gradient, sample
from theory import ENTRY_CLASSES, Task, class_values, gradient_mean, gradient_variance
from theory.one_step.gradients import Moment
from theory.task import Layer

from . import simulations as experiments
from .named import in_words

if TYPE_CHECKING:
    from paper_checks.evidence.assertions import Assertions

MATRIX = {"mean": gradient_mean, "variance": gradient_variance}
SMALL = [
    Task(N, T, alpha, N - 1) for N in (2, 3) for T in (2, 3, 5) for alpha in (0, Fraction(1, 3), Fraction(5, 7), 1)
]
LARGE = (Task(199, 997, 0.37, 11), Task(13, 211, Fraction(1, 20), 5), Task(101, 29, 0.9, 7))


@job("enumerations", cost=0.6)
def enumerated(layer: Layer) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and variance of the gradient, as fractions, for every task of SMALL, by brute force."""
    return [enumeration.gradient_moments(task, layer) for task in SMALL]


def check_enumeration(claim: Assertions, layer: Layer, moment: Moment) -> None:
    """Equality, as fractions, with brute-force enumeration of every sequence."""
    index = ("mean", "variance").index(moment)
    for task, found in zip(SMALL, enumerated(layer), strict=True):
        claim.equal(f"enumeration, {in_words(task)}", MATRIX[moment](task, layer, exact=True), found[index])


@job("enumerations", cost=0.4)
def programmed(layer: Layer) -> list[tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]]:
    """Mean and variance per class for every task of LARGE, by dynamic programme."""
    return [dynamic_programme.class_values(task, layer) for task in LARGE]


def witnesses(layer: Layer) -> list[Job]:
    """What `check_enumeration` and `check_dynamic_programme` ask for."""
    return [enumerated.of(layer), programmed.of(layer)]


def check_dynamic_programme(claim: Assertions, layer: Layer, moment: Moment) -> None:
    """Agreement with the dynamic programme at sizes that cannot be enumerated."""
    index = ("mean", "variance").index(moment)
    for task, moments in zip(LARGE, programmed(layer), strict=True):
        values, found = class_values(task, layer, moment), moments[index]
        entries = [
            entry for entry in ENTRY_CLASSES if values[entry]
        ]  # exact zeros stay rounding noise in the programme
        exact, other = ([source[entry] for entry in entries] for source in (values, found))
        reason = "T sums of positive terms at 64-bit precision, one cancellation of at most 1/N in the mean"
        rounding = task.T * task.N * float(np.finfo(np.longdouble).eps) + float(np.finfo(np.float64).eps)
        claim.close(f"dynamic programme, {in_words(task)}", exact, other, rounding, reason)


def check_autograd(claim: Assertions, layer: Layer) -> None:
    """The gradient of a real network on a finite batch equals the gradient counted from the sequences."""
    task = Task(5, 11, 0.3, 2)
    batch = sample(task, 1000, seed=claim.seed("autograd"))
    model = OneLayer(task)
    weight = model.W_F if layer == "feed_forward" else model.W_V
    (gradient,) = torch.autograd.grad(model.loss(batch.tokens, batch.target), [weight])
    counted = counted_gradient(task, layer, batch.tokens, batch.target)
    reason = "a mean of 1000 terms in float64, relative to the largest entry"
    largest = float(np.abs(counted).max())
    claim.close("autograd of OneLayer", counted, -gradient.numpy(), 1000 * 2.0**-53, reason, scale=largest)


def check_simulation(claim: Assertions, task: Task, layer: Layer, moment: Moment) -> None:
    """Class averages and single entries of simulated gradients against the exact values."""
    experiment = experiments.moments(task, layer, claim.base_seed)
    found, pooled = experiment.moments, experiment.pooled
    values = experiments.class_table(dict(class_values(task, layer, moment)))
    estimate, error, planned = {
        "mean": (pooled.mean, pooled.mean_standard_error, experiment.planned_mean_error),
        "variance": (pooled.variance, pooled.variance_standard_error, experiment.planned_variance_error),
    }[moment]
    present = np.isfinite(estimate)  # classes that have entries at this N
    details = {"samples": found.samples, "seed": found.seed, "device": found.device, "seconds": round(found.seconds, 2)}
    claim.estimate(
        f"class averages, {in_words(task)}",
        values[present],
        estimate[present],
        error[present],
        experiments.POOLED_ERROR,
        degrees=pooled.blocks - 1,
        planned_error=planned[present],
        **details,
    )
    entries, entry_error = {
        "mean": (found.mean, found.standard_error),
        "variance": (found.variance, found.variance_standard_error),
    }[moment]
    exact = MATRIX[moment](task, layer)
    claim.estimate(f"single entries, {in_words(task)}", exact, entries, entry_error, experiments.ENTRY_ERROR, **details)
