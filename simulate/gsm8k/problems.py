"""Claim P6 as data: models, matrices, prompts, and word problems read from files.

Claim: few-shot chain of thought on GSM8K gains from LASER (one weight matrix truncated to low rank) at 1-2 shots and
loses at 8. The claim names models and shots. What it leaves open is chosen here, once for all models:

- matrices: input and output of one late feed-forward layer, each on its own (`ROLES`, `LAYERS`). E3 found that the two
  differ, and LASER's gains on other tasks lie in late feed-forward layers.
- ranks: `FRACTIONS` of full rank, from nearly nothing kept to half. The untruncated model is the baseline.
- prompts: "Q: … A: … The answer is 42." as in the task `gsm8k_cot` of the lm-evaluation-harness, as plain text for all
  models: a chat template would be a second change beside the number of shots.
- shots: the first k of one shuffled list of worked examples, the same for every problem, so that fewer shots are a
  part of more shots and two models see the same prompts.
- decoding: greedy, at most 256 new tokens, as in the harness.

Whoever searches this grid for the best truncation and reports the winner on the same problems reports an optimistic
number: choose on some problems (`--limit`), report on others.

Source: Chen, Bruna, Bietti (ICLR 2025), truncation in language models; Sharma, Ash, Misra (2023), LASER;
Cobbe et al. (2021), GSM8K; Wei et al. (2022), chain of thought.
"""

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

from annotated_types import Interval, MinLen

from simulate.runtime.plain_json import parsed
from simulate.runtime.shipped import shipped_file
from theory.arguments import Count, Seed, checked

from .answers import number

MODELS = ("microsoft/Phi-3-mini-4k-instruct", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct")
SHOTS = (1, 2, 4, 8)
Role: TypeAlias = Literal["mlp_in", "mlp_out"]
ROLES: tuple[Role, ...] = get_args(Role)
LAYERS = (-1, -2, -4)
FRACTIONS = (0.01, 0.1, 0.5)

STOP = ("Q:", "</s>", "<|im_end|>", "<|eot_id|>", "<|end|>")
"""Ends of an answer: a next question, or the end of a turn in the three models' formats."""

OWN = Path(__file__).parents[1] / "data" / "gsm8k_own.jsonl"
"""Ten problems and ten worked examples of own wording: for running the path, too few for any finding."""


@checked
class Problem(NamedTuple):
    """A word problem: its question, the reasoning that solves it, and the number that this ends with."""

    question: str
    reasoning: str
    answer: str


@checked
class Truncation(NamedTuple):
    """One point of the claim's grid: which matrix keeps which fraction of its rank."""

    role: Role
    layer: int
    fraction: Annotated[float, Interval(ge=0, le=1)]


@checked
@dataclass(frozen=True)
class Prompting:
    """How a model is asked; two results are comparable only where all of this is equal.

    Args:
        seed: of the order of the worked examples, an integer >= 0.
        max_new_tokens: most tokens of an answer, an integer >= 1.
        batch_size: problems answered at once, an integer >= 1 (padding may decide near-ties of the greedy choice).
        stop: strings that end an answer, none of them empty.

    Raises:
        TypeError: a number is not an integer, or stop not of strings.
        ValueError: an argument is out of range.
    """

    seed: Seed = 1234
    max_new_tokens: Count = 256
    batch_size: Count = 8
    stop: tuple[Annotated[str, MinLen(1)], ...] = STOP


def grid() -> list[Truncation | None]:
    """The claim's truncations; None is the model as it is."""
    return [None, *(Truncation(role, layer, part) for role in ROLES for layer in LAYERS for part in FRACTIONS)]


@checked
def read_problems(path: Path, split: str) -> list[Problem]:
    """The problems of a file with one JSON object per line: {"question": …, "answer": "… #### 42"}.

    Lines with a key "split" of another value than `split` are left out. GSM8K's marks of a calculator (<<2+3=5>>) are
    removed from the reasoning.

    Raises:
        TypeError, ValueError: there is no such file, OWN is not as it was shipped, a line is not as above (the message
            names it), a question stands twice, or nothing is left.
    """
    if path == OWN:
        shipped_file(path.name)
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a readable file of JSON lines in UTF-8: {error}") from None
    found: dict[str, int] = {}
    problems = []
    for count, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = _record(line)
            if record.get("split", split) != split:
                continue
            problem = _problem(record)
            if problem.question in found:
                raise ValueError(f"the question must not stand twice, it is that of line {found[problem.question]}")
        except ValueError as error:
            raise ValueError(f"{path.name}, line {count}: {error}") from None
        found[problem.question] = count
        problems.append(problem)
    if not problems:
        raise ValueError(f"{path} must have at least one line for split = {split!r}, it has none")
    return problems


def worked_examples(examples: Sequence[Problem], problems: Sequence[Problem], seed: int) -> list[Problem]:
    """The examples in the order of `seed`; k shots are the first k.

    Raises:
        ValueError: an example has no reasoning, or is one of the problems.
    """
    asked = {_plain(problem.question) for problem in problems}
    for example in examples:
        if _plain(example.question) in asked:
            raise ValueError(f"examples must not contain a problem that is asked, got {example.question!r}")
        if not example.reasoning:
            raise ValueError(f"examples must have reasoning before '####', got none for {example.question!r}")
    return random.Random(seed).sample(examples, len(examples))


def fingerprint(problems: Sequence[Problem]) -> str:
    """sha256 of what is asked and expected, in order, as hexadecimal digits."""
    return hashlib.sha256(json.dumps(problems).encode()).hexdigest()


def _plain(question: str) -> str:
    return " ".join(question.casefold().split())


def _record(line: str) -> dict[str, Any]:
    try:
        record = parsed(line)
    except ValueError as error:
        raise ValueError(f"must be a JSON object: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"must be a JSON object, got {type(record).__name__}")
    return record


def _problem(record: dict[str, Any]) -> Problem:
    texts = []
    for key in ("question", "answer"):
        text = record.get(key)
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{key} must be a text that is not empty, got {text!r}")
        texts.append(text.strip())
    question, answer = texts
    reasoning, mark, last = answer.rpartition("####")
    value = number(last.strip())
    if not mark or value is None:
        raise ValueError(f"answer must end with '#### ' and a number, got {answer[-40:]!r}")
    return Problem(question, re.sub(r"<<[^<>]*>>", "", reasoning).strip(), f"{value:f}")
