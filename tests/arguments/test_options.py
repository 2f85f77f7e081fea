"""Options that cannot be used are refused by name, at once, with status 2, or 4 by pytest, and without a traceback."""

import pytest

from .counted import COUNTED
from .option_trials import KINDS, missing

pytest.importorskip("transformers", reason="commands need the extra language", exc_type=ModuleNotFoundError)
SEED = 21


def test_every_option_has_values_that_cannot_be_used():
    assert not missing()


@pytest.mark.parametrize("kind", KINDS)
def test_options_that_cannot_be_used_are_refused_by_name(kind, children, share):
    """Among them folders without a model, files of another kind, places that cannot be written to."""
    found = children.of_face(kind, share, SEED)
    COUNTED.update({kind: found.cases, f"{kind} refused": found.refused})
    assert not found.wrong, "\n".join(f"{label}: {happened}" for label, happened in found.wrong.items())
