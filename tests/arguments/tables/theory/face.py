"""Rows of `theory`: the names that none of its chapters has."""

from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import EXACT_TASK

TABLE = Table(
    rows={
        "Law": of(
            row(
                chain=[[0.25, 0.75, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]],
                T=5,
                trigger=0,
                alpha=0.5,
                first=[0.5, 0.5, 0.0],
                answers=[0.5, 0.5, 0.0],
                noise=[0.0, 0.0, 1.0],
            )
        ),
        "Law.of_task": row(task=EXACT_TASK, chain=[[0.2] * 5 + [0.0]] * 6),
        "Task": row(N=5, T=7, alpha=0.5, trigger=1),
    },
)
