"""Word problems as a task of the lm-evaluation-harness: prompts, answers and scores at one number of shots.

    model = load(folder, device="cpu", dtype="float32", prompting=Prompting())
    found = ask(model, problems, examples[:2], Prompting())

The harness reads the model from its folder and the problems from files of JSON lines, makes the prompts, generates, and
applies the filters and the metric. No network is used: whatever a hub would be asked for is refused.

Needs the extra `gsm8k`.
"""

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import datasets
import huggingface_hub
from lm_eval import evaluate
from lm_eval.api.model import LM, TemplateLM
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM

from .answers import FLEXIBLE, STRICT, score
from .problems import Problem, Prompting

TASK = "gsm8k_worked_examples"
READINGS = {"strict": (STRICT, 0), "flexible": (FLEXIBLE, -1)}
"""Pattern of each reading of an answer, and which of its matches counts."""


@dataclass(frozen=True)
class Answer:
    """What a model answered to one problem.

    Attributes:
        question, expected: of the problem.
        prompt: what the model was given.   response: what it wrote.
        found: by reading, the number found in the response, or "[invalid]".
        correct: by reading, whether that is the expected number.
    """

    question: str
    expected: str
    prompt: str
    response: str
    found: dict[str, str]
    correct: dict[str, bool]

    def as_record(self) -> dict[str, Any]:
        """Without the prompt, which the problems and the configuration determine."""
        return {name: value for name, value in asdict(self).items() if name != "prompt"}


def load(folder: Path, *, device: str, dtype: str, prompting: Prompting) -> HFLM:
    """The harness's model of a folder of Hugging Face form, with its tokenizer.

    Args:
        folder: as `simulate.language.saving.save_model` writes it.
        device: "cpu" or "cuda:<index>".   dtype: "float32", "bfloat16" or "float16".
        prompting: its batch size is used.
    """
    with offline():
        # An absolute path is no name of a hub, so that nothing looks for one.
        where = str(folder.resolve())
        return HFLM(pretrained=where, device=device, dtype=dtype, batch_size=prompting.batch_size)


def ask(model: LM, problems: Sequence[Problem], examples: Sequence[Problem], prompting: Prompting) -> list[Answer]:
    """Answers of a model to the problems, in their order; every prompt has all the worked examples, in their order.

    Args:
        model: as `load` gives it, or any other model of the harness.
        problems: at least one.   examples: at least one, none of the problems.

    Raises:
        ValueError: there are no problems or no examples, or what `check_room` raises.
    """
    with _task(problems, examples, prompting) as task:
        _check_room(model, task)
        # Not simple_evaluate: it lists the machine's packages and asks the hub for the model each time.
        found = evaluate(model, {"tasks": {TASK: task}}, bootstrap_iters=0)
    assert found is not None  # there is one process
    return _answers(found["samples"][TASK], len(problems))


def check_room(model: LM, problems: Sequence[Problem], examples: Sequence[Problem], prompting: Prompting) -> None:
    """ValueError if a prompt and its answer exceed the model's context: the harness would cut off the first examples.

    Arguments as for `ask`; a model that counts no tokens has room for any prompt.
    """
    with _task(problems, examples, prompting) as task:
        _check_room(model, task)


def harness_command(folder: Path, shots: int, prompting: Prompting, device: str, dtype: str) -> str:
    """The command line that asks the model in `folder` the harness's own task, with its own worked examples."""
    words = ["lm_eval", "--model", "hf", "--model_args", f"pretrained={folder},dtype={dtype}", "--tasks", "gsm8k_cot"]
    words += ["--num_fewshot", str(shots), "--gen_kwargs", f"max_gen_toks={prompting.max_new_tokens}"]
    words += ["--batch_size", str(prompting.batch_size), "--device", device, "--log_samples"]
    return shlex.join([*words, "--output_path", f"{folder}.lm_eval"])


@contextmanager
def offline() -> Iterator[None]:
    """No hub inside the block. The environment alone comes too late: both libraries have read it."""
    places = [(huggingface_hub.constants, "HF_HUB_OFFLINE"), (datasets.config, "HF_HUB_OFFLINE")]
    before = [(module, name, getattr(module, name)) for module, name in places]
    environment = os.environ.get("HF_HUB_OFFLINE")
    try:
        os.environ["HF_HUB_OFFLINE"] = "1"
        for module, name in places:
            setattr(module, name, True)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        os.environ.pop("HF_HUB_OFFLINE")
        if environment is not None:
            os.environ["HF_HUB_OFFLINE"] = environment


@contextmanager
def _task(problems: Sequence[Problem], examples: Sequence[Problem], prompting: Prompting) -> Iterator[Any]:
    """The harness's task, as long as the block lasts, and no hub inside."""
    if not problems or not examples:
        raise ValueError(f"problems and examples must not be empty, got {len(problems)} and {len(examples)}")
    with TemporaryDirectory() as folder, offline():
        files = {}
        for split, contents in (("test", problems), ("examples", examples)):
            lines = (json.dumps(problem._asdict()) + "\n" for problem in contents)
            files[split] = str(Path(folder) / f"{split}.jsonl")
            Path(files[split]).write_text("".join(lines), "utf-8")
        source = {"data_files": files, "cache_dir": str(Path(folder) / "cache")}
        with _no_progress_bars():
            task = ConfigurableTask(config=_configuration(source, len(examples), prompting))
        yield task


def _configuration(source: dict[str, Any], shots: int, prompting: Prompting) -> dict[str, Any]:
    return {
        "task": TASK,
        "dataset_path": "json",
        "dataset_kwargs": source,
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "Q: {{question}}\nA:",
        "doc_to_target": "{{reasoning}}\nThe answer is {{answer}}.",
        "fewshot_config": {"sampler": "first_n", "split": "examples"},
        "num_fewshot": shots,
        "generation_kwargs": {
            "do_sample": False,
            "max_gen_toks": prompting.max_new_tokens,
            "until": list(prompting.stop),
        },
        "filter_list": [_filter(name, *reading) for name, reading in READINGS.items()],
        "process_results": score,
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }


def _filter(name: str, pattern: str, which: int) -> dict[str, Any]:
    extraction = {"function": "regex", "regex_pattern": pattern, "group_select": which}
    return {"name": name, "filter": [extraction, {"function": "take_first"}]}


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Reading the two small files takes no time worth showing."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _check_room(model: LM, task: Any) -> None:
    if not isinstance(model, TemplateLM):
        return
    shots, new = task.config.num_fewshot, task.config.generation_kwargs["max_gen_toks"]
    longest = max(len(model.tok_encode(task.fewshot_context(document, shots))) for document in task.eval_docs)
    context = getattr(model, "max_length", None)
    if context is not None and longest + new > context:
        raise ValueError(
            f"shots must leave room for the answer in the model's {context} tokens, got {shots} shots with {longest} "
            f"tokens in the longest prompt, and {new} new ones"
        )


def _answers(samples: list[dict[str, Any]], count: int) -> list[Answer]:
    by_reading = {
        name: {sample["doc_id"]: sample for sample in samples if sample["filter"] == name} for name in READINGS
    }
    answers = []
    for at in range(count):
        seen = {name: found[at] for name, found in by_reading.items()}
        first = seen["strict"]
        answers.append(
            Answer(
                question=first["doc"]["question"],
                expected=first["doc"]["answer"],
                prompt=first["arguments"][0][0],
                response=first["resps"][0][0],
                found={name: sample["filtered_resps"][0] for name, sample in seen.items()},
                correct={name: sample["exact_match"] == 1 for name, sample in seen.items()},
            )
        )
    return answers
