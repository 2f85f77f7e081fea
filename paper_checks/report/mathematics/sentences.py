"""Running text of a ledger with its mathematics typeset: "all N >= 2, 0 <= alpha <= 1, T_0 ≈ N/(4α)".

Mathematics in a sentence are words with indices, Greek letters or signs of mathematics, single letters, and what
stands beside such a sign. Names of symbols in ASCII, alpha or tau, are the symbols.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from .equations import GREEK, typeset

_ASCII = {
    "alpha": "α", "beta": "β", "gamma": "γ", "kappa": "κ", "lambda": "λ", "eta": "η", "tau": "τ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "xi": "ξ", "mu": "μ", "xbar": "x̄", "sqrt": "√",
}  # fmt: skip
"""Names of symbols, as scopes have them."""

_NAMED = re.compile(rf"(?<![A-Za-z])({'|'.join(_ASCII)})(?![a-z])")
_LONGEST = 200
"""Characters of a word that may be mathematics."""
_RELATIONS = {
    "=", "<", ">", "<=", ">=", "≤", "≥", "≈", "!=", "≠", "+", "-", "→", "->", "·", "/", "∈", "~",
    "∝", "≫", "≪", ">>", "<<",
}  # fmt: skip
"""Words that make their neighbours mathematics."""
_DOUBLED = {">>": "≫", "<<": "≪"}
_SIGNS = re.compile(rf"[{GREEK}_^√≤≥≈≠±·×∞∈∝≫≪→‖∇Σ⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀⁿ₀₁₂₃₄₅₆₇₈₉\u0302-\u0304]|[=<>]|\w\[.*\]")
_LETTER = re.compile(r"[B-HJ-Zb-z](?:\(.+\))?\'*")  # A, I and a are words, unless a relation stands beside them
_TERM = re.compile(r"(?=.*[\d/(])(?=.*[A-Z])(?:[-+*/().]|\d+|[A-Z]{1,2}|[a-z](?![a-z]))+")
"""1/(2N), NT/(N+2T)."""
_PROSE = re.compile(r"`|[A-Za-z]{2,}-|://|[\\\"&]|<[/!]|<[A-Za-z]{2}|[a-z]{3,}=|^-+[a-z]|^[A-Z]{1,2}\d+(?:\.\d+)?$")
"""Of words that have such signs and are none: "κt-law", addresses, options, ids of claims."""
_CODE = re.compile(r"`([^`]+)`")
_OPEN = re.compile(r"\w\([^()\s]*,")
_FACTORED = re.compile(rf"[{GREEK}√]|[A-Za-z](?:\^|[⁰¹²³⁴⁵⁶⁷⁸⁹]|$)")
_WORD = re.compile(r"^([(\[]*)(.*?)([.,;:!?)\]]*)$", re.DOTALL)


class Word(NamedTuple):
    """A word with what leads to it and what closes it, which are no part of a formula."""

    lead: str
    core: str
    tail: str


@lru_cache(maxsize=4096)
def sentence(text: str) -> Markup:
    """The text as HTML, escaped, with its mathematics as MathML as far as it can be typeset."""
    words = [_word(part) for part in _parts(text)]
    parts: list[str] = []
    for is_formula, run in _runs(words):
        if is_formula:
            whole = _closed(Word(run[0].lead, " ".join(word.core for word in run), run[-1].tail))
            parts.append(_joined(whole.lead, _typeset(whole.core), whole.tail))
        else:
            plain = str(escape(" ".join("".join(word) for word in run)))  # of Markup, sub would escape what it puts in
            parts.append(_CODE.sub(r"<code>\1</code>", plain))
    return Markup(" ".join(parts))


def _joined(lead: str, formula: Markup, tail: str) -> Markup:
    """A formula with the signs beside it: a line would end or begin with them, for it may break at MathML."""
    whole = escape(lead) + formula + escape(tail)
    is_short = 0 < len(lead + tail) < 5 and formula.startswith("<math")
    return Markup('<span class="whole">{}</span>').format(whole) if is_short else whole


def _parts(text: str) -> Iterator[str]:
    """Words, those of "f(16, 256)" as one."""
    waiting = ""
    for part in text.split(" "):
        waiting = f"{waiting} {part}" if waiting else part
        if len(waiting) > _LONGEST or not (_OPEN.search(waiting) and _depths(waiting)[1] > 0):
            yield waiting
            waiting = ""
    if waiting:
        yield from waiting.split(" ")


def _depths(text: str) -> tuple[int, int]:
    """How deep in brackets a text is: at its lowest, and in the end."""
    depth = lowest = 0
    for one in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(one, 0)
        lowest = min(lowest, depth)
    return lowest, depth


def _closed(word: Word) -> Word:
    """The word with those of the brackets beside it that open and close within."""
    lead, core, tail = word
    while lead and _depths(core)[0] < 0:
        lead, core = lead[:-1], lead[-1] + core
    while tail[:1] in (")", "]") and tail and _depths(core)[1] > 0:
        core, tail = core + tail[0], tail[1:]
    return Word(lead, core, tail)


def _word(part: str) -> Word:
    """Brackets that open and close within a word stay with it; an endless one is no mathematics."""
    if len(part) > _LONGEST:
        return Word("", part, "")
    match = _WORD.match(part)
    return _closed(Word(*match.groups()) if match else Word("", part, ""))


def _runs(words: Sequence[Word]) -> Iterator[tuple[bool, list[Word]]]:
    """Neighbours that are one formula, and those that are prose."""
    marked = _marked(words)
    run: list[Word] = []
    for at, word in enumerate(words):
        begins = bool(run) and (marked[at] != marked[at - 1] or (marked[at] and bool(words[at - 1].tail or word.lead)))
        if begins:
            yield marked[at - 1], run
            run = []
        run.append(word)
    if run:
        yield marked[-1], run


def _marked(words: Sequence[Word]) -> list[bool]:
    """Which words are mathematics."""
    marked = [_is_formula(word.core) for word in words]
    for at, word in enumerate(words):
        if word.core not in _RELATIONS or word.lead or word.tail:
            continue
        beside = [one for one in (at - 1, at + 1) if 0 <= one < len(words) and _may_be(words[one].core)]
        marked[at] = bool(beside)
        for one in beside:
            marked[one] = True
    for at, (word, following) in enumerate(pairwise(words)):  # a factor
        is_factor = word.core.isdecimal() and not word.tail and not following.lead
        marked[at] |= is_factor and marked[at + 1] and _FACTORED.match(following.core) is not None
    return marked


def _is_formula(core: str) -> bool:
    if not core or len(core) > _LONGEST or _PROSE.search(core):
        return False
    found = _SIGNS.search(core) or _LETTER.fullmatch(core) or _TERM.fullmatch(core) or _NAMED.search(core)
    return bool(found) and core not in _RELATIONS


def _may_be(core: str) -> bool:
    """Whether a word beside a relation is part of the formula: a number, a letter, what is mathematics anyway."""
    return _is_formula(core) or core in _RELATIONS or bool(re.fullmatch(r"[-+]?[\d.,/()]+|[A-Za-z]", core))


def _typeset(core: str) -> Markup:
    """The formula as MathML; as it is written where that cannot be."""
    named = _NAMED.sub(lambda match: _ASCII[match[0]], core)
    for old, new in _DOUBLED.items():
        named = named.replace(old, new)
    try:
        return Markup(typeset(named, "inline"))
    except ValueError:
        return escape(named)
