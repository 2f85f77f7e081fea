"""Answers, and what they can rest on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from scipy.special import ndtri

from theory.arguments import checked
from theory.general.samples import SampleBracket

Basis: TypeAlias = Literal["exact", "bracket", "proved", "predicted", "simulated", "none"]
BASES: Mapping[Basis, str] = MappingProxyType(
    {
        "exact": "value of an exact formula: for a task rounded once, for a law computed in float64",
        "bracket": "an exact quantity has one sign at the lower end and another at the upper end",
        "proved": "a bound with a proof",
        "predicted": "an approximation that the sentence names: not proved",
        "simulated": "steps that were simulated, at the sizes that the sentence names and no others",
        "none": "there is no such number; the sentence says why",
    }
)
"""What an answer rests on."""

Setting: TypeAlias = Mapping[str, int | float | str]
RATE = 0.95
"""Probability of the right sign that sample counts ask for, as T2.5 does."""
UNRANKED = "the population step itself does not do so on every sequence"
"""Why no number of samples is enough for the noise."""


@checked
@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        name: what programs call it.   topic: the part of the answers that it belongs to.   claim: id in the ledger.
        basis: a key of `BASES`.
        sentence: what the numbers say, and how far they reach.
        value: the number; None where there is none, or where it is a range.
        low, high: the ends of a bracket or of a range; None is an open end.
        where: tokens or pairs of tokens that the answer is about, the first one first.
    """

    name: str
    topic: str
    claim: str
    basis: Basis
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    where: tuple[str, ...] = ()


@checked
@dataclass(frozen=True)
class Asked:
    """Answers, in the order in which they are read, and what was asked.

    Attributes:
        setting: sizes and tokens by name.
        answers: all answers; `asked[name]` is the one of this name.
    """

    setting: Setting
    answers: tuple[Answer, ...]

    @checked
    def __getitem__(self, name: str) -> Answer:
        for answer in self.answers:
            if answer.name == name:
                return answer
        raise KeyError(f"no answer {name!r}; there are {', '.join(answer.name for answer in self.answers)}")

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.answers)

    def topics(self) -> dict[str, list[Answer]]:
        """Answers by topic."""
        found: dict[str, list[Answer]] = {}
        for answer in self.answers:
            found.setdefault(answer.topic, []).append(answer)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers, none of which is NaN or infinite; ready for JSON."""
        answers = [asdict(answer) | {"where": list(answer.where)} for answer in self.answers]
        return {"setting": dict(self.setting), "bases": dict(BASES), "answers": answers}


class Answers:
    """The answers of one topic as they are collected."""

    def __init__(self, topic: str) -> None:
        self.topic, self.found = topic, list[Answer]()

    def add(self, name: str, claim: str, basis: Basis, sentence: str, **numbers: Any) -> None:
        """One answer; numbers are the fields `value`, `low`, `high`, `where`."""
        self.found.append(Answer(name, self.topic, claim, basis, sentence, **numbers))

    def bracket(
        self, name: str, claim: str, sentence: str, ends: Callable[[], tuple[Any, Any] | None], absent: str
    ) -> None:
        """A bracket, or none where there is no change of sign (`absent`) or the size does not allow one (the error)."""
        try:
            found = ends()
        except ValueError as error:
            self.add(name, claim, "none", f"No level: {error}.")
            return
        if found is None:
            self.add(name, claim, "none", absent)
        else:
            self.add(name, claim, "bracket", sentence, low=float(found[0]), high=float(found[1]))

    def signal(self, name: str, claim: str, entry: str, signal: float | None) -> None:
        """SNR² of an entry of a gradient (None: it does not vary), and the samples that show its sign at RATE."""
        if signal is None:
            self.add(f"{name}_signal", claim, "none", f"{entry} does not vary from sample to sample.")
            return
        said = f"Squared signal-to-noise ratio of one sample at {entry}."
        self.add(f"{name}_signal", claim, "exact", said, value=signal)
        if signal > 0:
            z = float(ndtri(RATE))
            said = f"Samples that show the sign of {entry} with probability {RATE}: z²/SNR² with z = {z:.3f}."
            self.add(f"{name}_signal_samples", claim, "predicted", said, value=z * z / signal)

    def samples(self, name: str, claim: str, done: str, found: SampleBracket | None, never: str = "") -> None:
        """A proved bracket of the samples that are asked to do what `done` says; None where no number does.

        `never`: why none does, if that is what a bracket without ends means.
        """
        if found is None or (never and found == (0, None)):
            why = "too many answers are never targets" if found is None else never
            self.add(name, claim, "none", f"No number of samples is enough {done}: {why}.")
            return
        few = f"{found.too_few} samples are too few, and " if found.too_few else ""
        most = "no number is proved to be enough" if found.enough is None else f"{found.enough} are enough"
        said = f"{few}{most} {done} with probability {RATE}."
        self.add(name, claim, "proved", said[0].upper() + said[1:], low=found.too_few or None, high=found.enough)


def sign(value: float) -> int:
    """-1, 0 or 1."""
    return int(value > 0) - int(value < 0)
