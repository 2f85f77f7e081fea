"""Groups of benchmarks that differ in one size."""

import pytest


def ladder(group, variable, values, **options):
    """A group of calls, one at each value of the test's argument `variable`; options are pytest-benchmark's."""

    def decorated(function):
        marked = pytest.mark.benchmark(group=group, max_time=0.3, **options)(function)
        return pytest.mark.parametrize(variable, values)(marked)

    return decorated
