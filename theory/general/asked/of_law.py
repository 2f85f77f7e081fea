"""`ask` for any law: every answer is an instance of G2 to G7, computed in float64 from the exact formulas."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from theory.arrays import Floats, Table
from theory.general.counts import count_moments
from theory.general.gradients import gradient_mean, gradient_variance
from theory.general.key_query import WithinSequences, decomposition, key_query_gradient
from theory.law import Law

from .answers import RATE, Answer, Answers, Asked, Setting, sign
from .sample_bounds import Share, enough_in_words, enough_samples, needed_samples

OCCURS = 1e-12
"""Tokens and pairs of a smaller expectation count as such that do not occur."""
SHOWN = 5


class LawAnswers:
    """A law with what several answers need."""

    def __init__(self, law: Law, names: Sequence[str]) -> None:
        self.law, self.names = law.in_floats, names
        self.noisy = np.flatnonzero(self.law.noise > 0)
        self.others = np.flatnonzero(self.law.noise == 0)
        self.ordinary = self.others[self.others != law.q]
        self.tau = int(np.argmax(self.law.noise))

    @cached_property
    def noise_leads(self) -> tuple[Table, Floats]:
        """Tokens j that can precede the last trigger, and the lead of the noise on sequences that end in (j, q)."""
        G, M, q = gradient_mean(self.law, "feed_forward"), self.law.M, self.law.q
        probability = self.law.answers @ count_moments(self.law).last
        preceding = np.flatnonzero(probability > OCCURS)
        logits = G[:, q, None] + G[:, M + preceding]
        return preceding, logits[self.noisy].max(axis=0) - logits[self.others].max(axis=0)

    @cached_property
    def copying(self) -> Floats:
        """G_V[k, E(k)], shape (M,)."""
        return np.asarray(np.diagonal(gradient_mean(self.law, "attention_value")))

    @cached_property
    def copying_signals(self) -> Floats:
        """SNR² of the copying entries that vary, of the tokens of `ordinary`."""
        variance = np.diagonal(gradient_variance(self.law, "attention_value"))[self.ordinary]
        return np.asarray(self.copying[self.ordinary][variance > 0] ** 2 / variance[variance > 0])

    @cached_property
    def occurring(self) -> tuple[Table, Table]:
        """Pairs (z_{t-1}, z_t) that can occur, as two arrays of tokens."""
        pairs = np.einsum("c,cij->ij", self.law.answers, WithinSequences.of(self.law).pairs())
        before, here = np.nonzero(pairs > OCCURS)
        return before, here


def answers_of_law(law: Law, names: Sequence[str]) -> Asked:
    """`ask` for a law."""
    of = LawAnswers(law, names)
    noise = names[of.tau] if len(of.noisy) == 1 else f"{len(of.noisy)} tokens"
    setting: Setting = {"M": law.M, "T": law.T, "alpha": float(law.alpha), "trigger": names[law.q], "noise": noise}
    parts = (_feed_forward(of), _copying(of), _noise_samples(of), _recall_samples(of), _attention(of))
    return Asked({**setting, "rate": RATE}, tuple(answer for part in parts for answer in part))


def _feed_forward(of: LawAnswers) -> list[Answer]:
    """G2."""
    topic = Answers("noise first: one feed-forward step")
    if not len(of.others):
        topic.add("noise_lead", "G2", "none", "Every token can be noise: there is none that the noise could lead.")
        return topic.found
    preceding, leads = of.noise_leads
    least = int(np.argmin(leads))
    wrong = [of.names[j] for j in preceding[leads <= 0]]
    if wrong:
        said = f"One step does not rank the noise first where one of {len(wrong)} tokens comes before the last trigger"
    else:
        said = "One step ranks the noise first, whatever comes before the last trigger"
    topic.add(
        "noise_lead", "G2", "exact",
        f"{said}; its least lead, per unit of step size, is where {of.names[preceding[least]]} comes before it.",
        value=float(leads[least]), where=tuple(wrong),
    )  # fmt: skip
    return topic.found


def _copying(of: LawAnswers) -> list[Answer]:
    """G4."""
    topic, tokens = Answers("copying: one step of attention's values"), of.ordinary
    if not len(tokens):
        topic.add("copying", "G4", "none", "There is no token beside the trigger and the noise.")
        return topic.found
    lowered = [of.names[k] for k in tokens[of.copying[tokens] <= 0]]
    topic.add(
        "copying", "G4", "exact",
        f"Share of the {len(tokens)} tokens k beside trigger and noise whose own logit rises where they are seen, "
        f"G_V[k, E(k)] > 0; it does not for {len(lowered)}.",
        value=1 - len(lowered) / len(tokens), where=tuple(lowered),
    )  # fmt: skip
    return topic.found


def _noise_samples(of: LawAnswers) -> list[Answer]:
    """G3 and G7, feed-forward."""
    topic, law = Answers("samples: the noise, feed-forward layer"), of.law
    mean, variance = (f(law, "feed_forward")[of.tau, law.q] for f in (gradient_mean, gradient_variance))
    signal = float(mean**2 / variance) if variance > 0 else None
    topic.signal("noise", "G3", f"G_F[{of.names[of.tau]}, E(q)]", signal)
    output = law.output
    needed = needed_samples([1.0], [float(output[of.noisy].sum())], RATE)
    if needed is None:
        topic.add("noise_samples", "G7", "none", "No number of samples: the noise is never a target.")
        return topic.found
    favourite = float(output[of.noisy].max())
    enough = enough_samples(favourite, [Share(float(p), 1) for p in output[of.others]], RATE)
    topic.add(
        "noise_samples", "G7", "proved",
        f"Fewer samples than the first number rank the noise first with a probability below {RATE} on every test "
        f"sequence; {enough_in_words(enough)}, whatever the chain and T.", low=needed, high=enough,
    )  # fmt: skip
    return topic.found


def _recall_samples(of: LawAnswers) -> list[Answer]:
    """G3 and G7, attention."""
    topic, law = Answers("samples: the correct token, attention's values"), of.law
    signals = of.copying_signals
    if len(signals):
        topic.signal("copying", "G3", "a copying entry G_V[k, E(k)], at the median over k", float(np.median(signals)))
    needed = needed_samples(law.answers.tolist(), law.output.tolist(), RATE)
    if needed is None:
        topic.add("recall_samples", "G7", "none", "No number of samples: some correct tokens are never a target.")
    else:
        topic.add(
            "recall_samples", "G7", "proved",
            f"Fewer samples rank the correct token first with a probability below {RATE}, over the law of the answers, "
            "as it must be among their targets. No number is proved to be enough.", low=needed,
        )  # fmt: skip
    return topic.found


def _attention(of: LawAnswers) -> list[Answer]:
    """G5."""
    topic, law = Answers("where attention looks first: one key-query step"), of.law
    for output, name, held in ((None, "uniform", "At uniform p"), ("absorbed", "absorbed", "With the noise absorbed")):
        K = key_query_gradient(law, output)
        own, previous = K[: law.M], K[law.M :]
        does = {1: "towards", 0: "neither towards nor away from", -1: "away from"}[sign(previous[law.q])]
        place = int((previous > previous[law.q]).sum()) + 1
        topic.add(
            f"follows_{name}", "G5", "exact",
            f"{held}, K[P(q)]: the step points {does} what follows the trigger, number {place} of the {law.M} P.",
            value=float(previous[law.q]),
        )  # fmt: skip
        _add_noise(topic, of, own, name, held)
        topic.found.append(_first(topic.topic, of, K, name, held))
    parts = decomposition(law)
    frequency = parts.strength * parts.frequency
    for feature, at in (("P(q)", law.M + law.q), (f"E({of.names[of.tau]})", of.tau)):
        topic.add(
            f"frequency_{'follows' if at >= law.M else 'noise'}", "G5", "exact",
            f"The part of K[{feature}] at uniform p that how frequent tokens are makes; the answers make "
            f"{float(parts.answers[at]):.3g}.", value=float(frequency[at]),
        )  # fmt: skip
    return topic.found


def _add_noise(topic: Answers, of: LawAnswers, own: Floats, name: str, held: str) -> None:
    """K[E(τ)] against the ordinary tokens."""
    value = float(own[of.tau])
    if not len(of.ordinary):
        said = "there is no token beside the trigger and the noise"
    else:
        mean = float(own[of.ordinary].mean())
        says = {1: "higher than", 0: "as high as", -1: "lower than"}[sign(value - mean)]
        said = f"it scores {says} the mean of the {len(of.ordinary)} tokens beside trigger and noise, {mean:.3g}"
    topic.add(f"noise_{name}", "G5", "exact", f"{held}, K[E({of.names[of.tau]})] of the noise: {said}.", value=value)


def _first(topic: str, of: LawAnswers, K: Floats, name: str, held: str) -> Answer:
    """The pairs (z_{t-1}, z_t) with the highest scores, and the lead of those that follow the trigger."""
    before, here = of.occurring
    scores = K[here] + K[of.law.M + before]
    best = np.argsort(-scores, kind="stable")[:SHOWN]
    where = tuple(f"({of.names[before[n]]}, {of.names[here[n]]})" for n in best)
    follows = before == of.law.q
    sentence = f"{held} the highest scores have the pairs (before, here) {' '.join(where)}"
    if follows.all() or not follows.any():
        return Answer(f"first_{name}", topic, "G5", "exact", f"{sentence}.", value=None, where=where)
    lead = float(scores[follows].min() - scores[~follows].max())
    every = "every" if lead > 0 else "not every"
    sentence += f"; {every} pair that follows the trigger scores above all others: their least lead."
    return Answer(f"first_{name}", topic, "G5", "exact", sentence, value=lead, where=where)
