"""Could the checks of G5 have failed? Its parts are changed, and a check turns red."""

import dataclasses
import importlib

import pytest

from paper_checks.claims.g import test_looks as looks_checks
from paper_checks.experiments.general import laws, looks
from theory.general import mixture

from ..mutation import assert_caught, assertions


def bound(claim):
    looks_checks.test_the_bound_on_what_frequency_leaves_out(claim)


def random_laws(number):
    def check(claim):
        looks_checks.test_the_criterion_on_random_laws(claim, looks.FAMILIES[number])

    return check


def mixtures(claim):
    looks_checks.test_mixtures_turn_where_the_criterion_says(claim, 0.5)


def changed_attraction(**changes):
    """The criterion with a field of both attractions changed."""

    def change(found):
        both = {
            name: dataclasses.replace(one, **{field: of(one) for field, of in changes.items()})
            for name, one in (("noise", found.noise), ("follower", found.follower))
        }
        return dataclasses.replace(found, **both)

    return change


def test_five_percent_in_what_the_answers_add(monkeypatch):
    module = importlib.import_module("theory.general.criterion")
    assert_caught(monkeypatch, module, "answer_parts", bound)


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, changed_attraction(leading=lambda one: -one.leading)),  # rare tokens attract
        (0, changed_attraction(bound=lambda one: one.bound / 10)),
        (1, changed_attraction(copying=lambda one: 0.0)),
        (0, changed_attraction(gradient=lambda one: one.gradient - one.frequency)),  # K at absorbed p
    ],
    ids=["rare tokens attract", "a tenth of the bound", "no copying", "absorbed"],
)
def test_the_criterion_changed(monkeypatch, number, change):
    assert_caught(monkeypatch, looks, "criterion", random_laws(number), change)


def test_shares_exchanged(monkeypatch):
    original = mixture.mix
    monkeypatch.setattr(laws, "mix", lambda one, other, share: original(other, one, share))
    with pytest.raises(AssertionError):
        mixtures(assertions())
