"""The token that prompts begin with, and those whose words a tokenizer has as one token."""

import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

import numpy as np
from transformers import AutoTokenizer

from simulate.language.pretrained import pretrained_folder
from simulate.prompts.numbering import is_chat_mark
from simulate.prompts.real import real_fact_prompts, real_recall_prompts
from simulate.prompts.sets import Prompt, fact_prompts, recall_prompts
from simulate.prompts.tokens import encode, one_token
from tests.oracles.tiny_language_models import tiny_tokenizer

WORDS = ["went", "to", "the", "Mary", "John", "and"]
PROMPT = Prompt("John went to", " Mary", " John", "")
CHAT = "{% for message in messages %}{{ '<s>' + message['role'] + '\n' + message['content'] }}{% endfor %}"
DOCUMENT = "{{ '<s>' }}{% for message in messages %}{{ '[' + message['role'] + '] ' + message.content }}{% endfor %}"


def chatting(template, **changes):
    """A tokenizer with this chat template."""
    tokenizer = tiny_tokenizer(WORDS)
    tokenizer.chat_template = template
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    return tokenizer


@pytest.mark.parametrize(
    ("start", "tokens", "number"), [(None, [1], 1), ("<|end|>", [0], 0), ("the", [5], 5), ("", [], None)]
)
def test_start_is_put_in_front_and_recorded(start, tokens, number):
    found = encode([PROMPT, PROMPT], tiny_tokenizer(WORDS), start)
    assert found.groups[0][1].tolist() == [[*tokens, 7, 3, 4]] * 2
    for one in (found, found.at(np.array([1]))):
        assert (one.start, one.start_token) == ("<s>" if start is None else start, number)


def test_no_bos_no_start():
    """A tokenizer of the library has none, nor has one of transformers without BOS."""
    tokenizer = tiny_tokenizer(WORDS)
    tokenizer.bos_token = None
    for one in (tokenizer, tokenizer.backend_tokenizer):
        found = encode([PROMPT], one)
        assert (found.start, found.start_token, found.groups[0][1].tolist()) == ("", None, [[7, 3, 4]])


@pytest.mark.parametrize(
    ("start", "message"), [("the the", "'the the': 2 tokens"), ("<|im_start|>", "got '<|im"), ("Bob", "does not know")]
)
def test_start_that_is_no_token(start, message):
    with pytest.raises(ValueError, match="start must be one token") as error:
        encode([PROMPT], tiny_tokenizer(WORDS), start)
    assert message in str(error.value)


def test_start_of_another_type():
    with pytest.raises(TypeError, match="start must be a string or None, got 0"):
        encode([PROMPT], tiny_tokenizer(WORDS), 0)


def test_start_that_is_the_unknown_token_too():
    """GPT-2's one special token is both."""
    assert encode([PROMPT], chatting(None, unk_token="<|end|>"), "<|end|>").start_token == 0


@pytest.mark.parametrize("template", [CHAT, {"default": "{{ messages }}", "tool": CHAT}, "{{ '<s>user\n' }}"])
def test_chat_mark_in_front_is_warned_of(template):
    """By default alone; prompts are encoded all the same."""
    tokenizer = chatting(template)
    with pytest.warns(UserWarning, match="begin with '<s>', the tokenizer's BOS, which is a mark of its chats"):
        found = encode([PROMPT], tokenizer)
    assert found.start_token == 1
    assert encode([PROMPT], tokenizer, "<|end|>").start_token == 0
    assert encode([PROMPT], tokenizer, "<s>").start_token == 1


@pytest.mark.parametrize("template", [None, "", DOCUMENT, "{{ bos_token }}{{ messages[0]['role'] }}", CHAT.upper()])
def test_bos_that_begins_documents_is_not(template):
    assert encode([PROMPT], chatting(template)).start == "<s>"


def test_chat_mark_without_a_template():
    assert is_chat_mark(tiny_tokenizer(WORDS), "<|im_start|>")
    assert not is_chat_mark(tiny_tokenizer(WORDS).backend_tokenizer, "<s>")


def test_prompts_of_one_token_are_kept():
    """In their order; every word that is not one is told, once; `encode` takes what is kept and refuses each other."""
    good = Prompt("Mary went to", " John", " Mary", "")
    bad = [
        Prompt("Mary went to", " John and", " Mary", ""), Prompt("Mary went to", " John", " the Mary", ""),
        Prompt("Mary went to", " Bob", " the Mary", ""), Prompt("Mary went to", " John", " Mary", "", " the the"),
        Prompt("Mary ran to", " John", " Mary", ""), Prompt("Mary went to", "ohn", " Mary", ""),
    ]  # fmt: skip
    kept = one_token([bad[0], PROMPT, *bad[1:], good], tiny_tokenizer(WORDS))
    assert kept.prompts == (PROMPT, good) and kept.left_out == len(bad)
    assert kept.words == (" John and", " the Mary", " Bob", " the the", "Mary ran to", "ohn")
    assert encode(kept.prompts, tiny_tokenizer(WORDS)).count == 2
    for prompt in bad:
        assert one_token([prompt], tiny_tokenizer(WORDS)).left_out == 1
        with pytest.raises(ValueError):
            encode([prompt], tiny_tokenizer(WORDS))


def test_nothing_of_pocket_pythia_is_left_out():
    from simulate.language.models import load_language_model
    from simulate.pocket.shipped import pocket_folders

    tokenizer = load_language_model(pocket_folders()[1][2000]).tokenizer
    for prompts in (recall_prompts(400, seed=5), fact_prompts(seed=5)):
        kept = one_token(prompts, tokenizer)
        assert (kept.prompts, kept.left_out, kept.words) == (prompts, 0, ())
    assert encode(recall_prompts(3, seed=5), tokenizer).start_token == tokenizer.bos_token_id


@pytest.mark.skipif(pretrained_folder("smollm2") is None, reason="not run: paper-checks weights smollm2")
def test_smollm2():
    """Its BOS marks chats; every prompt about the real world can be asked."""
    tokenizer = AutoTokenizer.from_pretrained(pretrained_folder("smollm2"), local_files_only=True)
    prompts = (*real_recall_prompts(300, seed=1), *real_fact_prompts(seed=1))
    assert one_token(prompts, tokenizer).left_out == 0
    assert one_token([Prompt("John gave it to", " Donna", " Megan", "")], tokenizer).words == (" Donna", " Megan")
    with pytest.warns(UserWarning, match=r"begin with '<\|im_start\|>'"):
        encode(prompts[:2], tokenizer)
    assert encode(prompts[:2], tokenizer, "<|endoftext|>").start_token == 0
