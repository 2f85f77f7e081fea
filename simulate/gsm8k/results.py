"""The file of results of one model on word problems: its configuration, and the answers by number of shots.

    {"source": {"model", "revision"}, "configuration": {…}, "model_files": {name: sha256}, "shots": {"1": {…}, …}}

The configuration is all that the answers depend on (code, weights, truncation, prompts, problems, versions). A file is
continued only by a run of the same one. It is written whole after every number of shots.
"""

import json
from pathlib import Path
from typing import Any

from simulate.runtime.files import digest_of_files, read_json, write_json
from theory.arguments import Count, checked
from theory.scalars import shown

from .answers import Accuracy, Paired, accuracy, paired
from .problems import MODELS

READINGS = ("strict", "flexible")
SIGNS = {1: +1, 2: +1, 8: -1}
"""Shots of P6, and whether LASER is claimed to help."""
CODE = (
    "simulate/gsm8k/answers.py",
    "simulate/gsm8k/harness.py",
    "simulate/gsm8k/problems.py",
    "simulate/truncation.py",
)
"""What the answers go through: prompts, decoding, how an answer is read, how a matrix is truncated. What picks, loads
and saves the weights is not among them, digests of the weights and of the saved files are in the results."""


def code_hash() -> str:
    """sha256 of the files of CODE."""
    return digest_of_files(Path(__file__).parents[2], CODE)


@checked
def read_results(path: Path) -> dict[str, Any]:
    """The results in a file.

    Raises:
        ValueError: there is no such file, it holds no results, or it is not as it was written.
    """
    try:
        results = read_json(path, "paper-checks gsm8k")
        wanted = results["configuration"]["problems"]
        complete = all(_is_complete(record, wanted) for record in results["shots"].values())
        complete &= all(isinstance(results[key], dict) for key in ("source", "model_files"))
        complete &= all(shots.isdecimal() for shots in results["shots"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} must be a file of results of paper-checks gsm8k: {error!r}") from None
    if not complete:
        raise ValueError(
            f"{path} must be a file of results of paper-checks gsm8k, with all answers to {wanted} problems"
        )
    found: dict[str, Any] = results
    return found


@checked
def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write the results, whole or not at all, fewer shots first.

    Raises:
        TypeError, ValueError: results that are not those of paper-checks gsm8k.
    """
    shots = results.get("shots")
    if not isinstance(shots, dict) or not all(isinstance(key, str) and key.isdecimal() for key in shots):
        raise ValueError(f"results must have 'shots', by their number, got {shown(results)}")
    try:
        json.dumps(results)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"results must be of JSON's types: {error}") from None
    ordered = {**results, "shots": dict(sorted(results["shots"].items(), key=lambda item: int(item[0])))}
    write_json(path, ordered)


def require_same(path: Path, results: dict[str, Any], configuration: dict[str, Any]) -> None:
    """ValueError that names the first part of the `configuration` that the results in `path` do not have."""
    for name, value in configuration.items():
        found = results["configuration"].get(name)
        if found != json.loads(json.dumps(value)):
            raise ValueError(f"{path.name} must be of the same configuration, {name} is {found!r}, now {value!r}")


@checked
def comparable(before: Path, after: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two files of results of one of the claim's models that differ in the truncation alone.

    Raises:
        ValueError: other files.
    """
    whole, cut = read_results(before), read_results(after)
    if whole["source"]["model"] not in MODELS:
        raise ValueError(f"{before.name} must be of {', '.join(MODELS)}, it is of {whole['source']['model']}")
    fixed = {name: value for name, value in whole["configuration"].items() if name != "truncation"}
    require_same(after, cut, fixed)
    if whole["configuration"]["truncation"] is not None or cut["configuration"]["truncation"] is None:
        raise ValueError(f"{before.name} must be of the model as it is, {after.name} of the truncated one")
    lacking = [shots for shots in SIGNS for found in (whole, cut) if str(shots) not in found["shots"]]
    if lacking:
        raise ValueError(f"both files must have 1, 2 and 8 shots, missing {sorted(set(lacking))}")
    return whole, cut


def correct(name: str, results: dict[str, Any], shots: int, reading: str) -> list[bool]:
    """Which problems were answered correctly with so many shots; `name` is the argument that has the results."""
    known = results.get("shots")
    if not isinstance(known, dict) or str(shots) not in known:
        there = f"shots {', '.join(map(str, known))}" if isinstance(known, dict) else shown(results)
        raise ValueError(f"{name} must be results with shots = {shots}, as of read_results, got {there}")
    try:
        found = [answer["correct"][reading] for answer in known[str(shots)]["answers"]]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f"{name} must be results with answers, as of read_results, they lack {error}") from None
    return found


@checked
def accuracies(results: dict[str, Any], shots: Count) -> dict[str, Accuracy]:
    """Accuracy with so many shots, by reading."""
    return {reading: accuracy(correct("results", results, shots, reading)) for reading in READINGS}


@checked
def changes(before: dict[str, Any], after: dict[str, Any], shots: Count) -> dict[str, Paired]:
    """Change of accuracy with so many shots on the same problems, by reading."""
    found = {"before": before, "after": after}
    return {
        reading: paired(*(correct(name, results, shots, reading) for name, results in found.items()))
        for reading in READINGS
    }


def _is_complete(record: dict[str, Any], wanted: int) -> bool:
    answers = record["answers"]
    judged = [type(answer["correct"][reading]) is bool for answer in answers for reading in READINGS]
    return len(answers) == wanted and all(judged)
