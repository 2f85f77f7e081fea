"""The doorway: options, fixtures and hooks live in paper_checks.plugin."""

pytest_plugins = ["paper_checks.plugin"]
