"""What jobs gave a mutant is for its test alone."""

import pytest

from paper_checks.jobs.runner import HERE, Here, running


@pytest.fixture(autouse=True)
def jobs_of_one_test():
    """Jobs are done here; what fixtures of a module had done before is known, what another test has done is not."""
    with running(Here(HERE._known)):
        yield
