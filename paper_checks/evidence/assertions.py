"""The assertions of a check: comparisons whose evidence is recorded before they can fail."""

from functools import cached_property
from typing import Any

from . import comparator, experiment_seed
from .comparator import Evidence, Side
from .fitting import Exponent
from .ledger import Ledger, Rule
from .pilots import pilot_values, write_pilot
from .training_design import PILOT_COUNT


class Assertions:
    """Calls the comparator, stores the evidence under the claim's id, and fails the check if the comparison fails."""

    def __init__(self, claim: str, base_seed: int, properties: list[tuple[str, Any]], ledger: Ledger) -> None:
        self.claim = claim
        self.base_seed = base_seed
        self.ledger = ledger
        self.evidence: list[Evidence] = []
        self._properties = properties

    def seed(self, name: str) -> int:
        """The seed of the experiment `name`: a function of the run's base seed and the name alone."""
        return experiment_seed(self.base_seed, name)

    def record(self, evidence: Evidence) -> None:
        """Keep the evidence, then fail if it did not pass."""
        self.evidence.append(evidence)
        self._properties.append(("evidence", evidence.as_dict()))
        if not evidence.passed:  # no assert: pytest would add the evidence to the message, and -O leave it out
            raise AssertionError(f"{self.claim}: {evidence.name}: {evidence.message}")

    def equal(self, name: str, exact: Any, value: Any, side: Side = "holds") -> None:
        """See `comparator.equal`."""
        self.record(comparator.equal(name, exact, value, side))

    def close(self, name: str, exact: Any, value: Any, tolerance: float, because: str, **options: Any) -> None:
        """See `comparator.close`."""
        self.record(comparator.close(name, exact, value, tolerance, because, **options))

    def less(self, name: str, found: Any, bound: Any, **options: Any) -> None:
        """See `comparator.less`."""
        self.record(comparator.less(name, found, bound, **options))

    def greater(self, name: str, found: Any, bound: Any, **options: Any) -> None:
        """See `comparator.greater`."""
        self.record(comparator.greater(name, found, bound, **options))

    def exponent(self, name: str, expected: float, fit: Exponent, side: Side = "holds") -> None:
        """A fitted exponent equals the expected one to the error of its fit, which is sharp enough to tell integers."""
        because = f"fits of successive orders differ by {fit.error:.1e}"
        self.close(name, expected, fit.exponent, fit.error, because, side=side, scale=1.0)
        self.less(f"{name}: error of the fit", fit.error, 0.01, side=side)

    def estimate(
        self, name: str, exact: Any, value: Any, standard_error: Any, error: float | None, **details: Any
    ) -> None:
        """See `comparator.estimate`."""
        self.record(comparator.estimate(name, exact, value, standard_error, error, **details))

    def sign(self, name: str, expected: int, value: Any, standard_error: Any, **details: Any) -> None:
        """See `comparator.sign`."""
        self.record(comparator.sign(name, expected, value, standard_error, **details))

    def rate(self, name: str, threshold: float, expected: int, rates: Any, **details: Any) -> None:
        """See `comparator.rate`."""
        self.record(comparator.rate(name, threshold, expected, rates, **details))

    @cached_property
    def rule(self) -> Rule:
        """The claim's rule of seeds and thresholds in the ledger."""
        return self.ledger.rule(self.claim)

    def replicated(self, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
        """See `comparator.replicated`; the threshold by its name in the ledger's rule, with the shares that the rule
        gives it; its pilot is the one on file."""
        limit, known = self.rule.thresholds[threshold], pilot_values(self.claim, name, self.ledger.pilots)
        is_all = not callable(values)
        boundaries = self.rule.of_all(threshold, len(values)) if is_all else self.rule.boundaries(threshold)
        self.record(comparator.replicated(name, limit, expected, values, boundaries, pilot=known, **details))

    def recorded(self, when: str, device: str) -> None:
        """Say that the evidence is from an earlier run: of what day, on what device."""
        self._properties.append(("recorded", f"recorded on {when}, {device}"))


class PilotAssertions(Assertions):
    """Draws and keeps the pilot of every statement about trainings, which thus cannot fail; all else is as ever."""

    def replicated(self, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
        """Write the numbers of the pilot trainings; what is about all trainings that there are has no pilot."""
        if callable(values):
            drawn = values(PILOT_COUNT)
            write_pilot(self.claim, name, threshold, expected, drawn, self.ledger.pilots)
            self.evidence.append(comparator.equal(f"pilot of {name}", PILOT_COUNT, len(drawn)))
