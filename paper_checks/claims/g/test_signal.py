"""G3: signal against gradient noise on every law, and where attention's is not the weaker one."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import brentq

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.general.agreement import ANSWERS
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.experiments.general.levels import memoryless_law, ordinary
from paper_checks.witnesses.general import enumeration
from paper_checks.witnesses.general.small_laws import small_laws
from theory import LAYERS, gradient_mean
from theory.general import signal

LAWS = 36
STATED = {
    "S-u": {0.1: ("0.096", "1.2e-2"), 0.3: ("0.407", "8.8e-3"), 0.5: ("0.970", "5.1e-3"), 0.7: ("2.28", "1.4e-3")},
    "S-s": {0.5: ("0.943", "2.2e-4")},
}
"""SNR² of the feed-forward noise entry and the median of copying entries, known independently to so many digits."""


def half_a_digit(stated: str) -> float:
    """Half a unit of the last digit of a number in words."""
    mantissa, _, exponent = stated.partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@pytest.mark.claims("G3")
@pytest.mark.parametrize("name", ANSWERS)
def test_signals_on_shakespeare(claim: Assertions, name: str) -> None:
    """The values known independently; the feed-forward entry's is (20), the copying entries' are (22)."""
    for level in (0.1, 0.3, 0.5, 0.7):
        law = shakespeare_law(level, ANSWERS[name])
        tau, tokens, at = int(np.argmax(law.noise)), ordinary(law), f"{name}, α = {level}"
        forward = signal.signal_to_noise(law, "feed_forward")[tau, law.q]
        copying = np.diagonal(signal.signal_to_noise(law, "attention_value"))[tokens]
        if level in STATED[name]:
            first, second = STATED[name][level]
            for what, stated, found in (
                ("feed-forward noise entry", first, float(forward)),
                ("copying entries, median", second, float(np.median(copying))),
            ):
                reason, tolerance = f"stated as {stated}", half_a_digit(stated)
                claim.close(f"SNR² of the {what}, {at}", float(stated), found, tolerance, reason, scale=1.0)
        claim.close(
            f"SNR² by the law of y, {at}", signal.noise_signal(law)[tau], forward, 1e-12, "roundings of a few terms"
        )
        parts = signal.copying_signal(law)
        reason = "roundings of x, which is 1e-3 or more, enter squared"
        claim.close(f"SNR² of copying by its three causes, {at}", copying, parts.exact[tokens], 1e-9, reason)
        odds = parts.leading[tokens] / copying
        claim.greater(f"leading term over SNR², {at}", odds, 1 - 2 / law.M - parts.target[tokens])
        claim.less(f"leading term over SNR², {at}", odds, 1 + parts.background[tokens])
        rough = float(np.median(signal.limiting_copying_signal(law).leading[tokens]))
        reason = "δ and what v = 1/(T f) misses, all below 1/10 here"
        claim.close(f"median by frequencies and visits alone, {at}", float(np.median(copying)), rough, 0.1, reason)
        claim.less(f"median of copying against the noise entry, {at}", float(np.median(copying)), float(forward))


@pytest.mark.claims("G3")
def test_no_entry_has_more_than_its_target(claim: Assertions) -> None:
    """Entries with positive mean: SNR² <= p_k/(1-p_k), on random laws as fractions and on Shakespeare."""
    drawn = small_laws(LAWS, experiment_seed(claim.base_seed, "signals of small laws"))
    for number, (kind, law) in enumerate(drawn):
        p = law.output[:, None]
        for layer in LAYERS:
            mean, variance = enumeration.gradient_moments(law, layer)
            room = (variance * p - mean**2 * (1 - p))[mean > 0]  # SNR² <= p/(1-p) without quotients
            claim.greater(
                f"room below the bound, {layer}, law {number} ({kind})", [*room, Fraction(0)], 0, strict=False
            )
    for name, answers in ANSWERS.items():
        for level in (0.1, 0.5, 0.9):
            law = shakespeare_law(level, answers)
            for layer in LAYERS:
                found = signal.signal_to_noise(law, layer) / signal.signal_bound(law)[:, None]
                seen = (gradient_mean(law, layer) > 0) & np.isfinite(found)
                claim.less(f"largest SNR² over its bound, {layer}, {name}, α = {level}", float(found[seen].max()), 1)


def lead_of_attention(level: float, answers: int, M: int = 65, T: int = 10**5, trigger_share: float = 0.9) -> float:
    """SNR² of a copying entry less that of the feed-forward noise entry, on a chain without memory."""
    law = memoryless_law(M, T, answers, 1, trigger_share, level)
    return float(signal.copying_signal(law).exact[1] - signal.noise_signal(law)[M - 1])


@pytest.mark.claims("G3")
def test_where_attention_is_not_the_weaker(claim: Assertions) -> None:
    """A frequent trigger, A answers, a long context: attention's signal is the stronger below a level near 1/(A+1)."""
    for answers in (1, 2, 4):
        at = f"A = {answers}"
        crossing = float(brentq(lead_of_attention, 0.02, 0.8, args=(answers,), xtol=1e-6))
        below, above = (lead_of_attention(share * crossing, answers) for share in (0.99, 1.01))
        claim.greater(f"attention's lead at 0.99 of the level, {at}", below, 0, side="beyond")
        claim.less(f"attention's lead at 1.01 of the level, {at}", above, 0)
        first = 2 * answers * (answers - 1) / (answers + 1) / 65
        reason = "twice 2A(A-1)/((A+1)M), to which the 1/M of (20) and (22) come at first order there, and 1/M"
        name = f"level where attention's signal is as strong, {at}, M = 65, T = 10⁵"
        claim.close(name, 1 / (answers + 1), crossing, 2 * first + 1 / 65, reason)
    for answers in (2, 4):
        leads = np.abs([lead_of_attention(1 / (answers + 1), answers, size) for size in (17, 33, 65)])
        claim.less(f"|lead| at 1/(A+1) falls with M, A = {answers}", leads[1:], leads[:-1])


@pytest.mark.claims("G3")
def test_which_conditions_it_takes(claim: Assertions) -> None:
    """At α = 1/10 with A = 4, not with 16 answers or in a context of 4 tokens; on S-u where p_τ is near 1/M."""
    claim.greater("attention's lead at α = 1/10, A = 4", lead_of_attention(0.1, 4), 0, side="beyond")
    claim.less("with 16 answers", lead_of_attention(0.1, 16), 0)
    claim.less("in contexts of 4 tokens, before a rare trigger", lead_of_attention(0.1, 4, T=4, trigger_share=0.02), 0)
    law = shakespeare_law(0.01)
    copying = float(np.median(signal.copying_signal(law).exact[ordinary(law)]))
    forward = float(signal.noise_signal(law)[int(np.argmax(law.noise))])
    claim.greater("median of copying against the noise entry, S-u, α = 0.01", copying, forward, side="beyond")
