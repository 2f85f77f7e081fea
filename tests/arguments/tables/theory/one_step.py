"""Rows of `theory.one_step`."""

from fractions import Fraction

from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import EXACT_TASK, TASK
from theory.one_step import TriggerChain, class_values

CHAIN = TriggerChain(Fraction(5), Fraction(7), Fraction(1, 2), False)

TABLE = Table(
    rows={
        "TokenLaw": row(rho=0.5, beta=0.25, is_trigger=False),
        "TriggerChain": row(
            N=Fraction(5), T=Fraction(7), alpha=Fraction(1, 2), correct_is_trigger=False, power=CHAIN.power
        ),
        "TriggerChain.probability_at_end": of(row(token="q"), on=CHAIN),
        "TriggerChain.mean_count": of(row(token="q"), on=CHAIN),
        "TriggerChain.count_covariance": of(row(left="q", right="c"), on=CHAIN),
        "TriggerChain.pair_count": of(row(previous="q", current="c"), on=CHAIN),
        "assemble": row(task=TASK, values=dict(class_values(TASK, "feed_forward", "mean")), dtype=float),
        "attention_margin_bound": row(task=EXACT_TASK, exact=False),
        "attention_margin_constant": row(alpha=0.5),
        "centred_copying_closed_form": row(moment="mean"),
        "centred_copying_moments": row(task=EXACT_TASK, exact=False),
        "class_average_variance": row(task=EXACT_TASK, layer="feed_forward", exact=False),
        "class_signal_to_noise": row(task=TASK, layer="feed_forward"),
        "class_sizes": row(N=5),
        "class_values": row(task=EXACT_TASK, layer="feed_forward", moment="mean", exact=False),
        "closed_form": row(layer="feed_forward", moment="mean", row="q", column="E(q)"),
        "copying_threshold": row(N=5, T=7, bits=20),
        "crossover_of_the_trigger": row(),
        "entry_labels": row(task=TASK),
        "feed_forward_contrasts": row(task=EXACT_TASK, exact=False),
        "feed_forward_margins": row(task=EXACT_TASK, exact=False),
        "gradient_mean": row(task=EXACT_TASK, layer="feed_forward", exact=False),
        "gradient_variance": row(task=EXACT_TASK, layer="feed_forward", exact=False),
        "in_context_signal_to_noise": row(task=EXACT_TASK, exact=False),
        "limiting_copying_threshold": row(N=5),
        "limiting_in_context_signal": row(),
        "limiting_noise_threshold": row(),
        "noise_margin_guarantee": row(N=5, samples=20, alpha=Fraction(1, 2)),
        "noise_threshold": row(N=5, T=7, preceding="q", bits=20),
        "parse_entry_class": row(row="q", column="E(q)"),
        "repeated_trigger_margin": row(task=TASK),
        "short_context_limit": row(length=4),
    },
)
