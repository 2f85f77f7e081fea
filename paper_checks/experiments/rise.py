"""Statements of P3 and P3.pythia about one model's checkpoints: "the" has risen before the answer has.

`language` is the module `experiments.language`, which needs the extra of that name; this one does not.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulate.prompts.sets import halves

if TYPE_CHECKING:
    from paper_checks.evidence.assertions import Assertions
    from simulate.laser.sweeps import Places
    from simulate.runtime.arrays import Floats

CLAIMED = ("recall", "facts")
"""Sets of prompts that P3 to P5 are about."""


def chosen_checkpoint(claim: "Assertions", language: Any, name: str, found: Any) -> None:
    """There is a checkpoint, chosen on one half of the prompts, with the order of rise on the other half."""
    early = best_early(found, name, claim.rule.thresholds["parts"])
    _, report = halves(len(early.sets[name].answer))
    order_of_rise(claim, language, name, [early], [found[-1]], report)


def order_of_rise(
    claim: "Assertions", language: Any, name: str, early: Any, last: Any, places: Any = slice(None)
) -> None:
    """P("the") early is above a third of its last value, P(answer) early below a third of its; the rule's `parts` says
    which part."""
    parts = claim.rule.thresholds["parts"]
    details = language.provenance([*early, *last])
    for metric, label, side in (("distributional", '"the"', +1), ("answer", "answer", -1)):
        columns = [above_share(*pair, name, metric, parts, places) for pair in zip(early, last, strict=True)]
        what = f"{name}: P({label}) early less a third of its last"
        claim.sign(what, side, **language.means(name, columns), **details)


def above_share(
    early: Any, last: Any, name: str, metric: str, parts: float, places: "Places" = slice(None)
) -> "Floats":
    """Early probability less one of so many parts of the last one, prompt by prompt."""
    first, final = (getattr(answers.sets[name], metric)[places] for answers in (early, last))
    difference: Floats = first - final / parts
    return difference


def best_early(found: Sequence[Any], name: str, parts: float) -> Any:
    """The checkpoint before the last with the clearest order on the half of the prompts to choose on."""
    choose, _ = halves(len(found[0].sets[name].answer))

    def clear(answers: Any) -> float:
        generic, answer = (
            float(above_share(answers, found[-1], name, metric, parts, choose).mean())
            for metric in ("distributional", "answer")
        )
        return min(generic, -answer)

    return max(found[:-1], key=clear)
