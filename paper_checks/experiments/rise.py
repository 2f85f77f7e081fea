"""Statements of P3 and P3.pythia about one model's checkpoints: "the" has risen before the answer has.

`language` is the module `experiments.language`, which needs the extra of that name; this one does not.
"""

from typing import TYPE_CHECKING, Any

from simulate.prompts.sets import halves

if TYPE_CHECKING:
    from paper_checks.evidence.assertions import Assertions

CLAIMED = ("recall", "facts")
"""Sets of prompts that P3 to P5 are about."""


def chosen_checkpoint(claim: "Assertions", language: Any, name: str, found: Any) -> None:
    """There is a checkpoint, chosen on one half of the prompts, with the order of rise on the other half."""
    early = language.best_early(found, name, claim.rule.thresholds["parts"])
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
        columns = [language.above_share(*pair, name, metric, parts, places) for pair in zip(early, last, strict=True)]
        what = f"{name}: P({label}) early less a third of its last"
        claim.sign(what, side, **language.means(name, columns), **details)
