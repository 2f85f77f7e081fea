"""Tails of z where standard errors come from the same sample: by the second-order expansion T3.1's are normal ones."""

import numpy as np
import pytest
from scipy.stats import norm, t

from paper_checks.claims.t3.test_key_query import SIMULATED, classes_and_entries
from paper_checks.evidence import DEFAULT_SEED
from paper_checks.evidence.design import DESIGN


def beyond(z, samples, skewness, excess):
    """P(|T| > z) for the studentised mean T of so many values, to order 1/samples (Hall, 1992, section 2.6)."""
    change = excess / 12 * (z**2 - 3) - skewness**2 / 18 * (z**4 + 2 * z**2 - 3) - (z**2 + 3) / 4
    return 2 * norm.sf(z) - 2 * z * change / samples * norm.pdf(z)


def test_the_expansion_is_that_of_students_law_for_normal_values():
    """With the n that is the divisor of its variance, T² is t² n/(n-1)."""
    count = 400
    for z in (1.0, 2.0, 3.0):
        exact = 2 * t.sf(z * ((count - 1) / count) ** 0.5, count - 1)
        assert beyond(z, count, 0, 0) == pytest.approx(exact, rel=2e-3)
        assert abs(2 * norm.sf(z) - exact) > 4 * abs(beyond(z, count, 0, 0) - exact)


@pytest.mark.parametrize("case", SIMULATED, ids=str)
def test_shares_of_key_query_steps_beyond_three_are_normal(case):
    """Skewness, kurtosis and the estimated standard error together change the share by less than a hundredth of it."""
    for stated in classes_and_entries(*case):
        if stated.directions is None:  # entries, of the fewest samples
            found, _ = stated.job(DEFAULT_SEED).perform()
            varies = found.standard_error > 0
            fourth = found.variance_standard_error[varies] ** 2 * found.samples / found.variance[varies] ** 2 + 1
            shares = beyond(3.0, found.samples, found.skewness[varies], fourth - 3)
            assert np.allclose(shares, 2 * norm.sf(3.0), rtol=0.01, atol=0)
            far = beyond(DESIGN.critical(), found.samples, found.skewness[varies], fourth - 3)
            assert (far < 2 * 2 * norm.sf(DESIGN.critical())).all()  # the factor 2 that the design pays for
