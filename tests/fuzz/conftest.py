"""With --trust-full --record-trust the counts of the run become paper_checks/recorded/trust/readers.json, and
language_readers.json."""

from paper_checks.evidence.trust import write_trust

from . import language_outcomes as language
from . import outcomes
from .readers import READERS


def pytest_sessionfinish(session, exitstatus):
    """Only of a run that passed and tried every reader."""
    if not session.config.getoption("--record-trust", False) or exitstatus != 0:
        return
    if {name for name, _ in outcomes.COUNTED} == set(READERS):
        write_trust("readers", outcomes.WHAT, outcomes.COMMAND, outcomes.numbers())
    if {name for name, _ in language.COUNTED} == set(language.FILES):
        found = outcomes.numbers(language.COUNTED, language.OUTCOMES)
        write_trust("language_readers", language.WHAT, language.COMMAND, found)
