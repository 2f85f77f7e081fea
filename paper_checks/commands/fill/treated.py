"""What comes of a text that is held against a run, or filled in from it."""

from dataclasses import dataclass, field


@dataclass
class Treated:
    """The text as it is then, a line for everything that is wrong, one for what was held less closely, how many numbers
    or blocks were compared or filled in, and the claims that were not run and whose numbers and blocks were left alone.
    """

    text: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0
    not_run: set[str] = field(default_factory=set)
