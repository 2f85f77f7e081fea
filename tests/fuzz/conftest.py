"""With --trust-full --record-trust the counts of the run become paper_checks/recorded/trust/readers.json, and
language_readers.json."""

from . import language_outcomes
from .outcomes import COMMAND, COUNTED, WHAT, numbers
from .readers import READERS


def pytest_sessionfinish(session, exitstatus):
    """Only of a run that passed and tried every reader."""
    if not session.config.getoption("--record-trust", False) or exitstatus != 0:
        return
    if {name for name, _ in COUNTED} == set(READERS):
        from paper_checks.evidence.trust import write_trust

        write_trust("readers", WHAT, COMMAND, numbers())
    if {name for name, _ in language_outcomes.COUNTED} == set(language_outcomes.FILES):
        from paper_checks.evidence.trust import write_trust

        write_trust("language_readers", language_outcomes.WHAT, language_outcomes.COMMAND, language_outcomes.numbers())
