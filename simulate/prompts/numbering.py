"""Texts as the numbers of one tokenizer: the token that stands in front, and words that must be one token."""

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from .sets import Prompt

ENDS = ("answer", "distractor", "distributional")
"""What may follow a prompt."""


def is_chat_mark(tokenizer: Any, token: str) -> bool:
    """Whether a token is a mark of the tokenizer's chats: in its chat template it stands right before the name of a
    role ("<|im_start|>user"), or it is "<|im_start|>" of a tokenizer that has lost its template."""
    template = getattr(tokenizer, "chat_template", None) or ""
    templates = template.values() if isinstance(template, Mapping) else (template,)
    before_role = re.compile(re.escape(token) + r"\W*(message|role|system|user|assistant)")
    return "im_start" in token or any(before_role.search(str(one)) for one in templates)


class Numbering:
    """Texts as numbers of one tokenizer, and what is wrong with them."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._numbers = _numbering(tokenizer)
        self._unknown = getattr(tokenizer, "unk_token_id", None)

    def start(self, start: str | None) -> tuple[str, list[int]]:
        """Text and number of the start token (see `encode`), or "" and none.

        Raises:
            TypeError, ValueError: no text, not one token, a word that the tokenizer does not know.
        """
        if start is None:
            return self._bos()
        found = self._numbers(start) if start else []
        strange = self._unknown in found and start != self._tokenizer.unk_token
        if len(found) != bool(start) or strange:
            what = "a word that it does not know" if strange else f"{len(found)} tokens"
            raise ValueError(f"start must be one token of the tokenizer, or empty for none, got {start!r}: {what}")
        return start, found

    def _bos(self) -> tuple[str, list[int]]:
        if getattr(self._tokenizer, "bos_token_id", None) is None:
            return "", []
        text = str(self._tokenizer.bos_token)
        if is_chat_mark(self._tokenizer, text):
            warnings.warn(
                f"prompts begin with {text!r}, the tokenizer's BOS, which is a mark of its chats; for plain text give "
                "a start token, the one between documents if there is one",
                stacklevel=4,
            )
        return text, [self._tokenizer.bos_token_id]

    def text(self, prompt: Prompt) -> list[int]:
        """Its numbers; ValueError for words that the tokenizer does not know."""
        found = self._numbers(prompt.text)
        if self._unknown is not None and self._unknown in found:
            raise ValueError(f"prompt {prompt.text!r} has words that the tokenizer does not know")
        return found

    def end(self, prompt: Prompt, name: str) -> int:
        """The number of one of its ENDS; ValueError unless it is one token, after the text too, and known."""
        end = getattr(prompt, name)
        found = self._numbers(end)
        if len(found) != 1:
            raise ValueError(f"{name} {end!r} must be one token of the tokenizer, it is {len(found)}")
        if self._numbers(prompt.text + end) != self._numbers(prompt.text) + found:
            raise ValueError(f"{name} {end!r} is another token when it follows {prompt.text!r}")
        if found[0] == self._unknown:
            raise ValueError(f"{name} {end!r} is a word that the tokenizer does not know")
        return found[0]

    def wrong(self, prompt: Prompt) -> list[str]:
        """What of a prompt `text` and `end` refuse."""
        found = []
        try:
            self.text(prompt)
        except ValueError:
            found.append(prompt.text)
        for name in ENDS:
            try:
                self.end(prompt, name)
            except ValueError:
                found.append(getattr(prompt, name))
        return found


def _numbering(tokenizer: Any) -> Callable[[str], list[int]]:
    if hasattr(tokenizer, "bos_token_id"):  # transformers
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False))
    if not callable(getattr(tokenizer, "encode", None)) or isinstance(tokenizer, str | type):
        raise TypeError(f"tokenizer must be one of transformers or tokenizers, got {type(tokenizer).__name__}")
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)
