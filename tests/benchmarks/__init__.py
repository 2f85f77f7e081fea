"""Speed, recorded and not asserted: `pytest --benchmark-only`.

A group of benchmarks is one job, done in two or more ways: pytest-benchmark's table has in parentheses how many times
as long as the fastest each takes. Times are processor seconds of this process, which other processes do not add to.
`paper-checks benchmarks` writes docs/benchmarks.md, with the targets that are stated here, and tests/scaling besides.
"""
