"""P1-P5 on the model that --model NAME or FOLDER names, in lines of their own: signs of means over prompts.

One model has no spread over trainings: all that is said is said of this one, and standard errors are over prompts.
Recall and facts are the prompts of the same name of `test_pocket`, those whose words are one token each in the model's
tokenizer; with fewer than half of a set a check is not run. A cell of a sweep and a checkpoint are chosen on
one half of the prompts and reported on the other.
"""

from typing import Any

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.named import checkpoint_source
from paper_checks.experiments.rise import CLAIMED, chosen_checkpoint

pytestmark = pytest.mark.filterwarnings("default:prompts begin with:UserWarning")
"""A start token that marks chats is warned of and recorded; it fails no check."""


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
    return language.Source(name, request.config.getoption("--revision"), name, request.config.getoption("--start"))


@pytest.fixture(scope="session")
def checkpoints(request: pytest.FixtureRequest, language: Any, pythia: Any) -> Any:
    """The checkpoints that --checkpoints names, of the model that --model names."""
    named = request.config.getoption("--checkpoints")
    if named is None:
        pytest.skip("no weights: give --checkpoints step16,step128,step1000,step143000, say")
    return [language.Source(*checkpoint_source(pythia.place, name), name, pythia.start) for name in named.split(",")]


@pytest.fixture(scope="session")
def pythia_sweep(request: pytest.FixtureRequest, language: Any, pythia: Any, place: str, ask: Any) -> Any:
    """Its sweep, with a record from which it goes on after an interrupt."""

    def made(base_seed: int, name: str) -> Any:
        ask(pythia, base_seed, name)  # before hours of work
        try:
            return language.sweep_alone(pythia, base_seed, place, request.config.rootpath / ".evidence")
        except BlockingIOError as error:  # another run is at the same sweep
            pytest.skip(f"{error.strerror}: {error.filename}")

    return made


@pytest.fixture(scope="session")
def ask(language: Any, place: str) -> Any:
    """What a model answers to one of CLAIMED; a check is not run where too few of its prompts can be asked."""

    def asked(source: Any, base_seed: int, name: str) -> Any:
        found = language.answered(source, base_seed, place, CLAIMED)
        if remedy := found.asked.too_few(name):
            pytest.skip(f"too few prompts: {remedy}")
        return found

    return asked


@pytest.mark.claims("P1.pythia")
def test_pythia_recall_competes_with_the(claim: Assertions, language: Any, pythia: Any, ask: Any) -> None:
    """As P1, of one model."""
    competition(claim, language, [ask(pythia, claim.base_seed, "recall")], "recall")


@pytest.mark.claims("P2.pythia")
def test_pythia_facts_compete_with_the(claim: Assertions, language: Any, pythia: Any, ask: Any) -> None:
    """As P2, of one model."""
    competition(claim, language, [ask(pythia, claim.base_seed, "facts")], "facts")


def competition(claim: Assertions, language: Any, found: Any, name: str) -> None:
    """The answer's logit is above the distractor's, "the" is more probable than the distractor, and each of answer and
    "the" has more than a twentieth of the other's probability: the rule's one of so many `parts`."""
    details, parts = language.provenance(found), claim.rule.thresholds["parts"]
    sets = [answers.sets[name] for answers in found]
    columns = {
        "logit of the answer less that of the distractor": [one.difference for one in sets],
        'P("the") less P(distractor)': [language.over_distractor(one) for one in sets],
        'P(answer) less a twentieth of P("the")': [one.answer - one.distributional / parts for one in sets],
        'P("the") less a twentieth of P(answer)': [one.distributional - one.answer / parts for one in sets],
    }
    for what, numbers in columns.items():
        claim.sign(f"{name}: {what}", +1, **language.means(name, numbers), **details)


@pytest.mark.claims("P3.pythia")
@pytest.mark.parametrize("name", CLAIMED)
def test_pythia_the_rises_first(claim: Assertions, language: Any, checkpoints: Any, ask: Any, name: str) -> None:
    """As P3; the early checkpoint is chosen on the other half of the prompts."""
    found = [ask(source, claim.base_seed, name) for source in checkpoints]
    claim.equal("revisions with the same weights", 0, language.repeated(found))
    chosen_checkpoint(claim, language, name, found)


@pytest.mark.claims("P4.pythia")
@pytest.mark.parametrize("name", CLAIMED)
def test_pythia_late_input_matrices(claim: Assertions, language: Any, pythia_sweep: Any, name: str) -> None:
    """The best cell of late MLP input matrices: P(answer) up, P("the") down, more prompts answered."""
    late_layers_help(claim, language, name, pythia_sweep(claim.base_seed, name), "mlp_in")


def late_layers_help(claim: Assertions, language: Any, name: str, found: Any, role: str) -> None:
    """Three signs of the best cell of a role in the upper half of the layers."""
    best = [language.chosen(swept, swept.late(role), name) for swept in found]
    details = language.provenance(found) | {"cells": [str(one.cell) for one in best]}
    for metric, label, side in (
        ("answer", "P(answer)", +1), ("distributional", 'P("the")', -1), ("correct", "accuracy", +1)
    ):  # fmt: skip
        changes = language.means(name, [one.changes[metric] for one in best])
        claim.sign(f"{name}: change of {label} with {role} truncated", side, **changes, **details)


@pytest.mark.claims("P5.pythia")
@pytest.mark.parametrize("name", CLAIMED)
def test_pythia_attention_matrices(claim: Assertions, language: Any, pythia_sweep: Any, name: str) -> None:
    """The best cell of attention matrices in late layers has less than half of the effect of late MLP inputs."""
    attention_does_less(claim, language, name, pythia_sweep(claim.base_seed, name))


def attention_does_less(claim: Assertions, language: Any, name: str, found: Any) -> None:
    """Rise of P(answer) and fall of P("the"), each less than the rule's share, a half, of that with late MLP inputs."""
    share = claim.rule.thresholds["late_share"]
    late = [language.chosen(swept, swept.late("mlp_in"), name) for swept in found]
    attention = [language.chosen(swept, language.attention_cells(swept, "late"), name) for swept in found]
    details = language.provenance(found) | {"cells": [str(one.cell) for one in attention]}
    for metric, label, way in (("answer", "rise of P(answer)", +1), ("distributional", 'fall of P("the")', -1)):
        pairs = zip(late, attention, strict=True)
        less = [way * (share * one.changes[metric] - other.changes[metric]) for one, other in pairs]
        what = f"{name}: half of the {label} with MLP inputs less that with attention, late layers"
        claim.sign(what, +1, **language.means(name, less), **details)
