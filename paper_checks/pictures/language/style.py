"""What the pictures of language models share: the prompts in words, lines of the two probabilities, signed numbers."""

from paper_checks.pictures.file import ON_LIGHT, Style

PROMPTS = {"recall": "indirect object identification", "facts": "countries of cities"}
LATE: Style = {"color": ON_LIGHT, "linewidth": 1.2, "linestyle": (0, (1, 2)), "zorder": 2}
GENERIC: Style = {"color": "#a03000", "marker": "o", "linestyle": (0, (4, 2))}
ANSWER: Style = {"color": "#1f3f8f", "marker": "s", "linestyle": "-"}
STYLES = {"answer": ANSWER, "distributional": GENERIC}
DIAMOND: Style = {"marker": "D", "s": 130, "facecolors": "none", "edgecolors": "black", "linewidths": 1.1}


def signed(value: float, decimals: int = 2) -> str:
    """Rounded, with no sign for what rounds to 0."""
    written = f"{value:+.{decimals}f}"
    return written[1:] if float(written) == 0 else written.replace("-", "−")
