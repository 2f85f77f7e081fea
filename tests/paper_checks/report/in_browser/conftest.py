"""One browser for all tests of this folder, and the report of a run of the whole ledger."""

import pytest


@pytest.fixture(scope="package")
def browser():
    from .pages import launched

    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def report(tmp_path_factory):
    """The page of a run of the whole ledger, with pictures and derivations."""
    from .pages import RUN, write_whole

    return write_whole(tmp_path_factory.mktemp("report"), RUN)
