"""Evidence on its way from the checks to the results of the run."""

from typing import Any

import pytest

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import Code


class Collector:
    """Reads evidence from test reports."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: list[tuple[str, Any]] = report.user_properties
        name = next((value for key, value in properties if key == "claim"), None)
        if name is None:
            return
        found = [Evidence(**value) for key, value in properties if key == "evidence"] if report.when == "call" else []
        recorded, code = (
            next((value for key, value in properties if key == wanted), None) for wanted in ("recorded", "code")
        )
        skipped = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else None
        source = None if code is None else Code(**code)
        self.results.add(name, found, report.failed, skipped, recorded, source, report.nodeid)
        if report.when == "teardown":
            self.results.finished(name, report.nodeid)
