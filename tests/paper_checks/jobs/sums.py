"""Small jobs for the tests of jobs: they leave a line in a file for each time that they run."""

import os
import time
from pathlib import Path

from paper_checks.jobs import job


@job("squares", cost=lambda number, log, seconds=0.0: max(seconds, 0.01))
def square(number: int, log: str, seconds: float = 0.0) -> int:
    """The square, after some seconds."""
    note(log, f"begin {number}")
    time.sleep(seconds)
    note(log, f"end {number}")
    return number * number


@job("sums", cost=0.01, inputs=lambda numbers, log: [square.of(number, log) for number in numbers])
def sum_of_squares(numbers: tuple[int, ...], log: str) -> int:
    """The sum of the squares, which it asks for."""
    note(log, f"sum {numbers}")
    return sum(square(number, log) for number in numbers)


@job("failures")
def failure(text: str) -> None:
    """Fails."""
    raise ZeroDivisionError(text)


def note(log: str, line: str) -> None:
    """Append a line, whole."""
    with open(log, "ab") as stream:
        stream.write(f"{os.getpid()} {line}\n".encode())


def noted(log: str, word: str) -> list[str]:
    """What was noted after a word, in order."""
    lines = Path(log).read_text(encoding="utf-8").splitlines() if Path(log).exists() else []
    return [line.split(" ", 2)[2] for line in lines if line.split(" ", 2)[1] == word]
