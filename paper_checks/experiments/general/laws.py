"""The laws that the checks of G are about: tiny Shakespeare, its mixtures with the uniform task, and random ones."""

from typing import Literal

import numpy as np

from simulate.sequences import shakespeare_chain
from theory.general import mix
from theory.law import Law, stationary_law

Answers = Literal["uniform", "stationary"]
Noise = Literal["token", "spread"]
TRIGGER, NOISE = " ", "!"
"""The most frequent character, and the one of index 2 in sorted order, which CBB takes."""


def shakespeare_law(alpha: float, answers: Answers = "uniform", T: int = 256) -> Law:
    """Instance S: the characters of tiny Shakespeare, S-u ("uniform", on all 65) or S-s ("stationary" answers).

    The first token and "stationary" answers follow the characters' frequencies.

    Raises:
        ValueError: answers other than "uniform" and "stationary".
    """
    if answers not in ("uniform", "stationary"):
        raise ValueError(f'answers must be "uniform" or "stationary", got {answers!r}')
    text = shakespeare_chain()
    return Law(
        text.chain.transition,
        T=T,
        trigger=text.characters.index(TRIGGER),
        alpha=alpha,
        first=text.chain.initial,
        answers=text.chain.initial if answers == "stationary" else None,
        noise=text.characters.index(NOISE),
    )


def mixed_law(lam: float, alpha: float, T: int = 256, answers: Answers = "uniform") -> Law:
    """P_λ: (1-λ) the uniform task on the same characters + λ instance S, in the chain, first token and answers.

    At λ = 0 it is the uniform task with N = 64 but for the order of tokens: "!" is the noise, the other 64 are equally
    likely.

    Raises:
        ValueError: a λ outside [0, 1], or answers other than "uniform" and "stationary".
    """
    text = shakespeare_law(alpha, answers, T)
    uniform = np.where(text.noise > 0, 0, 1 / (text.M - 1))
    rows = np.tile(uniform, (text.M, 1))
    plain = Law(rows, T=T, trigger=text.q, alpha=alpha, first=uniform, answers=uniform, noise=text.noise)
    return mix(plain, text, lam)


def random_law(
    M: int,
    T: int,
    seed: int,
    *,
    alpha: float,
    concentration: float = 1.0,
    answers: Answers | Literal["zipf"] = "uniform",
    noise: Noise = "token",
) -> Law:
    """A law with a random chain, trigger and noise.

    Args:
        M, T: tokens and length.
        seed: of everything random.
        alpha: noise level.
        concentration: of the Dirichlet law of every row, the same for all tokens; small ones make few tokens likely.
        answers: on all tokens "uniform", by the chain's "stationary" law, or 1/rank ("zipf") in a random order.
        noise: one "token" other than the trigger, or "spread": a Dirichlet law of concentration 1 on all tokens.
    """
    generator = np.random.default_rng(seed)
    chain = generator.dirichlet(np.full(M, concentration), size=M)
    trigger, token = generator.choice(M, size=2, replace=False)
    zipf = generator.permutation(1 / np.arange(1, M + 1))
    spread = generator.dirichlet(np.ones(M))
    first = stationary_law(chain)
    correct = {"uniform": None, "stationary": first, "zipf": zipf / zipf.sum()}[answers]
    law = spread if noise == "spread" else int(token)
    return Law(chain, T=T, trigger=int(trigger), alpha=alpha, first=first, answers=correct, noise=law)
