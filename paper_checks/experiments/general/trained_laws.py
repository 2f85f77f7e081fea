"""The laws that G6's trainings are on: random ones, and two that G5's criterion tells apart."""

import numpy as np

from theory.law import Law

M, T, ALPHA = 13, 24, 0.5
"""Of all of them; those of E1's task."""
CONCENTRATIONS = (0.3, 1.0, 10.0)
"""Of the Dirichlet law of a chain's rows: few likely successors, any, nearly all tokens alike."""
NOISES = 3
"""Tokens that the noise is spread over."""
TRIGGER_SHARE, HEAVY_SHARE = 0.3, 0.5
"""Of the two laws: of the trigger, and of one more token where one is frequent."""


def random_recall(seed: int) -> Law:
    """A law of recall: everything is drawn with the seed.

    The rows of the chain are Dirichlet, of one of CONCENTRATIONS; the trigger is the chain's most frequent token; the
    noise is uniform on NOISES others, which are tokens of the chain as any; the answers are all but these, by Zipf's
    law: the k-th of a random order with probability in proportion to 1/k.
    """
    draws = np.random.default_rng(seed)
    chain = draws.dirichlet(np.full(M, draws.choice(CONCENTRATIONS)), size=M)
    first = Law(chain, T=T, trigger=0, alpha=ALPHA, noise=0).first
    trigger = int(np.argmax(first))
    order = draws.permutation(np.delete(np.arange(M), trigger))
    noise, answers = np.zeros(M), np.zeros(M)
    noise[order[:NOISES]] = 1 / NOISES
    answers[draws.permutation([trigger, *order[NOISES:]])] = 1 / np.arange(1, M - NOISES + 1)
    return Law(chain, T=T, trigger=trigger, alpha=ALPHA, first=first, answers=answers / answers.sum(), noise=noise)


def frequent_trigger(heavy: bool) -> Law:
    """Independent tokens; the trigger 0 has TRIGGER_SHARE of them, and the noise token M-1 comes after it alone.

    All others are alike, or, if `heavy`, token 1 has HEAVY_SHARE and the rest are alike. To leading order G5 has the
    sign of K[E(τ)] at uniform p as that of f_τ + f_q - 2 Σ f²: positive without the heavy token, negative with it. What
    is shown of the answers, and how often, is the same for both.
    """
    others, shares = M - 2 - heavy, np.zeros(M)
    shares[0] = TRIGGER_SHARE
    shares[1 : 1 + heavy] = HEAVY_SHARE
    shares[1 + heavy : M - 1] = (1 - TRIGGER_SHARE - HEAVY_SHARE * heavy) / others
    answers = np.append(np.full(M - 1, 1 / (M - 1)), 0.0)
    return Law(np.tile(shares, (M, 1)), T=T, trigger=0, alpha=ALPHA, first=shares, answers=answers, noise=M - 1)
