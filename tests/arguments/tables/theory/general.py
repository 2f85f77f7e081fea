"""Rows of `theory.general`."""

import numpy as np

from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import LAW, TASK, law
from theory.general import WithinSequences, answer_signals, excess_visits, visits_between_triggers
from theory.general.between_triggers import LawsAtLevels

OF_LAW = {"law": LAW}
FLOATS = law(0.5)
EXACTLY = {"law": LAW, "exact": False}
NOT_FINITE = ("NaN", "inf", "-inf")
"""NaN is what they have of tokens that are no answers."""
WITHIN = WithinSequences.of(LAW)

TABLE = Table(
    rows={
        "WithinSequences.of": row(law=LAW, exact=False),
        "WithinSequences.applied": of(row(weights=np.ones((3, 6))), on=WITHIN),
        "answer_samples": of(
            row(law=FLOATS, correct=1, rate=0.75, rivals=[0], signals=answer_signals(FLOATS)),
            free={"signals": NOT_FINITE},
        ),
        "answer_signals": of(row(OF_LAW), unbounded=True),
        "approximate_copying_levels": of(
            row(law=LAW, excess=excess_visits(LAW)), unbounded=True, free={"excess": NOT_FINITE}
        ),
        "attractions": row(law=LAW, directions=np.array([[0.5, 0.25, 0.25, 0.0, 0.5, 0.5]])),
        "copying_entries": row(EXACTLY),
        "copying_levels": row(law=LAW, known=LawsAtLevels.of(LAW)),
        "copying_signal": row(OF_LAW),
        "count_moments": row(EXACTLY),
        "criterion": row(OF_LAW),
        "decomposition": row(EXACTLY),
        "excess_visits": row(OF_LAW),
        "features": row({**EXACTLY, "layer": "feed_forward"}),
        "gradient_mean": row(task=LAW, layer="feed_forward", exact=False),
        "gradient_variance": row(task=LAW, layer="feed_forward", exact=False),
        "key_query_gradient": row(
            dict(law=LAW, output=np.array([0.25, 0.25, 0.5]), exact=False),
            dict(task=TASK, absorption=0.5),
        ),
        "lifts": row(OF_LAW),
        "limiting_copying_signal": row(OF_LAW),
        "limiting_lifts": row(OF_LAW),
        "limiting_noise_margins": row(OF_LAW),
        "long_run_shares": row(law=LAW, visits=visits_between_triggers(LAW)),
        "margin_sign_changes": row(law=LAW, known=LawsAtLevels.of(LAW)),
        "mix": row(one=LAW, other=FLOATS, share=0.5),
        "noise_margins": row(EXACTLY),
        "noise_samples": row(law=LAW, rate=0.75),
        "noise_signal": row(OF_LAW),
        "noise_threshold": row(law=LAW, bits=20),
        "samples_for_one_rival": of(row(signal=0.5, rate=0.75), unbounded=True),
        "signal_bound": row(OF_LAW),
        "signal_to_noise": of(row(law=LAW, layer="feed_forward"), unbounded=True),
        "smallest_margin": row(EXACTLY),
        "threshold_bounds": row(OF_LAW),
        "token_laws": row(EXACTLY),
        "turns": of(
            row(family=law, low=0.25, high=0.75), raises=(ArithmeticError,), alias={"low": "alpha", "high": "alpha"}
        ),
        "visits_between_triggers": row(OF_LAW),
    },
    inner=frozenset({"WithinSequences.seen"}),
    results=frozenset(
        {
            *("Attraction", "Change", "CopyingSignal", "CountMoments", "Criterion", "Decomposition", "LookTurns"),
            *("SampleBracket", "Turns", "WithinSequences"),
        }
    ),
)
