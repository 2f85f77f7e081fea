"""Files of prompts: what is read, and what is refused with its line, field and value."""

import json
import re

import pytest

from simulate.prompts.files import FIELDS, LONGEST, read_prompts
from simulate.prompts.sets import Prompt

GOOD = {"text": "Mary went to", "answer": " John"}


@pytest.fixture
def file(tmp_path):
    """Writes a file and gives its path."""

    def write(*lines, before=b"", end="\n"):
        path = tmp_path / "mine.jsonl"
        text = end.join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        path.write_bytes(before + text.encode())
        return path

    return write


def test_all_fields_and_their_defaults(file):
    whole = {
        "text": "Oslo lies in", "answer": " Norway", "distractor": " Peru", "distributional": " a", "set": "facts",
        "cluster": "Oslo",
    }  # fmt: skip
    found = read_prompts(file(GOOD, whole, GOOD | {"text": "It is", "distractor": None}))
    assert list(found) == ["prompts", "facts"] and set(whole) == set(FIELDS)
    assert found["facts"] == (Prompt("Oslo lies in", " Norway", " Peru", "", " a", cluster="Oslo"),)
    assert found["prompts"] == (
        Prompt("Mary went to", " John", " the", ""),
        Prompt("It is", " John", " the", ""),
    )  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n  \n", "\n\t\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\n\n"])
def test_empty_lines_and_byte_order_marks(file, end, before):
    path = file(GOOD, GOOD | {"text": "Früh ging er zu", "answer": " Zoë"}, "", before=before, end=end)
    assert [prompt.text for prompt in read_prompts(str(path))["prompts"]] == ["Mary went to", "Früh ging er zu"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [("東京は", "日本"), ('She said "', "Mary"), ("Q: who?\nA:\n", "Mary"), ("2 + 2 =", " 4"), ("1,", "2")],
)
def test_words_that_need_no_space(file, text, answer):
    """Where the text does not end in a letter or digit, or the script has no spaces."""
    (prompt,) = read_prompts(file({"text": text, "answer": answer, "distributional": " the"}))["prompts"]
    assert (prompt.text, prompt.answer) == (text, answer)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "must be a JSON object, got '{': EOF while parsing"),
        ("[1]", "must be a JSON object, got"),
        ('"text"', "must be a JSON object, got 'text'"),
        ({"answer": " a"}, "text is missing; text and answer must be there"),
        ({"text": "a b"}, "answer is missing; text and answer must be there"),
        ({"text": "a", "anwser": " b"}, "'anwser' is no field, got ' b'; fields are text, answer, distractor, "),
        (GOOD | {"text": 3}, "text must be a string, got 3"),
        (GOOD | {"answer": None}, "answer must be a string, got None"),
        (GOOD | {"cluster": ["a"]}, "cluster must be a string, got ['a']"),
        (GOOD | {"distractor": 1.5}, "distractor must be a string, got 1.5"),
        (GOOD | {"text": ""}, "text must not be empty, begin or end with a space, got ''"),
        (GOOD | {"text": "Mary went to "}, "text must not be empty, begin or end with a space, got 'Mary went to '"),
        (GOOD | {"text": " Mary"}, "text must not be empty, begin or end with a space, got ' Mary'"),
        (GOOD | {"answer": "John"}, "answer must be a word with its leading space, such as ' Mary', got 'John'"),
        (GOOD | {"answer": " "}, "answer must be a word with its leading space"),
        (GOOD | {"answer": ""}, "answer must be a word with its leading space"),
        (GOOD | {"answer": "7"}, "answer must be a word with its leading space"),
        (GOOD | {"text": "Пошёл к", "answer": "Ивану"}, "answer must be a word with its leading space"),
        (GOOD | {"distractor": "Tom"}, "distractor must be a word with its leading space, such as ' Mary', got 'Tom'"),
        (GOOD | {"distributional": "the"}, "distributional must be a word with its leading space"),
        (GOOD | {"distractor": " John"}, "distractor must be another one than the answer, got ' John' for both"),
        (GOOD | {"answer": " the"}, "distributional must be another one than the answer, got ' the' for both"),
        (GOOD | {"set": " "}, "set must be a name, got ' '"),
        (GOOD, "text must not stand twice in set 'prompts', got that of line 1 again: 'Mary went to'"),
        (GOOD | {"text": "a" * LONGEST}, f"must have at most {LONGEST} bytes, got more"),
        (GOOD | {"text": 7 * 10**90}, "text must be a string, got 70000"),
    ],
)
def test_refused(file, line, message):
    """With the number of the line, empty ones counted, and never with more than a little of a long value."""
    path = file(GOOD, "", line)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}, line 3: {message}')}") as error:
        read_prompts(path)
    assert len(str(error.value)) < len(str(path)) + 250


def test_a_text_may_stand_in_two_sets(file):
    assert len(read_prompts(file(GOOD, GOOD | {"set": "others"}))) == 2


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_no_prompt(tmp_path, content):
    (tmp_path / "none.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=r"none\.jsonl must have at least one line with a prompt, it has none"):
        read_prompts(tmp_path / "none.jsonl")


@pytest.mark.parametrize("content", [json.dumps(GOOD).encode("utf-16"), b'{"text": "\xe9", "answer": " a"}\n'])
def test_other_encodings(tmp_path, content):
    (tmp_path / "other.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.jsonl, line 1: must be UTF-8, got b'"):
        read_prompts(tmp_path / "other.jsonl")


def test_a_mark_within_the_file_is_no_beginning(file):
    with pytest.raises(ValueError, match="line 2: must be a JSON object"):
        read_prompts(file(GOOD, "\ufeff" + json.dumps(GOOD)))


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"none\.jsonl must be a readable file of JSON lines: No such file"):
        read_prompts(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="must be a readable file of JSON lines: Is a directory"):
        read_prompts(tmp_path)


def test_a_file_without_end_is_not_read_into_the_memory(tmp_path):
    """One line of 3 GB, of which the disk holds nothing."""
    with open(tmp_path / "long.jsonl", "wb") as stream:
        stream.truncate(3 * 10**9)
    with pytest.raises(ValueError, match=f"line 1: must have at most {LONGEST} bytes"):
        read_prompts(tmp_path / "long.jsonl")
