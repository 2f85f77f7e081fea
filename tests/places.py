"""Where the tests find the checkout, its pages, and the data of others that may lie beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md")))
"""What people read who do not read code."""


def name_of(page: Path) -> str:
    """A page as it is written in the checkout."""
    return page.relative_to(ROOT).as_posix()
