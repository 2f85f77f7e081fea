"""P1-P5: pocket Pythia, and with --model NAME or FOLDER the same checks on the model so named, in lines of their own.

Statements are about prompts with openings, and pairs of city and template, that pocket Pythia was not trained on
(recall, facts), and with names that it knows from other sentences alone (names). A cell of a sweep and a checkpoint are
chosen on one half of the prompts and reported on the other.
"""

from typing import Any

import pytest

from simulate.pocket import EARLY
from simulate.prompts import halves

from .options import checkpoint_source
from .recorder import Recorder

SETS = ("recall", "facts")
FEW = 4
"""Singular directions of the last output matrix: a number fixed on pilot trainings."""


@pytest.fixture(scope="session")
def language() -> Any:
    """The module `language_experiments`; without its packages the check is not run."""
    try:
        from . import language_experiments
    except ModuleNotFoundError:
        pytest.skip("needs the extra language: pip install -e '.[language]'")
    return language_experiments


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> str:
    """Where the model that --model names is run."""
    name: str = request.config.getoption("--device")
    return name


@pytest.fixture(scope="session")
def pythia(request: pytest.FixtureRequest, language: Any) -> Any:
    """The model that --model names."""
    name = request.config.getoption("--model")
    if name is None:
        pytest.skip("no weights: give --model EleutherAI/pythia-160m, say, or a folder")
    return language.Source(name, request.config.getoption("--revision"), name)


@pytest.fixture(scope="session")
def checkpoints(request: pytest.FixtureRequest, language: Any, pythia: Any) -> Any:
    """The checkpoints that --checkpoints names, of the model that --model names."""
    named = request.config.getoption("--checkpoints")
    if named is None:
        pytest.skip("no weights: give --checkpoints step16,step128,step1000,step143000, say")
    return [language.Source(*checkpoint_source(pythia.place, name), name) for name in named.split(",")]


@pytest.fixture(scope="session")
def pythia_sweep(request: pytest.FixtureRequest, language: Any, pythia: Any, place: str) -> Any:
    """Its sweep, with a record from which it goes on after an interrupt."""

    def made(base_seed: int) -> Any:
        return language.sweep_alone(pythia, base_seed, place, request.config.rootpath / ".evidence")

    return made


@pytest.mark.claims("P1")
@pytest.mark.parametrize("name", ["recall", "names"])
def test_recall_competes_with_the(claim: Recorder, language: Any, name: str) -> None:
    """The in-context name is ahead of the other name, and so is "the"; the two have nearly all of the probability."""
    found = [language.answered(source, claim.base_seed, "cpu") for source in language.pocket_sources()]
    competition(claim, language, found, name)
    claim.replicated(f'{name}: P(answer) + P("the")', "mass", +1, [language.mass(answers, name) for answers in found])


@pytest.mark.claims("P2")
def test_facts_compete_with_the(claim: Recorder, language: Any) -> None:
    """As P1, of a city's country and another country."""
    found = [language.answered(source, claim.base_seed, "cpu") for source in language.pocket_sources()]
    competition(claim, language, found, "facts")
    claim.replicated('P(answer) + P("the")', "mass", +1, [language.mass(answers, "facts") for answers in found])


@pytest.mark.claims("P1.pythia")
def test_pythia_recall_competes_with_the(claim: Recorder, language: Any, pythia: Any, place: str) -> None:
    """As P1."""
    competition(claim, language, [language.answered(pythia, claim.base_seed, place)], "recall")


@pytest.mark.claims("P2.pythia")
def test_pythia_facts_compete_with_the(claim: Recorder, language: Any, pythia: Any, place: str) -> None:
    """As P2."""
    competition(claim, language, [language.answered(pythia, claim.base_seed, place)], "facts")


def competition(claim: Recorder, language: Any, found: Any, name: str) -> None:
    """The answer's logit is above the distractor's, "the" is more probable than the distractor, and each of answer and
    "the" has more than a twentieth of the other's probability."""
    details = language.provenance(found)
    sets = [answers.sets[name] for answers in found]
    columns = {
        "logit of the answer less that of the distractor": [one.difference for one in sets],
        'P("the") less P(distractor)': [language.over_distractor(one) for one in sets],
        'P(answer) less a twentieth of P("the")': [one.answer - one.distributional / 20 for one in sets],
        'P("the") less a twentieth of P(answer)': [one.distributional - one.answer / 20 for one in sets],
    }
    for what, numbers in columns.items():
        claim.sign(f"{name}: {what}", +1, **language.means(name, numbers), **details)


@pytest.mark.claims("P3")
@pytest.mark.parametrize("name", SETS)
def test_the_rises_first(claim: Recorder, language: Any, name: str) -> None:
    """After EARLY updates "the" has more than a third of its last probability, the answer less than a third of its."""
    early, last = (
        [language.answered(source, claim.base_seed, "cpu") for source in language.pocket_sources(step)]
        for step in (EARLY, None)
    )
    order_of_rise(claim, language, name, early, last)


@pytest.mark.claims("P3")
@pytest.mark.parametrize("name", SETS)
def test_order_along_checkpoints(claim: Recorder, language: Any, name: str) -> None:
    """As P3.pythia, on the training seed with most checkpoints: a checkpoint is chosen, and all are in the evidence."""
    chosen_checkpoint(claim, language, name, language.checkpoint_answers(claim.base_seed))


@pytest.mark.claims("P3.pythia")
@pytest.mark.parametrize("name", SETS)
def test_pythia_the_rises_first(claim: Recorder, language: Any, checkpoints: Any, place: str, name: str) -> None:
    """As P3; the early checkpoint is chosen on the other half of the prompts."""
    found = [language.answered(source, claim.base_seed, place) for source in checkpoints]
    claim.equal("revisions with the same weights", 0, language.repeated(found))
    chosen_checkpoint(claim, language, name, found)


def chosen_checkpoint(claim: Recorder, language: Any, name: str, found: Any) -> None:
    """There is a checkpoint, chosen on one half of the prompts, with the order of rise on the other half."""
    early = language.best_early(found, name)
    _, report = halves(len(early.sets[name].answer))
    order_of_rise(claim, language, name, [early], [found[-1]], report)


def order_of_rise(claim: Recorder, language: Any, name: str, early: Any, last: Any, places: Any = slice(None)) -> None:
    """P("the") early is above a third of its last value, P(answer) early below a third of its."""
    details = language.provenance([*early, *last])
    for metric, label, side in (("distributional", '"the"', +1), ("answer", "answer", -1)):
        columns = [language.above_share(*pair, name, metric, places) for pair in zip(early, last, strict=True)]
        what = f"{name}: P({label}) early less a third of its last"
        claim.sign(what, side, **language.means(name, columns), **details)


@pytest.mark.claims("P4")
@pytest.mark.parametrize("name", SETS)
def test_late_input_matrices(claim: Recorder, language: Any, name: str) -> None:
    """The best cell of late MLP input matrices: P(answer) up, P("the") down, more prompts answered."""
    found = language.sweeps(language.pocket_sources(), claim.base_seed, language.Plan())
    best = late_layers_help(claim, language, name, found, "mlp_in")
    claim.replicated(f"{name}: effect of the best cell", "effect", +1, [one.effect for one in best])


@pytest.mark.claims("P4")
def test_names_from_other_sentences(claim: Recorder, language: Any) -> None:
    """With names that the model knows from other sentences alone it works on two training seeds; on the third no late
    cell raises the answer and lowers "the"."""
    plan = language.Plan(names=("names",), roles=("mlp_in",))
    found = language.sweeps(language.pocket_sources(), claim.base_seed, plan)
    effects = [language.chosen(swept, swept.late("mlp_in"), "names").effect for swept in found]
    claim.replicated("names: effect of the best cell", "effect", +1, effects, needed="needed_names")
    claim.less("names: smallest effect of the seeds", min(effects), claim.rule.thresholds["no_effect"], side="beyond")


@pytest.mark.claims("P4")
@pytest.mark.parametrize("name", SETS)
def test_last_output_matrix(claim: Recorder, language: Any, name: str) -> None:
    """The last layer's MLP output matrix: its top FEW directions hold much of "the", as T4.4 and E3 have it for the top
    one. Kept alone they do the opposite of the claim; without them "the" falls and the answer rises."""
    for keep, side, sign in (("top", "beyond", -1), ("bottom", "holds", +1)):
        sources = language.pocket_sources()
        found = [language.last_output_change(source, claim.base_seed, FEW, keep)[name] for source in sources]
        for metric, label, way in (("answer", "P(answer)", sign), ("distributional", 'P("the")', -sign)):
            what = f"{name}: change of {label} with the {keep} of mlp_out"
            claim.sign(what, way, **language.means(name, [one[metric] for one in found]), side=side)


@pytest.mark.claims("P4.pythia")
@pytest.mark.parametrize("name", SETS)
def test_pythia_late_input_matrices(claim: Recorder, language: Any, pythia_sweep: Any, name: str) -> None:
    """As P4, of input matrices."""
    late_layers_help(claim, language, name, pythia_sweep(claim.base_seed), "mlp_in")


def late_layers_help(claim: Recorder, language: Any, name: str, found: Any, role: str) -> list[Any]:
    """Three signs of the best cell of a role in the upper half of the layers; returns these cells."""
    best = [language.chosen(swept, swept.late(role), name) for swept in found]
    details = language.provenance(found) | {"cells": [str(one.cell) for one in best]}
    for metric, label, side in (
        ("answer", "P(answer)", +1), ("distributional", 'P("the")', -1), ("correct", "accuracy", +1)
    ):  # fmt: skip
        changes = language.means(name, [one.changes[metric] for one in best])
        claim.sign(f"{name}: change of {label} with {role} truncated", side, **changes, **details)
    return best


@pytest.mark.claims("P5")
@pytest.mark.parametrize("name", SETS)
def test_late_attention_matrices(claim: Recorder, language: Any, name: str) -> None:
    """The best cell of attention matrices in late layers has less than half of the effect of late MLP inputs."""
    found = language.sweeps(language.pocket_sources(), claim.base_seed, language.Plan())
    best = attention_does_less(claim, language, name, found, "late")
    claim.replicated(f"{name}: effect of late attention", "effect", -1, [one.effect for one in best])


@pytest.mark.claims("P5")
@pytest.mark.parametrize("name", SETS)
def test_attention_matrices_of_every_layer(claim: Recorder, language: Any, name: str) -> None:
    """With early layers, in which recall gains something on one seed: less than with late MLP inputs."""
    found = language.sweeps(language.pocket_sources(), claim.base_seed, language.Plan())
    attention_does_less(claim, language, name, found, "all", side="beyond")


@pytest.mark.claims("P5.pythia")
@pytest.mark.parametrize("name", SETS)
def test_pythia_attention_matrices(claim: Recorder, language: Any, pythia_sweep: Any, name: str) -> None:
    """As P5, in late layers."""
    attention_does_less(claim, language, name, pythia_sweep(claim.base_seed), "late")


LESS = {"late": 2, "all": 1}
"""The effect of attention is less than that of late MLP inputs over this number."""


def attention_does_less(
    claim: Recorder, language: Any, name: str, found: Any, layers: str, side: str = "holds"
) -> list[Any]:
    """Rise of P(answer) and fall of P("the"), each less than a part of that with late MLP inputs; returns the best
    attention cells."""
    late = [language.chosen(swept, swept.late("mlp_in"), name) for swept in found]
    attention = [language.chosen(swept, language.attention_cells(swept, layers), name) for swept in found]
    details = language.provenance(found) | {"cells": [str(one.cell) for one in attention]}
    for metric, label, way in (("answer", "rise of P(answer)", +1), ("distributional", 'fall of P("the")', -1)):
        pairs = zip(late, attention, strict=True)
        less = [way * (one.changes[metric] / LESS[layers] - other.changes[metric]) for one, other in pairs]
        what = f"{name}: {label} with MLP inputs, over {LESS[layers]}, less that with attention, {layers} layers"
        claim.sign(what, +1, **language.means(name, less), side=side, **details)
    return attention
