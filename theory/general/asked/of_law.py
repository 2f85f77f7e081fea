"""`ask` for any law: every answer is an instance of G2 to G7, computed in float64 from the exact formulas."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from theory.arrays import Floats, Table
from theory.general.copying import approximate_copying_levels, copying_entries
from theory.general.criterion import criterion
from theory.general.key_query import WithinSequences, key_query_gradient
from theory.general.margins import noise_margins, noise_threshold, threshold_bounds
from theory.general.samples import answer_signals, noise_samples, samples_for_one_rival
from theory.general.signal import noise_signal, signal_bound, signal_to_noise
from theory.law import Law

from .answers import RATE, UNRANKED, Answer, Answers, Asked, Setting, sign
from .steps import recall_samples
from .turning import LEVELS, turning_levels

OCCURS = 1e-12
"""Tokens and pairs of a smaller expectation count as such that do not occur."""
SHOWN = 5
"""Pairs that a sentence lists."""
BITS = 20
"""Of the bracket of a law's noise level; each costs as much as a margin."""


class LawAnswers:
    """A law with what several answers need."""

    def __init__(self, law: Law, names: Sequence[str]) -> None:
        self.law, self.names = law.in_floats, names
        self.noisy = np.flatnonzero(self.law.noise > 0)
        self.others = np.flatnonzero(self.law.noise == 0)
        self.ordinary = self.others[self.others != law.q]
        self.tau = int(np.argmax(self.law.noise))

    @property
    def noise_entry(self) -> str:
        """What the criterion calls the step's look at the noise."""
        return f"K[E({self.names[self.tau]})]" if len(self.noisy) == 1 else "Σ_k ν_k K[E(k)]"

    @cached_property
    def occurring(self) -> tuple[Table, Table]:
        """Pairs (z_{t-1}, z_t) that can occur, as two arrays of tokens; -1 comes before the first position."""
        pairs = np.einsum("c,cij->ij", self.law.answers, WithinSequences.of(self.law).pairs)
        before, here = np.nonzero(pairs > OCCURS)
        first = np.flatnonzero(self.law.first > 0)
        return np.concatenate([np.full(len(first), -1), before]), np.concatenate([first, here])

    def pair(self, number: int) -> str:
        """One of `occurring` in words."""
        before, here = (int(tokens[number]) for tokens in self.occurring)
        return f"({self.names[before]}, {self.names[here]})" if before >= 0 else f"({self.names[here]} first)"


def answers_of_law(law: Law, names: Sequence[str]) -> Asked:
    """`ask` for a law."""
    of = LawAnswers(law, names)
    noise = names[int(of.tau)] if len(of.noisy) == 1 else f"{len(of.noisy)} tokens"
    setting: Setting = {"M": law.M, "T": law.T, "alpha": float(law.alpha), "trigger": names[law.q], "noise": noise}
    parts = (_feed_forward(of), _copying(of), _noise_samples(of), _recall_samples(of), _attention(of))
    return Asked({**setting, "rate": RATE}, tuple(answer for part in parts for answer in part))


def _feed_forward(of: LawAnswers) -> list[Answer]:
    """G2."""
    topic, law = Answers("noise first: one feed-forward step"), of.law
    if not len(of.others):
        topic.add("noise_lead", "G2", "none", "Every token can be noise: there is none that the noise could lead.")
        return topic.found
    leads = noise_margins(law)
    least, wrong = int(np.nanargmin(leads)), [of.names[int(j)] for j in np.flatnonzero(leads <= 0)]
    said = "One step ranks the noise first, whatever comes before the last trigger"
    if wrong:
        said = f"One step does not rank the noise first where one of {len(wrong)} tokens comes before the last trigger"
    topic.add(
        "noise_lead", "G2", "exact",
        f"{said}; its least lead, per unit of step size, is where {of.names[least]} comes before it.",
        value=float(leads[least]), where=tuple(wrong),
    )  # fmt: skip
    topic.bracket(
        "noise_threshold", "G2",
        "A noise level where that lead turns positive on every sequence. Whether there is another one is not asked.",
        lambda: noise_threshold(law, BITS), "",
    )  # fmt: skip
    low, high = threshold_bounds(law)
    topic.add(
        "noise_threshold_bounds", "G2", "proved",
        "By answers and noise alone: up to the first level the noise does not lead on every sequence, above the second "
        "it does, whatever the chain, the first token and T.", low=float(low), high=float(high),
    )  # fmt: skip
    return topic.found


def _copying(of: LawAnswers) -> list[Answer]:
    """G4."""
    topic, law, tokens = Answers("copying: one step of attention's values"), of.law, of.ordinary
    if not len(tokens):
        topic.add("copying", "G4", "none", "There is no token beside the trigger and the noise.")
        return topic.found
    lowered = [of.names[k] for k in tokens[copying_entries(law)[tokens] <= 0]]
    topic.add(
        "copying", "G4", "exact",
        f"Share of the {len(tokens)} tokens k beside trigger and noise whose own logit rises where they are seen, "
        f"G_V[k, E(k)] > 0; it does not for {len(lowered)}.",
        value=1 - len(lowered) / len(tokens), where=tuple(lowered),
    )  # fmt: skip
    try:
        with np.errstate(divide="ignore", invalid="ignore"):  # of tokens that never occur
            levels = approximate_copying_levels(law)[tokens]
    except ValueError as error:
        topic.add("copying_levels", "G4", "none", f"No approximate level where an entry changes sign: {error}.")
        return topic.found
    levels = levels[np.isfinite(levels)]
    if len(levels):
        topic.add(
            "copying_levels", "G4", "predicted",
            "Least and greatest noise level, over k, at which these entries change from + to -, to leading order for "
            "long contexts; 0 or less: never positive.", low=float(levels.min()), high=float(levels.max()),
        )  # fmt: skip
    return topic.found


def _noise_samples(of: LawAnswers) -> list[Answer]:
    """G3 and G7, feed-forward."""
    topic, law = Answers("samples: the noise, feed-forward layer"), of.law
    signal = float(noise_signal(law)[of.tau])
    topic.signal("noise", "G3", f"G_F[{of.names[of.tau]}, E(q)]", signal if np.isfinite(signal) else None)
    if len(of.others):
        topic.samples(
            "noise_samples", "G7", "to rank the noise first on any one test sequence", noise_samples(law, RATE),
            UNRANKED if len(of.noisy) == 1 else "",
        )  # fmt: skip
    return topic.found


def _recall_samples(of: LawAnswers) -> list[Answer]:
    """G3 and G7, attention."""
    topic, law = Answers("samples: the correct token, attention's values"), of.law
    copying = np.diagonal(signal_to_noise(law, "attention_value"))[of.ordinary]
    if np.isfinite(copying).any():
        entry = "a copying entry G_V[k, E(k)], at the median over k"
        topic.signal("copying", "G3", entry, float(np.nanmedian(copying)))
    bound = signal_bound(law)[of.ordinary]
    if np.isfinite(bound).any():
        topic.add(
            "copying_signal_bound", "G3", "proved",
            "No entry of a row k beside trigger and noise that the step raises has a higher ratio, in either layer.",
            high=float(bound[np.isfinite(bound)].max()),
        )  # fmt: skip
    _add_recall(topic, of)
    return topic.found


def _add_recall(topic: Answers, of: LawAnswers) -> None:
    """The lead of the correct token over every token that is no noise, at the expected test input."""
    law = of.law
    signals = answer_signals(law)
    signals[:, of.noisy] = np.nan
    asked = np.flatnonzero(law.answers > 0)
    rivals = signals[asked]
    if not np.isfinite(rivals).any(axis=1).all():
        topic.add("recall_signal", "G7", "none", "Some correct token has no rival that it could lead.")
        return
    never = [of.names[int(c)] for c in asked[np.nanmin(rivals, axis=1) <= 0]]
    topic.add(
        "recall_lead", "G7", "exact",
        "Share of the correct tokens c that the population step ranks above every token that is no noise, at the "
        f"expected input E[x̄ | c]; for the {len(never)} others no number of samples is enough.",
        value=1 - len(never) / len(asked), where=tuple(never),
    )  # fmt: skip
    pairs = signals[np.ix_(of.ordinary, of.ordinary)]
    if (pairs > 0).any():
        typical = float(np.median(pairs[pairs > 0]))
        topic.add(
            "recall_signal", "G7", "exact",
            "Squared signal-to-noise ratio of one sample at ξ_c - ξ_k, c and k beside trigger and noise, at E[x̄ | c]: "
            "the median over pairs in which c leads.", value=typical,
        )  # fmt: skip
        topic.add(
            "recall_samples_predicted", "G7", "predicted",
            f"Samples for c to lead k with probability {RATE}, for such a pair: z²/SNR², the sum taken for normal.",
            value=samples_for_one_rival(typical, RATE),
        )  # fmt: skip
    found = recall_samples(law.answers, law.output, signals, np.ones_like(signals), RATE)
    topic.samples("recall_samples", "G7", "to rank the correct token first but for the noise, at E[x̄ | c]", found)
    topic.add(
        "samples_simulated", "G7", "simulated",
        "On tiny Shakespeare with uniform answers, T = 256, α = 0.3: twice as many samples as are proved to be enough "
        "for the noise were, half as many as are too few not; one typical pair met its prediction within a factor 2.5.",
    )  # fmt: skip


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
            f"{held}, K[P(q)]: the step points {does} what follows the trigger; it is number {place} of the {law.M} "
            "K[P(k)].",
            value=float(previous[law.q]),
        )  # fmt: skip
        _add_noise(topic, of, own, name, held)
        topic.found.append(_first(topic.topic, of, K, name, held))
    _add_criterion(topic, of)
    _add_turns(topic, of)
    return topic.found


def _add_criterion(topic: Answers, of: LawAnswers) -> None:
    """How much of the step at uniform p frequency makes, and whether that decides the sign."""
    found = criterion(of.law)
    for name, said, attraction in (("follows", "K[P(q)]", found.follower), ("noise", of.noise_entry, found.noise)):
        decides = "the whole is proved" if attraction.is_decided else "the whole is not proved"
        topic.add(
            f"frequency_{name}", "G5", "exact",
            f"The part of {said} at uniform p that how frequent tokens are makes; {decides} to have its sign, the rest "
            f"being at most {attraction.bound:.3g}.", value=float(attraction.frequency),
        )  # fmt: skip


def _add_turns(topic: Answers, of: LawAnswers) -> None:
    """Noise levels at which the step at uniform p turns."""
    follower, noise = turning_levels(of.law)
    for name, said, turns in (("critical", "K[P(q)]", follower), ("noise", of.noise_entry, noise)):
        for number, turn in enumerate(turns.found, 1):
            way = "from - to +" if turn.rises else "from + to -"
            topic.add(
                f"{name}_alpha{f'_{number}' if number > 1 else ''}", "G5", "bracket",
                f"Noise level where {said} at uniform p turns {way}.", low=turn.low, high=turn.high,
            )  # fmt: skip
        if not turns.found:
            levels = f"the {len(LEVELS)} noise levels 1/33, …, 32/33"
            where = (
                levels if turns.sure == len(LEVELS) else f"{turns.sure} of {levels}; on the others rounding hides it"
            )
            said = f"No change of sign of {said} at uniform p was seen: its sign is sure, and the same, on {where}."
            if not turns.sure:
                said = f"Rounding hides the sign of {said} at uniform p on all of {levels}."
            topic.add(f"{name}_alpha", "G5", "none", said)


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
    scores = K[here] + np.where(before >= 0, K[of.law.M + before], 0)
    where = tuple(of.pair(int(number)) for number in np.argsort(-scores, kind="stable")[:SHOWN])
    sentence = f"{held} the highest scores have the pairs (before, here) {' '.join(where)}"
    follows = before == of.law.q
    if not follows.any():
        return Answer(f"first_{name}", topic, "G5", "exact", f"{sentence}.", where=where)
    lead = float(scores[follows].min() - scores[~follows].max())
    every = "every" if lead > 0 else "not every"
    sentence += f"; {every} pair that follows the trigger scores above all others: their least lead."
    return Answer(f"first_{name}", topic, "G5", "exact", sentence, value=lead, where=where)
