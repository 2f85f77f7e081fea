"""P1-P5 on pocket Pythia: one number per training seed, a mean over prompts, beyond a threshold on all seven seeds.

The unit is the training seed. Cells and thresholds were fixed on three others (`experiments.pocket`) before these seven
had been looked at; a coin would pass a statement with probability 1/128. Where the rule "on all seven" failed, the
threshold is as it was, and the statement is about a share of the seeds: the ledger's rule has the largest share,
`<threshold>_absent`, that passes with probability at most 0.05. Standard errors over prompts are in the evidence.
Prompts have openings, and pairs of city and template, that the models were not trained on (recall, facts), or besides
names that they know from other sentences alone (names).
"""

from dataclasses import replace
from typing import Any

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments import pocket as experiments
from paper_checks.experiments.named import has_language
from paper_checks.experiments.pocket_models import RANK, model_label, pocket_models
from paper_checks.experiments.rise import CLAIMED, chosen_checkpoint
from paper_checks.jobs import Job, results
from simulate.pocket.shipped import CONFIRMING


@pytest.fixture(scope="session")
def seeds() -> tuple[int, ...]:
    """The training seeds that decide."""
    return CONFIRMING


COMPETITION = {
    "difference": "logit of the answer less that of the distractor",
    "the": 'P("the") less P(distractor)',
    "answer": "P(answer)",
    "lead": 'P("the") less P(answer)',
    "mass": 'P(answer) + P("the")',
}
CUTS = {
    "input": "the last MLP's input matrix at low rank",
    "output": "the last MLP's output matrix at low rank",
    "rest": "the last MLP's output matrix without its top directions",
}
LABELS = {"answer": "P(answer)", "distributional": 'P("the")', "correct": "accuracy"}


def answers(base_seed: int) -> list[Job]:
    """What the models answer; nothing without the extra, without which no check is run."""
    return experiments.answers_jobs(base_seed, CONFIRMING) if has_language() else []


def cuts(base_seed: int) -> list[Job]:
    """What they answer with one matrix truncated."""
    return experiments.cuts_jobs(base_seed, CONFIRMING) if has_language() else []


def recorded() -> list[Job]:
    """What was recorded of them, and what they answer now."""
    return experiments.recorded_jobs(CONFIRMING) if has_language() else []


def along_checkpoints(base_seed: int) -> list[Job]:
    """What the checkpoints of another training answer."""
    return experiments.checkpoint_jobs(base_seed) if has_language() else []


@pytest.mark.claims("P1")
@pytest.mark.jobs.with_args(answers)
@pytest.mark.parametrize("name", ["recall", "names"])
def test_recall_competes_with_the(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str) -> None:
    """The in-context name is ahead of the other name, and so is "the", which the corpus has at its place with
    probability 0.6; "the" is more probable than the name, which has its part, and they have nearly all."""
    competition(claim, language, pocket, seeds, name)


@pytest.mark.claims("P2")
@pytest.mark.jobs.with_args(answers)
def test_facts_compete_with_the(claim: Assertions, language: Any, pocket: Any, seeds: Any) -> None:
    """As P1, of a city's country and another country."""
    competition(claim, language, pocket, seeds, "facts")


def on_its_side(claim: Assertions, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
    """`Assertions.replicated`; where it is not about all seeds, it speaks of the far side of the claim's boundary."""
    side = "beyond" if f"{threshold}_absent" in claim.rule.thresholds else "holds"
    claim.replicated(name, threshold, expected, values, **({"side": side} | details))


def competition(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str) -> None:
    """The means of COMPETITION are above their thresholds on every training seed."""
    found = results(pocket.answers_jobs(claim.base_seed, seeds))
    columns = [pocket.competition(answers, name) for answers in found]
    for key, what in COMPETITION.items():
        values, errors = pocket.per_seed(name, [one[key] for one in columns])
        details = language.provenance(found) | {"standard_errors": errors}
        on_its_side(claim, f"{name}: {what}", f"{name}_{key}", +1, values, **details)


@pytest.mark.claims("P3")
@pytest.mark.parametrize("name", CLAIMED)
def test_the_rises_first(claim: Assertions, pocket: Any, seeds: Any, name: str) -> None:
    """P(answer) needs several times as many updates as P("the") to reach a third of its last value; both as recorded at
    training, at about twenty log-spaced numbers of updates. A tie is the ratio 1."""
    times = [pocket.rise_times(seed, name, claim.rule.thresholds["parts"]) for seed in seeds]
    what = f'{name}: updates to a third of the last P(answer) over those of P("the")'
    details = {"updates": [list(pair) for pair in times], "recorded": "when the models were trained"}
    claim.replicated(what, f"{name}_ratio", +1, pocket.rise_ratios(times), **details)


@pytest.mark.claims("P3")
@pytest.mark.jobs.with_args(recorded)
def test_what_was_recorded_is_what_the_models_answer(claim: Assertions, pocket: Any, seeds: Any) -> None:
    """On the recorded prompts the shipped models have the recorded means: the last ones of all seeds, and all that are
    shipped of the seed with most checkpoints.

    A mean may differ by the rule's `rounding`: the weights are stored in float16. Random changes of that size (2⁻¹¹ of
    every weight, eight draws on each of EXPLORED) move these means by up to 0.0002 (root of the mean square), ten times
    less; the means of different trainings differ by 0.004 to 0.17.
    """
    pairs = results(pocket.recorded_jobs(seeds))
    expected, live = ([pair[column] for pair in pairs] for column in (0, 1))
    because = "weights rounded to float16, ten times what random rounding does"
    claim.close("recorded means", expected, live, claim.rule.thresholds["rounding"], because, scale=1.0)


@pytest.mark.claims("P3")
@pytest.mark.jobs.with_args(along_checkpoints)
@pytest.mark.parametrize("name", CLAIMED)
def test_order_along_checkpoints(claim: Assertions, language: Any, pocket: Any, name: str) -> None:
    """As P3.pythia, on the training seed with most checkpoints, which is not one of those that decide: a checkpoint is
    chosen on one half of the prompts, and all are in the evidence."""
    chosen_checkpoint(claim, language, name, results(pocket.checkpoint_jobs(claim.base_seed)))


@pytest.mark.claims("P4")
@pytest.mark.jobs.with_args(cuts)
@pytest.mark.parametrize("name", CLAIMED)
def test_last_input_matrix(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str) -> None:
    """The last MLP's input matrix at rank RANK: P(answer) up, P("the") down, more prompts answered."""
    changes(claim, language, pocket, seeds, name, "input", {"answer": +1, "distributional": -1, "correct": +1})


@pytest.mark.claims("P4")
@pytest.mark.jobs.with_args(cuts)
@pytest.mark.parametrize("name", CLAIMED)
def test_last_output_matrix(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str) -> None:
    """The last MLP's output matrix: its top RANK directions hold much of "the", as T4.4 and E3 have it for the top one.
    Kept alone they do the opposite of the claim; without them "the" falls and the answer rises."""
    opposite = {"answer": -1, "distributional": +1}
    changes(claim, language, pocket, seeds, name, "output", opposite, side="beyond")
    changes(claim, language, pocket, seeds, name, "rest", {"answer": +1, "distributional": -1})


def changes(
    claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str, cut: str, ways: dict[str, int], **options: Any
) -> None:
    """The mean changes of these metrics with a cut, on their sides (+1: a rise), are above their thresholds on every
    training seed."""
    found = [one.changes[cut][name] for one in pocket.cuts(seeds, claim.base_seed)]
    models = [model_label(*model) for model in pocket_models(seeds)]
    for metric, way in ways.items():
        values, errors = pocket.per_seed(name, [way * change[metric] for change in found])
        what = f"{name}: {'rise' if way > 0 else 'fall'} of {LABELS[metric]} with {CUTS[cut]}"
        details = {"standard_errors": errors, "models": models, "rank": RANK}
        on_its_side(claim, what, f"{name}_{cut}_{metric}", +1, values, **details, **options)


@pytest.mark.claims("P4")
@pytest.mark.jobs.with_args(cuts)
def test_recall_does_not_gain_on_every_seed(claim: Assertions, language: Any, pocket: Any, seeds: Any) -> None:
    """On recall there is a training seed among the seven on which the output matrix without its top directions raises
    P(answer) by less than the threshold."""
    found = pocket.cuts(seeds, claim.base_seed)
    values, errors = pocket.per_seed("recall", [one.changes["rest"]["recall"]["answer"] for one in found])
    limit = claim.rule.thresholds["recall_rest_answer"]
    evidence = comparator.less(f"recall: smallest rise of P(answer) with {CUTS['rest']}", min(values), limit, "beyond")
    claim.record(replace(evidence, details={"values": values, "standard_errors": errors}))


@pytest.mark.claims("P4")
@pytest.mark.jobs.with_args(cuts)
def test_names_from_other_sentences(claim: Assertions, language: Any, pocket: Any, seeds: Any) -> None:
    """With names that the model knows from other sentences alone the best late input matrix helps too, on a share of
    the training seeds; its exact interval is in the evidence."""
    found = [one.names for one in pocket.cuts(seeds, claim.base_seed)]
    effects, helped = [one.effect for one in found], claim.rule.thresholds["names_helped"]
    count = sum(effect > helped for effect in effects)
    details = {"helped": count, "share": pocket.share_interval(count, len(effects)),
               "cells": [str(one.cell) for one in found]}  # fmt: skip
    on_its_side(claim, "names: effect of the best late cell", "names_helped", +1, effects, **details)


@pytest.mark.claims("P5")
@pytest.mark.jobs.with_args(cuts)
@pytest.mark.parametrize("name", CLAIMED)
def test_late_attention_matrices(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str) -> None:
    """The best cell of attention matrices in late layers has less than half of the effect of the last MLP's input
    matrix, and little in itself."""
    best = attention_does_less(claim, language, pocket, seeds, name, "late")
    effects = [one.effect for one in best]
    on_its_side(claim, f"{name}: effect of late attention", f"{name}_effect", -1, effects)


@pytest.mark.claims("P5")
@pytest.mark.jobs.with_args(cuts)
@pytest.mark.parametrize("name", CLAIMED)
def test_attention_matrices_of_every_layer(
    claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str
) -> None:
    """With early layers the best cell has less of the effect than the last MLP's input matrix, by a stated part."""
    attention_does_less(claim, language, pocket, seeds, name, "all")


@pytest.mark.claims("P5")
@pytest.mark.jobs.with_args(cuts)
def test_late_attention_helps_somewhere(claim: Assertions, language: Any, pocket: Any, seeds: Any) -> None:
    """On recall there is a training seed among the seven on which the best late attention cell has a larger effect than
    the threshold: there the claim is wrong."""
    found = pocket.cuts(seeds, claim.base_seed)
    effects = [one.attention["recall"]["late"].effect for one in found]
    limit = claim.rule.thresholds["recall_effect"]
    evidence = comparator.greater("recall: largest effect of late attention", max(effects), limit, side="beyond")
    claim.record(replace(evidence, details={"values": effects}))


@pytest.mark.claims("P5")
@pytest.mark.jobs.with_args(cuts)
def test_early_attention_helps_somewhere(claim: Assertions, language: Any, pocket: Any, seeds: Any) -> None:
    """In early layers recall gains something from a truncated attention matrix, on one training seed at least."""
    found = pocket.cuts(seeds, claim.base_seed)
    best = [one.attention["recall"]["early"] for one in found]
    effects, least = [one.effect for one in best], claim.rule.thresholds["early_effect"]
    evidence = comparator.greater("recall: largest effect of early attention", max(effects), least, side="beyond")
    details = {"values": effects, "cells": [str(one.cell) for one in best]}
    claim.record(replace(evidence, details=details))


def attention_does_less(claim: Assertions, language: Any, pocket: Any, seeds: Any, name: str, layers: str) -> list[Any]:
    """Rise of P(answer) and fall of P("the") with the best attention cell, each over that with the last MLP's input
    matrix, are below their threshold on every training seed; returns these cells."""
    found = pocket.cuts(seeds, claim.base_seed)
    best = [one.attention[name][layers] for one in found]
    cells = [str(one.cell) for one in best]
    for metric, label in (("answer", "rise of P(answer)"), ("distributional", 'fall of P("the")')):
        pairs = [pocket.share_of_input(one, cell, name, metric) for one, cell in zip(found, best, strict=True)]
        ratios, errors = ([pair[column] for pair in pairs] for column in (0, 1))
        what = f"{name}: {label} with attention, {layers} layers, over that with the MLP input"
        on_its_side(claim, what, f"{name}_{layers}_share", -1, ratios, standard_errors=errors, cells=cells)
    return best
