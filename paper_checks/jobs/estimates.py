"""How far jobs are, and how long the rest will take."""

from typing import NamedTuple


class Progress(NamedTuple):
    """How far the jobs of one kind are."""

    total: int
    done: int  # made, reused or failed
    running: int
    reused: int
    remaining: float  # processor seconds, estimated


class Pace:
    """Seconds that jobs took over those that their costs said, by kind."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    def add(self, kind: str, taken: float, expected: float) -> None:
        """A job of this kind has ended."""
        before = self._sums.get(kind, (0.0, 0.0))
        self._sums[kind] = before[0] + taken, before[1] + expected

    def of(self, kind: str) -> float:
        """Of this kind, if one has ended; else of all that have; 1 before any has."""
        known = [self._sums[kind]] if kind in self._sums else list(self._sums.values())
        taken, expected = (sum(sums[column] for sums in known) for column in (0, 1))
        return taken / expected if taken > 0 and expected > 0 else 1.0
