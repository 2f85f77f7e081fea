"""What B4 and B5 say of trainings without noise, for the checks and the picture; see `statements`."""

from functools import partial

from simulate.transformer.plan import LossOn

from . import birth as experiments
from .recall import last
from .settings import MATRICES
from .statements import Claimed, Over


def bigrams_first(claim: Claimed, over: Over) -> None:
    """Both losses fall, in nats, and answers are recalled in the end. After 20 updates the loss on global bigrams has
    half of its whole fall behind it, a larger share than that on answers, which comes to three quarters of its fall
    later by the factor of the rule."""
    for name in ("bigrams", "answers"):
        falls = partial(experiments.fall, name=name)
        claim.replicated(f"fall of the loss on {name}, in nats", f"{name}_fall", +1, over(falls))
    done = over(partial(experiments.share_done, name="bigrams", step=20))
    claim.replicated("share of the fall on bigrams after 20 updates", "bigrams_done", +1, done)
    claim.replicated("share on bigrams less that on answers then", "ahead", +1, over(experiments.bigrams_ahead))
    later = over(partial(experiments.log_later, share=0.75))
    claim.replicated("log of updates for 3/4 of the fall, answers over bigrams", "log_later", +1, later)
    claim.replicated("recall at the end", "recall_at_end", +1, over(partial(last, name="recall")))


def memories_in_order(claim: Claimed, over: Over, loss_on: LossOn) -> None:
    """In long sequences W_O², W_K² and W_K¹ are half-way from their first value to 1 in this order. In the end W_O² has
    nearly all of its memory, W_K² most, W_K¹ not all."""
    where = f"loss on {loss_on}"
    claim.replicated(f"W_O², W_K², W_K¹ half-way in this order, {where}", "in_order", +1, over(experiments.in_order))
    wait = over(partial(experiments.log_wait, first="W_O2", second="W_K1"))
    claim.replicated(f"log of updates, W_K¹ over W_O² half-way, {where}", "log_wait", +1, wait)
    for matrix in MATRICES:
        claim.replicated(f"{matrix} at the end, {where}", f"end_{matrix}", +1, over(partial(last, name=matrix)))
    whole = over(partial(experiments.whole, name="W_K1"))
    claim.replicated(f"W_K¹ has all of its memory at the end, {where}", "whole", -1, whole, side="beyond")
