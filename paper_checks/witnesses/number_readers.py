"""The two readings of an answer to a word problem, by scanning it without the patterns of `simulate.gsm8k.answers`.

What is a number is said there: ASCII digits, a sign, one of $ € £, commas between groups of three digits, decimals.
"""

from collections.abc import Iterator

MARKS = ("####", "The answer is", "the answer is")
SIGNS = "-−"
CURRENCIES = "$€£"
DIGITS = "0123456789"


def stated(text: str) -> str | None:
    """The first number that follows "The answer is" or "####", or None."""
    starts = dict(_numbers(text))
    for at in range(len(text)):
        for mark in MARKS:
            if text.startswith(mark, at):
                rest = text[at + len(mark) :].lstrip().removeprefix(":").lstrip()
                end = starts.get(start := len(text) - len(rest))
                if end is not None:
                    return text[start:end]
    return None


def last_number(text: str) -> str | None:
    """The last number of the text, or None."""
    found = list(_numbers(text))
    return text[slice(*found[-1])] if found else None


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every number, from left to right."""
    at = 0
    while at < len(text):
        if text[at] not in DIGITS:
            at += 1
            continue
        start = end = at
        while end < len(text) and (text[end] in DIGITS or (text[end] in ".," and text[end + 1 : end + 2] in [*DIGITS])):
            end += 1
        at = end
        if _leading_dot(text, start) and _well_formed(text[start - 1 : end]):
            start -= 1
        if _well_formed(text[start:end]):
            yield _with_prefix(text, start), end


def _leading_dot(text: str, start: int) -> bool:
    """Whether the dot before `start` is that of .5, not the end of a sentence."""
    return text[:start].endswith(".") and not _joins(text[: start - 1][-1:], "_.,")


def _well_formed(digits: str) -> bool:
    whole, _, decimals = digits.partition(".")
    groups = whole.split(",")
    grouped = len(groups) == 1 or (len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    return grouped and "." not in decimals and "," not in decimals


def _with_prefix(text: str, start: int) -> int:
    """Where the number whose digits begin at `start` begins, with its sign and currency."""
    before = text[max(0, start - 2) : start]
    if len(before) == 2 and before[0] in CURRENCIES and before[1] in SIGNS:
        return start - 2
    if before and before[-1] in CURRENCIES:
        start -= 1
    if start and text[start - 1] in SIGNS and not _joins(text[: start - 1][-1:], "_)]"):
        start -= 1
    return start


def _joins(character: str, others: str) -> bool:
    return character != "" and (character.isalnum() or character in others)
