"""Rows of `theory.general.asked`."""

from tests.arguments.rows import Table, of, row
from tests.arguments.tables.common import LAW

TABLE = Table(
    rows={"ask": of(row(law=LAW, names=["a", "b", "the"]), free={"names": ("of str",)})},
    results=frozenset({"Answer", "Asked"}),
)
