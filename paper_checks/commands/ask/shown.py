"""Answers as tables for people and as JSON for programs."""

import json
import math

from rich.table import Table

from theory.general.asked import BASES, Answer, Asked

from ..groups import table_console

NARROW = 2.0**-16
"""Relative width below which a bracket is shown as one number."""


def print_json(asked: Asked) -> None:
    """One object: setting, bases, answers."""
    print(json.dumps(asked.as_dict(), indent=1, allow_nan=False))


def print_tables(asked: Asked) -> None:
    """The setting, a table per topic, and what the answers rest on."""
    console = table_console()
    console.print(", ".join(f"{name} = {_setting(value)}" for name, value in asked.setting.items()))
    for topic, answers in asked.topics().items():
        table = Table("claim", "number", "rests on", "what it says", title=topic, title_justify="left")
        for answer in answers:
            table.add_row(answer.claim, number(answer), answer.basis, answer.sentence)
        console.print(table)
    used = dict.fromkeys(answer.basis for answer in asked)
    console.print("\n".join(f"{basis}: {BASES[basis]}" for basis in used))


def number(answer: Answer) -> str:
    """The number of an answer: a value, a range, or one of its ends."""
    if answer.value is not None:
        return figure(answer.value)
    low, high = answer.low, answer.high
    if low is None:
        return "" if high is None else f"at most {figure(high)}"
    if high is None:
        return f"at least {figure(low)}"
    if low == high:
        return figure(low)
    if high - low <= NARROW * abs(high):
        return f"≈ {figure(high)}"
    return f"{figure(low)} to {figure(high)}"


def figure(value: float) -> str:
    """A number in four digits, whole numbers below a million in all of theirs."""
    if math.isfinite(value) and value == int(value) and abs(value) < 10**6:
        return str(int(value))
    return f"{value:.4g}"


def _setting(value: float | str) -> str:
    return value if isinstance(value, str) else figure(value)
