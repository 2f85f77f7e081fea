"""The pytest side: options, fixtures and hooks."""
