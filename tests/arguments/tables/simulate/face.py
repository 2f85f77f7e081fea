"""Rows of `simulate`: the names that none of its chapters has."""

import numpy as np

from simulate import Spectrum
from tests.arguments.rows import Table, of, row

WEIGHT = np.array([[2.0, 0.0, 0.5], [0.0, 1.0, 0.25]])

TABLE = Table(
    rows={
        "Spectrum": row(weight=WEIGHT),
        "Spectrum.truncate": of(row({"rank": 1, "keep": "top"}, {"fraction": 0.5}), on=Spectrum(WEIGHT)),
        "decompose": row(weight=WEIGHT),
        "remove_direction": row(weight=WEIGHT, right=np.array([1.0, 0.0, 0.0])),
        "resolve_device": of(row(name="cpu"), alias={"name": "device"}),
        "truncate": row({"weight": WEIGHT, "rank": 1, "keep": "top"}, {"weight": WEIGHT, "fraction": 0.5}),
    },
)
