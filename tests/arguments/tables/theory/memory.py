"""Rows of `theory.memory`."""

from fractions import Fraction

import numpy as np

from tests.arguments.rows import Table, of, row
from theory.memory import sampled_moments

AT = {"n": 4, "alpha": 0.25, "t": 2.0}
LEVEL = {"n": 4, "alpha": 0.25}
P = np.array([0.5, 0.125, 0.125, 0.125, 0.125])
RATES = np.array([0.5, 0.25, 0.5])
MOMENTS = sampled_moments(4, 0.25, RATES, 8, np.array([0, 3]))

TABLE = Table(
    rows={
        "average_covariance": row(moments=MOMENTS),
        "contraction": row(n=4, p=P, rate=0.5),
        "crossing_time": row(LEVEL),
        "curvature": row(n=4, p=P, own=np.eye(5)),
        "early_crossing_time": row(LEVEL),
        "early_top_space": row(LEVEL),
        "flow": of(
            row({**LEVEL, "times": np.array([0.0, 0.5, 2.0])}),
            free={"times": ("int", "list", "another axis", "no axes")},
        ),
        "largest_shared": row(n=4),
        "late_constant": row(LEVEL),
        "late_crossing_time": row(LEVEL),
        "late_noise_probability": row(AT),
        "late_values": row(AT),
        "level_at_tie": row(n=4, D=2.0),
        "log_odds": row(alpha=Fraction(1, 4)),
        "logits": row(AT),
        "noise_removed_error": row(AT),
        "noise_removed_error_limit": row(AT),
        "noise_removed_predictions": row(AT),
        "positive_noise_time": row(LEVEL),
        "predictions": row(AT),
        "sampled_moments": row({**LEVEL, "learning_rates": RATES, "batch": 8, "snapshots": np.array([0, 3])}),
        "shared_spectrum": row(n=4, spread=0.5, noise_logit=0.5, shared=0.25),
        "singular_gap": row(AT),
        "singular_values": row(AT),
        "singular_vectors": row(n=4),
        "softmax": row(n=4, correct=0.5, other=0.25, noise=0.125),
        "step_covariance": row(n=4, target=np.array([0.75, 0.0, 0.0, 0.0, 0.25]), p=P, rate=0.5),
        "symbolic_rates": row(),
        "top_space": row(LEVEL),
        "top_space_at": row(AT),
        "truncation": row({**AT, "rank": 2}),
        "values": row(AT),
    },
    results=frozenset(
        {
            *("Flow", "Predictions", "SharedSpectrum", "SingularValues", "SingularVectors", "StepCovariance"),
            *("Truncation", "Values"),
        }
    ),
)
