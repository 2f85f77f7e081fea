"""What the mutant tests share: assertions outside a run, and formulas whose values come out 5 % too large."""

import pytest

from paper_checks.evidence import DEFAULT_SEED as SEED
from paper_checks.evidence.assertions import Assertions
from paper_checks.project import own_ledger


def assertions():
    return Assertions("mutant", SEED, [], own_ledger())


def caught(check, match=None):
    with pytest.raises(AssertionError, match=match):
        check(assertions())


def negative(value):
    return -value


def stretched(value):
    """5 % more of every number in a value: a number or expression, a dictionary, a (named) tuple, or None."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: stretched(number) for key, number in value.items()}
    if isinstance(value, tuple):
        return tuple(stretched(number) for number in value)
    return value * 21 / 20


def assert_caught(monkeypatch, module, name, check, change=stretched):
    """A check goes red once `change` is applied to what the module's function `name` returns."""
    original = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments, **options: change(original(*arguments, **options)))
    with pytest.raises(AssertionError):
        check(assertions())
