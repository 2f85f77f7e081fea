"""What two runs of `paper-checks gsm8k` come to, whole and truncated, without a word of the problems.

The figure holds digests of the questions, the numbers that were found in the answers, which of them are right, exact
intervals and exact tests: what can be kept and shared where the problems are others'. It is no evidence of a claim.
"""

import hashlib
from collections.abc import Iterable
from itertools import product
from typing import Any

from paper_checks.experiments.pocket import share_interval
from simulate.gsm8k.results import READINGS, changes, correct

ABOUT_WEIGHTS = ("code", "weights_sha256", "versions", "problems_sha256", "examples_sha256")
"""Parts of the configuration that the figure has at its top; the rest is how the models were asked."""
MODELS = ("whole", "truncated")


def figure(whole: dict[str, Any], truncated: dict[str, Any]) -> dict[str, Any]:
    """The figure of two results that differ in the truncation alone, at the numbers of shots that both have.

    Args:
        whole, truncated: as `simulate.gsm8k.read_results` gives them.

    Raises:
        ValueError: they differ in another part of the configuration, or have no number of shots in common.
    """
    configuration = truncated["configuration"]
    differing = [
        name for name, value in configuration.items() if name != "truncation" and value != whole["configuration"][name]
    ]
    shots = [count for count in whole["shots"] if count in truncated["shots"]]
    if differing or not shots:
        raise ValueError(f"the results must be of one configuration with shots in common, they differ in {differing}")
    by_model = dict(zip(MODELS, (whole, truncated), strict=True))
    records = [results["shots"][count] for results, count in product(by_model.values(), shots)]
    questions = [answer["question"] for answer in records[0]["answers"]]
    return {
        "model": truncated["source"]["model"],
        "date": max(record["date"] for record in records),
        "device": ", ".join(sorted({record["device"] for record in records})),
        **{name: configuration[name] for name in ABOUT_WEIGHTS},
        "model_files": {name: results["model_files"] for name, results in by_model.items()},
        "asked": {name: value for name, value in configuration.items() if name not in ABOUT_WEIGHTS},
        "seconds": round(sum(record["seconds"] for record in records)),
        "questions_sha256": [hashlib.sha256(question.encode()).hexdigest() for question in questions],
        "shots": {count: _at(whole, truncated, count) for count in shots},
    }


def table(figure: dict[str, Any]) -> Iterable[str]:
    """Lines of Markdown: correct answers with exact 95 % intervals, and what changed, by shots and reading."""
    yield "| shots | number read | whole | truncated | gained | lost | exact p |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    count = len(figure["questions_sha256"])
    for shots, reading in product(figure["shots"], READINGS):
        at = figure["shots"][shots]
        shares = (_share(at[model][reading], count) for model in MODELS)
        change = at["change"][reading]
        cells = (shots, reading, *shares, change["gained"], change["lost"], f"{change['p_value']:.2g}")
        yield "| " + " | ".join(map(str, cells)) + " |"


def _at(whole: dict[str, Any], truncated: dict[str, Any], shots: str) -> dict[str, Any]:
    """Both models' answers at one number of shots, by reading, and the change between them."""
    found: dict[str, Any] = {}
    for model, results in zip(MODELS, (whole, truncated), strict=True):
        answers = results["shots"][shots]["answers"]
        found[model] = {reading: _read([answer["found"][reading] for answer in answers],
                                       correct(results, int(shots), reading)) for reading in READINGS}  # fmt: skip
    found["change"] = {
        reading: {"gained": change.gained, "lost": change.lost, "p_value": change.p_value}
        for reading, change in changes(whole, truncated, int(shots)).items()
    }
    return found


def _read(numbers: list[str], right: list[bool]) -> dict[str, Any]:
    """What was found, answer by answer; the right ones by the number of their problem, from 1; their exact interval."""
    return {
        "right": [number for number, is_right in enumerate(right, 1) if is_right],
        "interval": list(share_interval(sum(right), len(right))),
        "found": " ".join(numbers),
    }


def _share(read: dict[str, Any], count: int) -> str:
    low, high = (f"{100 * end:.1f}" for end in read["interval"])
    return f"{len(read['right'])} of {count} ({low} to {high} %)"
