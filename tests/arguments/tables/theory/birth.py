"""Rows of `theory.birth`."""

import numpy as np

from tests.arguments.rows import Table, row
from tests.arguments.tables.common import EXACT_TASK, INDUCTION
from theory.birth import BASIC, InductionTask, Reads, previous_token_step

OUTPUTS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
INPUTS = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.5]])
JOINT = np.array([[0.25, 0.125, 0.125], [0.25, 0.125, 0.125]])
WEIGHT = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25]])
THIRDS = np.full((2, 3), 1 / 3)
LEARNT = {"task": INDUCTION, "reads": BASIC}
ASSOCIATIONS = {"outputs": OUTPUTS, "inputs": INPUTS, "joint": JOINT, "weight": WEIGHT}

TABLE = Table(
    rows={
        "InductionTask": row(N=3, T=7),
        "Reads": row(values=("E",), keys=("E1",), query=("E",)),
        "association_gradient": row(ASSOCIATIONS),
        "basic_accuracy": row(task=INDUCTION),
        "basic_key_association": row(task=INDUCTION),
        "conditional_mean_gradient": row(ASSOCIATIONS),
        "conditional_means": row(predicted=THIRDS, joint=JOINT, inputs=INPUTS),
        "context_signal": row(task=EXACT_TASK, exact=False),
        "context_signal_classes": row(task=EXACT_TASK, exact=False),
        "context_signal_closed_form": row(row="q", column="E(q)"),
        "copied_output_association": row(task=INDUCTION),
        "distributional_residual": row(task=EXACT_TASK, exact=False),
        "final_scores": row({**LEARNT, "last_copy": 1}),
        "key_association": row({**LEARNT, "block": "E"}),
        "key_scores": row({**LEARNT, "copied": np.full((7, 9), 0.125)}),
        "learns_match": row(task=INDUCTION),
        "least_length": row(N=3, most=64),
        "match_score": row({**LEARNT, "size": 0.5}),
        "memory_coefficients": row(marginal=0.5, predicted=0.25, joint=0.125),
        "outer_products": row(outputs=OUTPUTS, coefficients=THIRDS, inputs=INPUTS),
        "output_association": row(task=INDUCTION),
        "part_sizes": row(task=EXACT_TASK, exact=False),
        "population_weights": row({**LEARNT, "size": 0.5, "last": 0.5}),
        "position_bias": row(LEARNT),
        "predicted_probabilities": row(outputs=OUTPUTS, inputs=INPUTS, weight=WEIGHT),
        "previous_token_margins": row(step=previous_token_step(INDUCTION, 0.5)),
        "previous_token_slope": row(task=INDUCTION),
        "previous_token_step": row({**LEARNT, "size": 0.5}),
        "recalled": row(outputs=OUTPUTS, coefficients=THIRDS, inputs=INPUTS),
        "score_gaps": row({**LEARNT, "last_copy": 1}),
        "sufficient_sizes": row(task=InductionTask(N=8, T=6), reads=Reads(keys=("E1", "E"))),
        "uniform_scores": row(LEARNT),
        "wrong_rows": row({**LEARNT, "size": 0.5}),
        "zero_weight_parts": row(
            outputs=OUTPUTS, probabilities=np.array([0.5, 0.25, 0.25]), means=np.array([[0.5, 1.0, 0.5]] * 3)
        ),
    },
    results=frozenset({"Weights"}),
)
