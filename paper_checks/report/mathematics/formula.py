"""LaTeX of the ledger as MathML, which browsers draw without a network and screen readers read."""

import html
import re
import unicodedata
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

_ALPHABETS = {"double-struck": "DOUBLE-STRUCK", "bold": "BOLD"}
"""Alphabets of their own in Unicode; browsers ignore the attribute that latex2mathml writes."""

_MACROS = ((re.compile(r"\\arg(?![A-Za-z])"), r"\operatorname{arg}"),)
"""What latex2mathml does not know."""

_CUTS = {r"\quad": "", r"\qquad": "", ";\\ ": ";"}
"""Where a formula may be cut, and what of it stays."""

_BEYOND = {"class", "href", "id", "src", "style"}
"""Attributes by which LaTeX could reach beyond its formula: links, requests, the look of the page."""

_SPACES = {"\u27fa": "0.3em", "\u27f9": "0.3em", "\u21d4": "0.3em", "/": "0"}
"""Room beside equivalences and implications, which fonts without mathematics leave none, and beside a stroke, which
browsers leave too much."""


def formula(latex: str, display: str = "block") -> list[str]:
    """The formula as MathML, "block" or "inline", in parts that may stand on lines of their own: see `parts`.

    All text is escaped, whatever the LaTeX says.

    Raises:
        ValueError: no LaTeX that can be drawn.
    """
    return [_drawn(part, display) for part in parts(latex)]


def parts(latex: str) -> list[str]:
    """LaTeX cut at \\quad and \\qquad, and behind a semicolon and a space, that are outside braces."""
    found, depth = [""], 0
    for token in re.split(r"(\\qquad|\\quad|;\\ |\\.|[{}])", latex):
        if token in _CUTS and depth == 0:
            found[-1] += _CUTS[token]
            found.append("")
            continue
        depth += {"{": 1, "}": -1}.get(token, 0)
        found[-1] += token
    return [part.strip() for part in found if part.strip()]


def _drawn(latex: str, display: str) -> str:
    known = latex
    for macro, replacement in _MACROS:
        known = macro.sub(replacement.replace("\\", r"\\"), known)
    try:
        element = convert_to_element(known, display=display)
    except Exception as error:  # of many kinds, all about the text
        raise ValueError(f"no LaTeX that can be drawn: {latex!r} ({type(error).__name__})") from error
    for node in element.iter():
        node.text = _text(node)
        if node.text in _SPACES:
            node.attrib |= dict.fromkeys(("lspace", "rspace"), _SPACES[node.text])
        if not _BEYOND.isdisjoint(node.attrib):
            raise ValueError(f"a formula must have no {', '.join(sorted(_BEYOND & set(node.attrib)))}, got {latex!r}")
    unknown = re.findall(r"\\[A-Za-z]+", " ".join(element.itertext()))
    if unknown:
        raise ValueError(f"unknown in LaTeX: {', '.join(unknown)} in {latex!r}")
    return ElementTree.tostring(element, encoding="unicode", short_empty_elements=False)


def _text(node: ElementTree.Element) -> str | None:
    """The characters of a node; latex2mathml leaves references such as &#x003B1; in them."""
    if node.text is None:
        return None
    text = html.unescape(node.text)
    alphabet = _ALPHABETS.get(node.get("mathvariant", ""))
    if alphabet is not None:
        del node.attrib["mathvariant"]
        text = "".join(_letter(alphabet, one) for one in text)
    return text


def _letter(alphabet: str, letter: str) -> str:
    """The letter or digit of an alphabet; itself if there is none."""
    name = unicodedata.name(letter, "").replace("LATIN ", "").replace(" LETTER", "")
    for prefix in ("MATHEMATICAL ", ""):  # ℝ and some others came into Unicode before the rest
        try:
            return unicodedata.lookup(f"{prefix}{alphabet} {name}")
        except KeyError:
            continue
    return letter
