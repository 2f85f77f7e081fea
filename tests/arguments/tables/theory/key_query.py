"""Rows of `theory.key_query`."""

from fractions import Fraction

from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import EXACT_TASK, TASK
from theory import Task
from theory.evaluation import N, alpha
from theory.key_query import WithinSequence, certify
from theory.one_step import TriggerChain

CHAIN = TriggerChain(Fraction(5), Fraction(7), Fraction(1, 2), False)
WITHIN = WithinSequence(CHAIN)
REGIONS = certify(5, 7, 4)
EXPRESSION = alpha / N

TABLE = Table(
    rows={
        "Regions.area": of(row(contrast="attends", sign=1), on=REGIONS),
        "Regions.box_at": of(row(alpha=Fraction(1, 2), absorption=Fraction(1, 2)), on=REGIONS),
        "WithinSequence": row(chain=CHAIN),
        "WithinSequence.applied": of(row(weights=dict.fromkeys(WITHIN.counts, Fraction(1))), on=WITHIN),
        "WithinSequence.scaled_covariance": of(row(left=("E", "q"), right=("E", "q")), on=WITHIN),
        "WithinSequence.previous_total": of(row(feature=("E", "q")), on=WITHIN),
        "absorbed_threshold": row(N=5, T=7, bits=20),
        "avoidance_threshold": row(N=5, T=40, bits=20),
        "certify": row(N=5, T=7, depth=4),
        "certify_absorbed": row(N=5, T=7, contrasts={"attends": {"P(q)": 1}}, depth=4),
        "concentrating_step": row(task=Task(N=5, T=40, alpha=0.25), missing=0.25, absorption=0.0),
        "contrast_parts": row(task=TASK, contrast="attends"),
        "contrast_value": row(task=TASK, contrast="attends", absorption=0.5),
        "critical_noise_level": row(N=5, T=7, bits=20),
        "fixed_noise_expansion": row(expression=EXPRESSION, terms=2),
        "follower_logits": row(task=EXACT_TASK, noise_share=0.5, exact=False),
        "key_query_classes": row(task=EXACT_TASK, absorption=0.5, exact=False),
        "key_query_closed_form": row(name="E(q)"),
        "key_query_gradient": row(task=EXACT_TASK, absorption=0.5, exact=False),
        "key_query_parts": row(task=EXACT_TASK, exact=False, combinations={"mine": {"P(q)": 1}}),
        "long_sequence_parts": row(name="E(q)", order=0),
        "noise_rank_threshold": row(N=5, T=7, bits=20),
        "ranking_gap": row(task=EXACT_TASK, absorption=0.5, exact=False),
        "ranking_threshold": row(N=5, T=7, bits=20),
        "reversal_range": row(N=5, T=40, bits=20),
        "scaled_noise_expansion": row(expression=EXPRESSION, terms=2),
        "threshold_series": row(contrast="avoids", root=2, terms=1),
        "turning_absorption": row(task=TASK, contrast="attends"),
        "turning_expansion": row(contrast="attends", terms=1),
        "uniform_threshold": row(N=5, T=7, bits=20),
        "window": row(task=TASK),
    },
    inner=frozenset({"WithinSequence.seen"}),
    results=frozenset({"Box", "Expansion", "Regions"}),
)
