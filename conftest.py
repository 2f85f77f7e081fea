"""The doorway: options, fixtures and hooks live in paper_checks.session, those of this project's claims in `paper`."""

pytest_plugins = ["paper_checks.session.plugin", "paper_checks.session.paper"]
