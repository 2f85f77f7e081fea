"""What people read of a run: table, page, pictures, badges."""

REPORT_PACKAGES = ("jinja2", "latex2mathml", "matplotlib")
"""What the extra `report` installs."""
