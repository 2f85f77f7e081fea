"""What the theory answers about one's own sizes or data: thresholds, margins, sample counts, where attention looks.

    from theory import Task, ask
    asked = ask(Task(N=5000, T=2048, alpha=0.2))
    level = asked["noise_threshold"].low

Every answer names the claim of the ledger that it is an instance of, and says on what it rests (`BASES`).
"""

from .answers import BASES, RATE, Answer, Asked
from .asking import ask

__all__ = ["BASES", "RATE", "Answer", "Asked", "ask"]
