"""What is measured of trained transformers, as jobs: each of a training, whose result it asks for."""

from collections.abc import Sequence

import torch

from paper_checks.evidence import experiment_seed
from paper_checks.jobs import Job, job
from simulate import Recall, RecallBatch, Transformer, answers
from simulate.transformer.probes import answer_of

from . import observers
from .attended_inputs import AttendedMemory, attended_memory, noise_alignment, without_mean_input
from .changes import TESTED, Change, Cut, tested
from .observers import last_shown, mean_probabilities
from .runs import ObservedTraining, model_of, train_observed

SPACES = ("noise", "correct")
"""Of the outputs of an associative memory, see `attended_inputs.noise_alignment`."""


def own_training(observed: ObservedTraining, *_: object) -> list[Job]:
    """The job that all these ask for."""
    return [train_observed.of(observed)]


def trained_model(observed: ObservedTraining) -> Transformer:
    """The model of a training."""
    return model_of(observed.training, train_observed(observed))


def fresh_sequences(observed: ObservedTraining) -> RecallBatch:
    """TESTED sequences that neither training nor observation has seen."""
    training = observed.training
    return training.law.sample(TESTED, seed=experiment_seed(training.seed, "fresh sequences"))


@job("answers", cost=lambda observed, changes: 0.05 + 0.004 * len(changes), inputs=own_training)
def answers_after(observed: ObservedTraining, changes: tuple[Change, ...]) -> list[dict[str, float]]:
    """`recall.tested` of the model after each of these changes, on fresh sequences."""
    model, batch, reads = trained_model(observed), fresh_sequences(observed), None
    found = []
    for change in changes:
        if not (isinstance(change, Cut) and change.is_late):
            found.append(tested(change(model), batch))
            continue
        with torch.no_grad():
            if reads is None:  # the same after a change of what comes later
                reads = model.read_in(batch.tokens, last_shown(batch))
            logits = change(model).read_out(*reads)
            found.append(mean_probabilities(answer_of(logits, batch, last_shown(batch))))
    return found


@job("attention", cost=0.1, inputs=own_training)
def attention_looks(observed: ObservedTraining) -> list[dict[str, float]]:
    """`observers.looks` and `observers.first_looks` of the model, on fresh sequences."""
    model, batch = trained_model(observed), fresh_sequences(observed)
    return [observers.looks(model, batch, last_shown(batch)), observers.first_looks(model, batch)]


@job("memories", cost=0.01, inputs=own_training)
def noise_alignments(observed: ObservedTraining) -> dict[str, float]:
    """`attended_inputs.noise_alignment` of the model with each of SPACES."""
    model = trained_model(observed)
    return {space: noise_alignment(model, space) for space in SPACES}


@job("memories", cost=0.05, inputs=own_training)
def memory_of_inputs(observed: ObservedTraining) -> AttendedMemory:
    """`attended_inputs.attended_memory` of the model on fresh sequences."""
    return attended_memory(trained_model(observed), fresh_sequences(observed))


@job("answers", cost=0.1, inputs=own_training)
def answers_without_mean(observed: ObservedTraining) -> dict[str, float]:
    """`recall.tested` on fresh sequences without the mean of the inputs on others."""
    training, model = observed.training, trained_model(observed)
    others = training.law.sample(TESTED, seed=experiment_seed(training.seed, "attended inputs"))
    return tested(without_mean_input(model, others), fresh_sequences(observed))


@job("answers", cost=0.05, inputs=own_training)
def share_recalled(observed: ObservedTraining, law: Recall, besides: tuple[int, ...]) -> float:
    """The share of TESTED fresh sequences of `law`, whose z_T is a trigger, on which c_q leads all tokens there, where
    it was shown before; triggers of `besides` do not count."""
    return recalled_by(trained_model(observed), observed.training.seed, law, besides)


def recalled_by(model: Transformer, seed: int, law: Recall, besides: Sequence[int]) -> float:
    """`share_recalled` of the model of the training with this seed."""
    batch = observers.forced(law).sample(TESTED, seed=experiment_seed(seed, "fresh sequences")).to(model.E.device)
    at = observers.on_a_trigger(batch)
    for token in besides:
        at &= batch.tokens != token
    return float(answers(model, batch, at).leads.double().mean())
