"""What two runs of `paper-checks gsm8k` come to, whole and truncated, without a word of the problems.

The figure holds digests of the questions, the numbers that were found in the answers, which of them are right, exact
intervals and exact tests: what can be kept and shared where the problems are others'. It is no evidence of a claim.
"""

import hashlib
from collections.abc import Iterable
from itertools import product
from typing import Any

from paper_checks.experiments.pocket import share_interval
from simulate.gsm8k.answers import is_correct, paired
from simulate.gsm8k.results import READINGS

ABOUT_WEIGHTS = ("code", "weights_sha256", "versions", "problems_sha256", "examples_sha256")
"""Parts of the configuration that the figure has at its top; the rest is how the models were asked."""
MODELS = ("whole", "truncated")
SILENT, NONE = "no number", "[invalid]"
"""Beside the readings: answers in which no number is found, and what the harness has in its place."""


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
        "shots": {
            count: _at({name: results["shots"][count]["answers"] for name, results in by_model.items()})
            for count in shots
        },
    }


def made_again(known: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A figure that stands for the code of another one too: of fewer of its problems, the first, of which every number
    came out the same.

    Raises:
        ValueError: it has no fewer problems, or differs; the message says in what.
    """
    count = len(part["questions_sha256"])
    if count >= len(known["questions_sha256"]):
        raise ValueError(
            f"a figure of {len(known['questions_sha256'])} problems is held against one of fewer, got {count}"
        )
    ours, theirs = _beginning(known, count, part["shots"]), _beginning(part, count, part["shots"])
    differing = [name for name in ours if ours[name] != theirs[name]]
    if differing:
        raise ValueError(f"the first {count} problems came out different in {', '.join(differing)}")
    return known | {
        "again": {"code": part["code"], "date": part["date"], "problems": count, "shots": list(part["shots"])}
    }


def _beginning(figure: dict[str, Any], count: int, shots: Iterable[str]) -> dict[str, Any]:
    """What does not hang on how many problems there were, and the numbers found in the answers to the first ones."""
    found = {
        f"{times} shots, {model}, {reading}": figure["shots"][times][model][reading]["found"].split()[:count]
        for times, model, reading in product(shots, MODELS, READINGS)
    }
    asked = {name: value for name, value in figure["asked"].items() if name != "problems"}
    same = {name: figure[name] for name in ("weights_sha256", "examples_sha256", "model_files")}
    return {"the problems": figure["questions_sha256"][:count], "how it was asked": asked, **same, **found}


def table(figure: dict[str, Any]) -> Iterable[str]:
    """Lines of Markdown: how many of the answers, with exact 95 % intervals, and what changed, by shots and reading."""
    yield "| shots | reading | whole | truncated | gained | lost | exact p |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    count = len(figure["questions_sha256"])
    for shots, reading in product(figure["shots"], (*READINGS, SILENT)):
        at = figure["shots"][shots]
        shares = (_share(at[model][reading], count) for model in MODELS)
        change = at["change"][reading]
        cells = (shots, reading, *shares, change["gained"], change["lost"], f"{change['p_value']:.2g}")
        yield "| " + " | ".join(map(str, cells)) + " |"


def _at(answers: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Both models' answers at one number of shots, by reading, and the change between them."""
    found: dict[str, Any] = {model: {name: _read(own, name) for name in READINGS} for model, own in answers.items()}
    judged = {
        name: [[answer["correct"][name] for answer in own] for own in answers.values()] for name in READINGS
    }  # fmt: skip
    judged[SILENT] = [[answer["found"]["flexible"] == NONE for answer in own] for own in answers.values()]
    for model, silent in zip(answers, judged[SILENT], strict=True):
        found[model][SILENT] = _counted(silent)
    changes = {name: paired(*both) for name, both in judged.items()}
    kept = ("gained", "lost", "p_value")
    return {**found, "change": {name: {key: getattr(one, key) for key in kept} for name, one in changes.items()}}


def _read(answers: list[dict[str, Any]], reading: str) -> dict[str, Any]:
    """The right answers; how many would be right on average if the answers were dealt to the problems at random; what
    was found, answer by answer."""
    dealt = sum(is_correct(one["found"][reading], other["expected"]) for one, other in product(answers, repeat=2))
    return {
        **_counted([answer["correct"][reading] for answer in answers]),
        "at_random": dealt / len(answers),
        "found": " ".join(answer["found"][reading] for answer in answers),
    }


def _counted(flags: list[bool]) -> dict[str, Any]:
    """The answers with a flag, by the number of their problem from 1, and the exact interval of their share."""
    flagged = [number for number, flag in enumerate(flags, 1) if flag]
    return {"which": flagged, "interval": list(share_interval(len(flagged), len(flags)))}


def _share(read: dict[str, Any], count: int) -> str:
    low, high = (f"{100 * end:.1f}" for end in read["interval"])
    return f"{len(read['which'])} of {count} ({low} to {high} %)"
