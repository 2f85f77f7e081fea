"""One's own data as a law: counts of pairs of characters from a table, or a text; refused by name if they are none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from simulate import Chain
from theory import Law, ask
from theory.general.asked import Asked

HEADER = ["first_codepoint", "second_codepoint", "count"]
FEWEST, MOST = 3, 128
"""Different characters: fewer leave nothing beside trigger and noise; of more, an answer takes minutes and GBs."""
SHORTEST = 100
"""Characters of a text."""
LARGEST_COUNT = 2**53
"""The integers up to here are floats."""
LAST_POINT = 0x10FFFF


@dataclass(frozen=True)
class Characters:
    """A chain over characters, in the order of their code points, and where it comes from."""

    path: Path
    chain: Chain
    characters: tuple[str, ...]

    def token(self, option: str, text: str) -> int:
        """The token of a character, given as itself or as U+XXXX, or a ValueError that names the option."""
        character = _character(option, text)
        if character not in self.characters:
            raise ValueError(
                f"{option} must be one of the {len(self.characters)} characters of {self.path}, got {called(character)}"
            )
        return self.characters.index(character)


def called(character: str) -> str:
    """A character as sentences show it: in quotes, or by its code point if it cannot be seen."""
    return f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"


def read(bigrams: Path | None, text: Path | None, smoothing: Fraction | int) -> Characters:
    """The one file that is given, by `read_bigrams` or `read_text`, whose errors are raised.

    Args:
        smoothing: number >= 0 that is added to every count.
    """
    if smoothing < 0:
        raise ValueError(f"--smoothing must be >= 0, got {float(smoothing)}")
    if bigrams is not None:
        return read_bigrams(bigrams, float(smoothing))
    if text is not None:
        return read_text(text, float(smoothing))
    raise ValueError("one of --bigrams and --text is needed, got none")


def read_bigrams(path: Path, smoothing: float = 0.0) -> Characters:
    """Counts of pairs from a table with the header of HEADER.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such table, or a line of it is none: a code point that is none, a count that is no whole
            number, a pair that is there twice; too few or too many characters; one that begins no pair.
    """
    pairs = _pairs(path)
    points = sorted({point for pair in pairs for point in pair})
    _check_number(path, len(points))
    index = {point: token for token, point in enumerate(points)}
    counts = np.zeros((len(points), len(points)))
    for (first, second), count in pairs.items():
        counts[index[first], index[second]] = count
    characters = tuple(map(chr, points))
    with _named(path):
        return Characters(path, Chain.from_counts(counts, smoothing=smoothing, names=characters), characters)


def _pairs(path: Path) -> dict[tuple[int, int], int]:
    """The count of each pair of code points of a table."""
    lines = _decoded(path).split("\n")
    if lines[0].split(",") != HEADER:
        raise ValueError(f"{path} must begin with the line {','.join(HEADER)}, got {lines[0][:80]!r}")
    pairs: dict[tuple[int, int], int] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line and number == len(lines):
            break
        where, row = f"{path}, line {number}", line.split(",")
        if len(row) != len(HEADER):
            raise ValueError(f"{where}: {','.join(HEADER)} is needed, got {line[:80]!r}")
        first, second, count = map(partial(_whole, where), HEADER, row, (LAST_POINT, LAST_POINT, LARGEST_COUNT))
        if (first, second) in pairs:
            raise ValueError(f"{where}: the pair {first},{second} is there twice")
        pairs[first, second] = count
    return pairs


def read_text(path: Path, smoothing: float = 0.0) -> Characters:
    """Pairs of neighbouring characters of a text in UTF-8; a line ends with one U+000A whatever it ends with there.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no UTF-8, too short, has too few or too many characters, or one that nothing follows.
    """
    text = _decoded(path)
    if len(text) < SHORTEST:
        raise ValueError(f"{path} must have at least {SHORTEST} characters, got {len(text)}")
    characters = tuple(sorted(set(text)))
    _check_number(path, len(characters))
    with _named(path):
        return Characters(path, Chain.from_text(text, smoothing=smoothing), characters)


def ask_data(
    data: Characters, length: int, alpha: Fraction, trigger: str | None, noise: str | None, answers: str
) -> Asked:
    """What the theory answers about the law of one's own data.

    Args:
        data: the chain of the data.
        length, alpha: T and the noise level.
        trigger: the character; None is the most frequent one.
        noise: the character; None is the third in order, as in the paper, or the second where the third is the trigger.
        answers: "uniform", or "stationary": the correct token follows the characters' frequencies. z_1 does so always.

    Raises:
        ValueError: a character that the data do not have.
    """
    frequencies = np.asarray(data.chain.initial)
    q = int(np.argmax(frequencies)) if trigger is None else data.token("--trigger", trigger)
    tau = (1 if q == 2 else 2) if noise is None else data.token("--noise", noise)
    law = Law(
        data.chain.transition,
        T=length,
        trigger=q,
        alpha=float(alpha),
        first=frequencies,
        answers=frequencies if answers == "stationary" else None,
        noise=tau,
    )
    names = [called(character) for character in data.characters]
    asked = ask(law, names)
    return replace(asked, setting={"file": str(data.path), **asked.setting, "answers": answers})


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors about the counts with the file that they are of."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _decoded(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8, got the byte 0x{error.object[error.start]:02x} at position {error.start}"
        ) from None


def _whole(where: str, name: str, text: str, most: int) -> int:
    """A whole number in 0..most, or a ValueError."""
    number = text.strip(" \t")
    if not (number.isascii() and number.isdigit()) or len(number) > 16 or int(number) > most:
        raise ValueError(f"{where}: {name} must be a whole number in 0..{most}, got {text!r}")
    return int(number)


def _check_number(path: Path, found: int) -> None:
    if not FEWEST <= found <= MOST:
        raise ValueError(f"{path} must have {FEWEST} to {MOST} different characters, got {found}")


def _character(option: str, text: str) -> str:
    if len(text) == 1:
        return text
    digits = text[2:]
    if text[:2].upper() == "U+" and 4 <= len(digits) <= 6:
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{option} must be one character or its code point, such as U+000A, got {text!r}")
