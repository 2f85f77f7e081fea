"""What decides a claim about trainings or language models is in its rule in the ledger; all that is there decides."""

import re
from collections import ChainMap
from fractions import Fraction
from functools import partial
from types import SimpleNamespace

import pytest

from paper_checks.experiments.general import law_settings, law_statements, trained_laws
from paper_checks.experiments.named import has_language
from paper_checks.experiments.trainings import levels, paper_scale, statements, variants
from paper_checks.experiments.trainings.settings import LEARNED, LEVELS
from paper_checks.project import load_claims, rule_of

TOLD = {
    "E1": [statements.noise_first],
    "E2": [statements.without_last_layer],
    "E3": [statements.input_matrix, statements.output_matrix],
    "E4": [statements.second_attention],
    "E5": [statements.first_attention],
    "E6": [statements.rank_of_values, statements.place_of_the_noise, statements.one_direction],
    "E7": [*(partial(levels.noise_level, alpha=alpha) for alpha in LEVELS), levels.time_to_recall],
    "E8": [partial(levels.several_triggers, triggers=2)],
    "E9": [partial(levels.feed_forward_layers, activation=kind, which=kind) for kind in ("relu", "linear")],
    "G6": [
        law_statements.noise_first,
        law_statements.without_last_layer,
        law_statements.second_attention,
        partial(law_statements.no_attraction, over_laws=lambda numbers: numbers),
        *(partial(law_statements.no_delay, which="", threshold=f"delay{kind}") for kind in ("", "_negative", "_laws")),
        law_statements.no_more_delay,
    ],
    "E10": [statements.noise_first, statements.without_last_layer, statements.second_attention],
}
"""All that the checks say of trainings, by claim."""


class Read(dict):
    """Thresholds that know which of them were asked for."""

    def __init__(self, *given):
        super().__init__(*given)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("claim", TOLD)
def test_a_rule_of_trainings_has_what_is_asked_for_and_no_more(claim):
    thresholds = Read(rule_of(claim).thresholds)

    def replicated(name, threshold, expected, values, **details):
        assert thresholds[threshold] is not None

    heard = SimpleNamespace(rule=SimpleNamespace(thresholds=thresholds), replicated=replicated)
    for tell in TOLD[claim]:
        tell(heard, lambda numbers: numbers)
    assert thresholds.asked == thresholds.keys()


def test_the_papers_size_is_held_against_the_rules_of_desk_scale():
    """E10's rule is those of E1, E2 and E4 together, which do not contradict each other; its trainings, whose code is
    fixed with their record, end by the same level of recall."""
    several = [rule_of(claim).thresholds for claim in ("E1", "E2", "E4")]
    assert rule_of("E10").thresholds == dict(ChainMap(*several))
    assert len(rule_of("E10").thresholds) == sum(map(len, several))
    assert rule_of("E10").thresholds["recall_reached"] == paper_scale.RECALLED


def numbers(claim):
    """The sizes of the numbers in a claim's formal statement."""
    formal = re.sub(r"\\tfrac(\d)(\d)", r"\1/\2", load_claims()[claim].formal)
    return {abs(Fraction(one)) for one in re.findall(r"\d+/\d+|\d+(?:\.\d+)?", formal)}


@pytest.mark.parametrize("claim", [name for name, one in load_claims().items() if one.group in "BEGP" and one.rule])
def test_the_formal_statement_has_every_threshold(claim):
    """Or its inverse, of so many parts; E10 refers to others. Shares told from a threshold's own are the design's."""
    thresholds = rule_of(claim).thresholds
    sizes = [abs(Fraction(str(value))) for name, value in thresholds.items() if not name.endswith("_stated")]
    known = set().union(*map(numbers, ["E1", "E2", "E4"] if claim == "E10" else [claim]))
    assert [size for size in sizes if not {size, 1 / size if size else size} & known] == []


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("E10", f"of recall {paper_scale.RECALLED:g}, or after {paper_scale.STEPS}"),
        ("E10", f"one in {paper_scale.EVERY} updates, that is {paper_scale.AFTER_RECALL} updates or more after"),
        ("E7", f"at most {variants.BUDGET} updates, and at {max(LEVELS):g} for {variants.LEAST} updates"),
        ("E7", f"{', '.join(f'{alpha:g}' for alpha in LEVELS if alpha <= LEARNED)} trained until"),
        ("G6", f"M = {trained_laws.M}, T = {trained_laws.T}, d = {law_settings.DESK_WIDTH}, alpha = 1/2"),
        ("G6", "concentration {:g}, {:g} or {:g}".format(*trained_laws.CONCENTRATIONS)),
        ("G6", f"noise uniform on {trained_laws.NOISES} tokens"),
        ("G6", f"trigger {trained_laws.TRIGGER_SHARE:g} of them"),
        ("G6", f"one other token at {trained_laws.HEAVY_SHARE:g}"),
        ("G6", f"left as it is for the first {law_settings.HELD} updates"),
        ("G6", f"SGD {law_settings.QUICK.settings['lr']:g}"),
        ("G6", f"the noise on {law_settings.LEARNED:g} of {law_settings.random_laws().watched} sequences"),
        ("G6", f"at least {law_settings.LEAST} updates, at most {law_settings.BUDGET}"),
        ("E8", f"all after {variants.TRIGGERS_AT} updates"),
    ],
)
def test_settings_that_decide_are_those_of_the_scope(claim, words):
    assert words in load_claims()[claim].scope


@pytest.mark.skipif(not has_language(), reason="needs the extra language")
def test_ranks_of_pocket_pythia_are_those_of_the_scope():
    from paper_checks.experiments.pocket_models import RANK, RANKS

    words = {"P4": f"at rank {RANK}", "P5": f"at rank {' or '.join(map(str, RANKS))}"}
    assert all(one in load_claims()[claim].scope for claim, one in words.items())


@pytest.mark.parametrize(
    ("claim", "key", "value"),
    [
        ("P1.pythia", "parts", 20),
        ("P2.pythia", "parts", 20),
        ("P3", "parts", 3),
        ("P3.pythia", "parts", 3),
        ("P5.pythia", "late_share", 1 / 2),
    ],
)
def test_parts_in_the_names_of_comparisons_are_those_of_the_rule(claim, key, value):
    """A twentieth, a third, half: the names say it in words."""
    assert rule_of(claim).thresholds[key] == value
