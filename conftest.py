"""The doorway: options, fixtures and hooks live in paper_checks.session.plugin."""

pytest_plugins = ["paper_checks.session.plugin"]
