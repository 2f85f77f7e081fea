"""Trainings that end at the first observation that is enough, killed and resumed too."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from simulate import initialised, train
from simulate.runtime.checkpoints import read_checkpoint
from tests.oracles.plain_training import MODEL, PLAIN, same, size


def from_step(least):
    return lambda seen: seen["step"] >= least


@pytest.mark.parametrize(("least", "end"), [(0, 0), (1, 2), (5, 5), (6, 7), (8, 7)])
def test_training_ends_at_the_first_observation_that_is_enough(tmp_path, least, end):
    """There, and not at the step that would be enough: model, history and checkpoint are those of a run so long."""
    marks, place = (0, 2, 3, 5, 7), tmp_path / "state"
    found = train(PLAIN, observe=size, at=marks, until=from_step(least), checkpoint=place)
    whole = train(PLAIN, observe=size, at=marks)
    assert found.history == [seen for seen in whole.history if seen["step"] <= end]
    shorter = train(replace(PLAIN, steps=end)).model if end else initialised(MODEL, seed=5)
    assert same(found.model, shorter)
    kept = read_checkpoint(place)
    assert kept.step == end and same(kept.weights, shorter)


def test_until_is_called_with_all_numbers_of_each_observation():
    seen = []

    def never(numbers):
        seen.append(dict(numbers))
        numbers.clear()  # changes nothing of the history
        return np.bool_(False)

    found = train(PLAIN, observe=size, at=(1, 4), until=never)
    assert found.history == seen and list(seen[0]) == ["step", "loss", "size"]


@pytest.mark.parametrize("every", [1, 3, 100])
def test_an_interrupted_training_ends_where_it_would_have(tmp_path, every):
    place, calls = tmp_path / "state", count(1)
    options = {"at": (0, 2, 3, 5, 7), "until": from_step(5)}

    def interrupted(model):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return size(model)

    with pytest.raises(KeyboardInterrupt):
        train(PLAIN, observe=interrupted, checkpoint=place, every=every, **options)
    whole = train(PLAIN, observe=size, **options)
    for _ in range(2):  # the second time nothing is left to do
        resumed = train(PLAIN, observe=size, checkpoint=place, every=every, **options)
        assert same(resumed.model, whole.model) and resumed.history == whole.history
        assert read_checkpoint(place).step == 5
    longer = train(PLAIN, observe=size, at=options["at"], checkpoint=place)  # and it goes on where it need not end
    assert longer.history == train(PLAIN, observe=size, at=options["at"]).history


def test_a_checkpoint_beyond_where_training_ends_is_refused(tmp_path):
    place = tmp_path / "state"
    train(PLAIN, observe=size, at=(0, 2, 5), checkpoint=place)
    with pytest.raises(ValueError, match="of a step up to 2, where until is true, got 7"):
        train(PLAIN, observe=size, at=(0, 2, 5), until=from_step(1), checkpoint=place)


@pytest.mark.parametrize(
    ("until", "options", "error", "message"),
    [
        (3, {"observe": size, "at": (0, 2)}, TypeError, "until must be a callable or None, got 3"),
        (from_step(1), {}, ValueError, "until must be given with observe, whose numbers it is called with"),
        (lambda seen: None, {"observe": size, "at": (0, 2)}, TypeError, "until must return a bool, got None"),
        (lambda seen: 1.0, {"observe": size, "at": (0, 2)}, TypeError, "until must return a bool, got 1.0"),
    ],
)
def test_until_is_a_predicate_of_observations(until, options, error, message):
    with pytest.raises(error, match=message):
        train(PLAIN, until=until, **options)
