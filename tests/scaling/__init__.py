"""Time against size, one size at a time: `pytest tests/scaling --benchmark-only`.

docs/benchmarks.md has the exponents that are fitted. `pytest --benchmark-only` leaves these out: they compare nothing.
"""
