"""Mathematics as it is written in docstrings and sentences, with Unicode, as LaTeX and so as MathML.

    latex("g_F = (e_y - 1/M) x_Tᵀ")           an equation of a docstring

What cannot be read this way is left as it is written, never typeset wrongly: the letters of a formula must be those
of the text (`same_signs`).
"""

import html
import re
import unicodedata
from functools import lru_cache

from .formula import formula

GREEK = "α-ωΑ-ΩϑϕϵϱςΔΣΘ"
_LETTER = rf"[A-Za-z{GREEK}∇∂]"
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀⁿ", "0123456789+-()Tn", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌ₖⱼᵢₜₙ", "0123456789+-=kjitn", strict=True))
_ACCENTS = {"\u0304": "bar", "\u0302": "hat", "\u0303": "tilde"}
_SIGNS = {
    "≤": r"\leq ", "≥": r"\geq ", "<=": r"\leq ", ">=": r"\geq ", "≠": r"\neq ", "!=": r"\neq ", "≈": r"\approx ",
    "∈": r"\in ", "∉": r"\notin ", "→": r"\to ", "->": r"\to ", "←": r"\leftarrow ", "·": r"\cdot ", "×": r"\times ",
    "±": r"\pm ", "∞": r"\infty ", "∝": r"\propto ", "≫": r"\gg ", "≪": r"\ll ", "⊗": r"\otimes ", "∘": r"\circ ",
    "…": r"\dots ", "‖": r"\Vert ", "Σ": r"\sum ", "∂": r"\partial ", "∇": r"\nabla ", "~": r"\sim ", "∼": r"\sim ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "ℓ": r"\ell ", "-": "-", "−": "-", "{": r"\{", "}": r"\}",
    "%": r"\%", "*": "*", "⇔": r"\iff ",
}  # fmt: skip
"""Signs that stand for themselves or have a LaTeX name; braces are those of sets and indicators."""
_FUNCTIONS = {"log", "max", "min", "exp", "sin", "cos", "det", "arg"}
_OPERATORS = {"Var", "Cov", "SNR", "Pr", "Bin", "diag", "sign", "rank", "median", "mean", "ff", "attn"}
_TOKEN = re.compile(
    rf"""(?P<space>\s{{2,}}) | (?P<blank>\s) | (?P<text>"[^"]*") | (?P<root>√\s*) | (?P<script>[_^])
    | (?P<raised>[{"".join(_RAISED)}]+) | (?P<lowered>[{"".join(_LOWERED)}]+) | (?P<number>\d+(?:[.,]\d+)*)
    | (?P<name>{_LETTER}[\u0302-\u0304]|[A-Za-z]{{2,}}|{_LETTER}) | (?P<prime>'+) | (?P<sign><=|>=|!=|->|.)""",
    re.VERBOSE,
)
_RAISED_FIRST = re.compile(rf"([{''.join(_RAISED)}]+)(_(?:\{{[^{{}}]*\}}|[A-Za-z{GREEK}0-9]+))")
_LONE = re.compile(rf"{_LETTER}[\u0302-\u0304]?|\d+(?:\.\d+)?|\*")
_PLAIN = set("+=<>()[]|,;:./!")


def latex(text: str) -> str:
    """One line of mathematics as LaTeX.

    Raises:
        ValueError: it has a sign that is not known, or brackets after _, ^ or √ that do not close.
    """
    written, at, text = [], 0, _apart(text)
    while at < len(text):
        part, at = _next(text, at)
        written.append(part)
    return "".join(written).strip()


def _apart(text: str) -> str:
    """The text with accents on letters, and nothing else, as characters of their own; indices before exponents."""
    text = _RAISED_FIRST.sub(r"\2\1", text)
    parts = ((one, unicodedata.normalize("NFD", one)) for one in text)
    return "".join(two if two[1:] in _ACCENTS else one for one, two in parts)


def _next(text: str, at: int) -> tuple[str, int]:
    """LaTeX of what stands at a place, and the place behind it."""
    match = _TOKEN.match(text, at)
    if match is None:
        raise ValueError(f"no mathematics: {text!r}")
    kind, token, end = match.lastgroup, match[0], match.end()
    if kind == "script":
        inside, end = _script(text, end)
        return f"{token}{{{latex(inside)}}}", end
    if kind == "root":
        inside, end = _operand(text, end)
        return rf"\sqrt{{{latex(inside)}}}", end
    return _WRITTEN[kind or "sign"](token), end


def _script(text: str, at: int) -> tuple[str, int]:
    """What an index or exponent is: braces, brackets of an exponent, or letters and digits up to the next sign."""
    if text[at : at + 1] == "{":
        return _inside(text, at, "{}")
    if text[at : at + 1] == "(":
        return _inside(text, at, "()")
    match = re.compile(rf"-?\d+\.\d+|-?[A-Za-z{GREEK}0-9]+'*|\*").match(text, at)
    if match is None:
        raise ValueError(f"an index must be letters, digits or in braces: {text!r}")
    return match[0], match.end()


def _operand(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] == "(":
        return _inside(text, at, "()")
    match = _LONE.match(text, at)
    if match is None:
        raise ValueError(f"√ must stand before a letter, a number or brackets: {text!r}")
    return match[0], match.end()


def _inside(text: str, at: int, pair: str) -> tuple[str, int]:
    """What is between brackets, and the place behind them."""
    depth = 0
    for place in range(at, len(text)):
        depth += {pair[0]: 1, pair[1]: -1}.get(text[place], 0)
        if depth == 0:
            return text[at + 1 : place], place + 1
    raise ValueError(f"brackets must close: {text!r}")


def _name(token: str) -> str:
    """A letter, with its accent; functions and operators upright; other words as text."""
    if len(token) == 2 and token[1] in _ACCENTS:
        return rf"\{_ACCENTS[token[1]]}{{{token[0]}}}"
    if len(token) == 1 or (len(token) == 2 and token.isupper() and token not in _OPERATORS):  # NT is a product
        return _SIGNS.get(token, token)
    if token in _FUNCTIONS:
        return rf"\{token} "
    return rf"\operatorname{{{token}}}" if token in _OPERATORS else rf"\text{{ {token} }}"


def _sign(token: str) -> str:
    if token in _SIGNS:
        return _SIGNS[token]
    if token in _PLAIN:
        return token
    raise ValueError(f"no sign of mathematics: {token!r}")


_WRITTEN = {
    "space": lambda token: r"\;\; ",
    "blank": lambda token: " ",
    "text": lambda token: rf"\text{{{token}}}",
    "raised": lambda token: "^{" + "".join(_RAISED[one] for one in token) + "}",
    "lowered": lambda token: "_{" + "".join(_LOWERED[one] for one in token) + "}",
    "number": lambda token: token,
    "name": _name,
    "prime": lambda token: token,
    "sign": _sign,
}


@lru_cache(maxsize=4096)
def equation(text: str) -> str:
    """A line of mathematics as MathML on a line of its own.

    Raises:
        ValueError: it cannot be typeset, or not so that its letters and numbers are those of the text.
    """
    return typeset(text, "block")


def typeset(text: str, display: str) -> str:
    """Mathematics as MathML, "block" or "inline"; errors as for `equation`."""
    [drawn] = formula(latex(text), display)
    if not same_signs(text, drawn):
        raise ValueError(f"typeset with other letters than it is written: {text!r}")
    return drawn


def same_signs(text: str, drawn: str) -> bool:
    """Whether MathML has the letters and digits of the text, in their order."""
    return _letters(_apart(text)) == _letters(html.unescape(re.sub(r"<[^>]*>", "", drawn)))


def _letters(text: str) -> list[str]:
    plain = "".join(_RAISED.get(one, _LOWERED.get(one, one)) for one in text.replace("∑", "Σ"))
    plain = unicodedata.normalize("NFKD", plain)
    return re.findall(rf"[A-Za-z0-9{GREEK}]", plain)
