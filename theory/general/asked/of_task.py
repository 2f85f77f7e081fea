"""`ask` for the uniform chain: every answer is an instance of T1, T2 or T3, from closed forms at any N and T."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np
from scipy.special import ndtri

from theory.key_query import phase_diagram
from theory.key_query.step import key_query_classes, key_query_combinations
from theory.one_step import margins
from theory.one_step.gradients import class_values
from theory.one_step.sample_complexity import in_context_signal_to_noise
from theory.one_step.signal_to_noise import centred_copying_moments, class_signal_to_noise
from theory.task import Task

from .answers import RATE, UNRANKED, Answer, Answers, Asked, sign
from .steps import recall_samples, task_noise_samples

BITS = 40
"""Of brackets, beyond those of N."""
Level = tuple[Fraction, Fraction]
TOKEN = {"q": "q", "k": "an ordinary token", "j": "an ordinary token", "tau": "τ"}


def answers_of_task(task: Task) -> Asked:
    """`ask` for a task."""
    setting = {"N": task.N, "T": task.T, "alpha": float(task.alpha), "trigger": task.q, "noise": task.tau, "rate": RATE}
    parts = (_feed_forward(task), _copying(task), _noise_samples(task), _recall_samples(task), _attention(task))
    return Asked(setting, tuple(answer for part in parts for answer in part))


def _feed_forward(task: Task) -> list[Answer]:
    """T1.3 to T1.5."""
    topic = Answers("noise first: one feed-forward step")
    found = margins.feed_forward_margins(task)
    least = min(found, key=lambda name: found[name])
    if found[least] > 0:
        said = "One step ranks the noise τ first on every sequence; its least lead, per unit of step size, is on those"
    else:
        said = "One step does not rank the noise τ first on every sequence: its lead is not positive on those"
    topic.add("noise_lead", "T1.3", "exact", f"{said} that end in ({TOKEN[least]}, q).", value=found[least])
    topic.bracket(
        "noise_threshold",
        "T1.3",
        "Noise level where that lead turns positive on every sequence. That there is one such level is counted by "
        "Sturm's theorem at four (N, T), not proved for all.",
        lambda: _noise_threshold(task.N, task.T),
        "",
    )
    bound = margins.attention_margin_bound(task)
    topic.add(
        "attention_lead", "T1.4", "proved",
        "No sequence's lead of the noise is moved further than this by one step of attention's values.", high=bound,
    )  # fmt: skip
    if found[least] > 0 and bound > 0:
        topic.add(
            "lead_ratio", "T1.5", "proved", "The feed-forward step's least lead is at least so many times as large.",
            low=found[least] / bound,
        )  # fmt: skip
    return topic.found


def _noise_threshold(N: int, T: int) -> Level:
    """`margins.noise_threshold` at any T: the least margin is an exact value rounded once, so its sign is exact."""

    def least(alpha: Fraction) -> float:
        return min(margins.feed_forward_margins(Task(N, T, alpha)).values())

    return margins.bracket_sign_change(least, Fraction(1, 4 * N), Fraction(1), BITS + N.bit_length())


def _copying(task: Task) -> list[Answer]:
    """T1.6."""
    topic = Answers("copying: one step of attention's values")
    entry = class_values(task, "attention_value", "mean")["k", "E(k)"]
    does = {1: "raises", 0: "does not move", -1: "lowers"}[sign(entry)]
    topic.add("copying", "T1.6", "exact", f"G_V[k, E(k)]: seeing a token {does} that token's own logit.", value=entry)

    def copying(alpha: Fraction) -> float:
        return class_values(Task(task.N, task.T, alpha), "attention_value", "mean")["k", "E(k)"]

    topic.bracket(
        "copying_threshold",
        "T1.6",
        "The one noise level where it changes sign, + below and - above; it falls, by a proof on paper for all N, T.",
        partial(margins.bracket_sign_change, copying, Fraction(0), Fraction(1), BITS),
        "",
    )
    return topic.found


def _noise_samples(task: Task) -> list[Answer]:
    """T2.1, T2.3 and T2.5, feed-forward."""
    topic = Answers("samples: the noise, feed-forward layer")
    signal = class_signal_to_noise(task, "feed_forward").get(("tau", "E(q)"))
    topic.signal("noise", "T2.3", "G_F[τ, E(q)]", signal)
    found = task_noise_samples(task, RATE)
    topic.samples("noise_samples", "G7", "to rank τ first on any one test sequence", found, UNRANKED)
    topic.add(
        "noise_samples_simulated", "T2.5", "simulated",
        f"On a share {RATE} of fresh sequences at N = 8 and 32, T = 16, α = 1/2, 48 samples were enough and 2 not; 512 "
        "were at N = 32, T = 16, α = 1/10.",
    )  # fmt: skip
    return topic.found


def _recall_samples(task: Task) -> list[Answer]:
    """T2.3, T2.4 and T2.5, attention."""
    topic = Answers("samples: the correct token, attention's values")
    topic.signal("copying", "T2.3", "G_V[k, E(k)]", class_signal_to_noise(task, "attention_value").get(("k", "E(k)")))
    moments = centred_copying_moments(task)
    if moments.variance > 0:
        topic.add(
            "context_signal", "T2.4", "exact",
            "Squared signal-to-noise ratio of one sample along the centred copying direction; short contexts lower it.",
            value=float(moments.signal_to_noise),
        )  # fmt: skip
    _add_in_context(topic, task)
    topic.add(
        "recall_samples_simulated", "T2.5", "simulated",
        "T2.5's own prediction, from these ratios for all rivals together and c = q, was met within a factor 1.5 at "
        "expected test inputs at N = 3, T = 8, α = 1/10, 3/10, 1/2 and N = 4, T = 7, α = 3/10, and within a factor 4 "
        "on fresh sequences at N = 3, T = 144, α = 1/10.",
    )  # fmt: skip
    return topic.found


def _add_in_context(topic: Answers, task: Task) -> None:
    """The contrasts ξ_c - ξ_k and ξ_c - ξ_q at the expected test input, c ≠ q."""
    if task.N < 3 or task.alpha == 1:
        why = "N is below 3" if task.N < 3 else "the correct token is never a target"
        topic.add("recall_signal", "T2.5", "none", f"No contrast of the correct token with two kinds of rivals: {why}.")
        return
    signals = in_context_signal_to_noise(task)
    ordinary, trigger = signals["c", "k"], signals["c", "q"]
    topic.add(
        "recall_signal", "T2.5", "exact",
        "Squared signal-to-noise ratio of one sample at ξ_c - ξ_k, c and k ordinary, at the expected input E[x̄ | c].",
        value=ordinary,
    )  # fmt: skip
    topic.add(
        "trigger_signal", "T2.5", "exact",
        "The same at ξ_c - ξ_q, with the sign of its mean: the population step "
        f"{'ranks' if trigger > 0 else 'does not rank'} c above the trigger there.", value=trigger,
    )  # fmt: skip
    least, z = min(ordinary, trigger), float(ndtri(RATE))
    if least <= 0:
        topic.add(
            "recall_samples_predicted", "T2.5", "none",
            "No number of samples at E[x̄ | c]: the population step itself does not rank c first, the context being too "
            "short for this N and α.",
        )  # fmt: skip
    else:
        topic.add(
            "recall_samples_predicted", "T2.5", "predicted",
            f"Samples for c to lead its worst rival with probability {RATE} at E[x̄ | c]: z²/SNR², the sum taken for "
            "normal.", value=z * z / least,
        )  # fmt: skip
    chance, rivals = np.array([(1 - float(task.alpha)) / task.N]), np.array([[task.N - 2.0, 1.0]])
    found = recall_samples(np.ones(1), chance, np.array([[ordinary, trigger]]), rivals, RATE)
    topic.samples("recall_samples", "G7", "to rank c ≠ q first among the ordinary tokens at E[x̄ | c]", found)


def _attention(task: Task) -> list[Answer]:
    """T3.2 to T3.5."""
    topic, N, T = Answers("where attention looks first: one key-query step"), task.N, task.T
    for absorbed, claim in ((False, "T3.3"), (True, "T3.2")):
        pi = task.alpha if absorbed else None
        name, held = ("absorbed", "With the noise absorbed") if absorbed else ("uniform", "At uniform p")
        K = key_query_classes(task, pi)
        does = {1: "towards", 0: "neither towards nor away from", -1: "away from"}[sign(K["P(q)"])]
        topic.add(
            f"follows_{name}", claim, "exact", f"{held}, K[P(q)]: the step points {does} what follows the trigger.",
            value=K["P(q)"],
        )  # fmt: skip
        topic.found.append(_first(topic.topic, task, name, claim, held))
        order = phase_diagram.contrast_value(task, "avoids", pi)
        says = {1: "lower than", 0: "as high as", -1: "higher than"}[sign(order)]
        topic.add(
            f"noise_{name}", "T3.4", "exact", f"{held}, K[E(τ)]: the noise scores {says} an ordinary token, K[E(k)].",
            value=K["E(tau)"],
        )  # fmt: skip
        topic.add(
            f"ordinary_{name}", "T3.4", "exact", f"{held}, K[E(k)] of an ordinary token other than the trigger.",
            value=K["E(k)"],
        )  # fmt: skip
    _add_levels(topic, N, T)
    found = phase_diagram.window(task)
    if found is None:
        topic.add("window", "T3.5", "none", "At no absorption does the step both attend what follows and avoid τ.")
    else:
        topic.add(
            "window", "T3.5", "exact",
            "Probabilities of τ, if predicted already, at which the step attends what follows the trigger and prefers "
            "(q, c) to (q, τ).", low=found[0], high=found[1],
        )  # fmt: skip
    return topic.found


def _add_levels(topic: Answers, N: int, T: int) -> None:
    """Noise levels at which signs change."""
    stated: tuple[tuple[str, str, str, Callable[[], Level | None], str], ...] = (
        ("critical_alpha", "T3.3", "Critical noise level at uniform p: the step points at what follows the trigger "
         "just below it and away just above. One change of sign is counted at four (N, T).",
         partial(phase_diagram.critical_noise_level, N, T), ""),
        ("critical_alpha_low", "T3.3", "At uniform p the step points away from what follows below this level too.",
         partial(phase_diagram.uniform_threshold, N, T), "No second level: at uniform p the step attends as α → 0."),
        ("absorbed_alpha", "T3.2", "With the noise absorbed the step attends what follows above this level, not just "
         "below it.", partial(phase_diagram.absorbed_threshold, N, T),
         "No such level: with the noise absorbed the step attends what follows as α → 0."),
        ("avoidance_alpha", "T3.4", "At uniform p attention prefers τ to an ordinary token just below this level and "
         "avoids it just above.", partial(phase_diagram.avoidance_threshold, N, T), ""),
    )  # fmt: skip
    for name, claim, sentence, ends, absent in stated:
        topic.bracket(name, claim, sentence, ends, absent)


def _first(topic: str, task: Task, name: str, claim: str, held: str) -> Answer:
    """The kinds of positions in the order of their scores K[E(z_t)] + K[P(z_{t-1})], each sum rounded once."""
    following, others = phase_diagram.occurring_pairs(task)
    pairs = [*following, *others]
    sums = {f"{n}": dict.fromkeys(filter(None, pair), 1) for n, pair in enumerate(pairs)}
    found = key_query_combinations(task, sums, task.alpha if name == "absorbed" else None)
    best = sorted(range(len(pairs)), key=lambda n: -found[str(n)])
    where = tuple(_position(pairs[n]) for n in best)
    leads = phase_diagram.ranking_gap(task, task.alpha if name == "absorbed" else None)
    every = "every" if leads > 0 else "not every"
    sentence = (
        f"{held} the highest score has {where[0]}, and {every} position that follows the trigger scores above all "
        "others: their least lead."
    )
    return Answer(f"first_{name}", topic, claim, "exact", sentence, value=leads, where=where)


def _position(pair: tuple[str, str]) -> str:
    """(z_{t-1}, z_t) in words."""
    here, before = (TOKEN.get(feature[2:-1]) for feature in pair)
    return f"({before}, {here})" if before else f"{here} at the first position"
