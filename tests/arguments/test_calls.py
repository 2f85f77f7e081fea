"""Every public call refuses bad arguments by name, in a second and within its memory, and takes unusual good ones."""

import pytest

from .counted import COUNTED
from .faces import faces, missing, public, table_of

SEED = 21
LEAST = 600
"""Cases of a run without --trust-full."""
EXTRA = ("simulate.language", "simulate.laser", "simulate.prompts", "simulate.gsm8k", "simulate.pocket")
"""Faces whose rows need the extra language."""


def require_extra(face):
    """Skip the test of a face that needs what is not installed."""
    if face in EXTRA:
        pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)


@pytest.mark.parametrize("face", faces())
def test_every_public_name_has_rows(face):
    require_extra(face)
    assert not missing(face, public()[face], table_of(face))


@pytest.mark.parametrize("face", faces())
def test_bad_arguments_are_refused_by_name_and_good_ones_taken(face, children, share):
    """Of the wrong type, NaN, infinite, huge, empty, masked, of another shape; numbers of numpy and torch."""
    require_extra(face)
    found = children.of_face(face, share, SEED)
    COUNTED.update(names=len(table_of(face).rows), cases=found.cases, refused=found.refused, accepted=found.accepted)
    assert not found.wrong, "\n".join(f"{label}: {happened}" for label, happened in found.wrong.items())


def test_a_run_has_enough_cases():
    """The sample, too: the tests above, run before, counted them."""
    if COUNTED["names"] < sum(len(table_of(face).rows) for face in faces()):
        pytest.skip("not all faces were tried")
    assert COUNTED["cases"] >= LEAST
