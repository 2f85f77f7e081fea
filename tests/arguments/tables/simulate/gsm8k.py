"""Rows of `simulate.gsm8k`."""

from pathlib import Path

from simulate.gsm8k import OWN
from simulate.gsm8k.results import READINGS
from tests.arguments.rows import Fresh, Table, of, row

ANY = ("nonsense", "empty")
UNREAD = ("an entry is an object",)
"""Where a model came from, which has no part in its accuracy."""


def results(truncation=None, model="EleutherAI/pythia-160m"):
    """One problem, answered with one shot."""
    answers = [{"correct": dict.fromkeys(READINGS, True)}]
    shots = {str(number): {"answers": answers} for number in (1, 2, 8)}
    configuration = {"problems": 1, "truncation": truncation}
    return {
        "source": {"model": model, "revision": None},
        "configuration": configuration,
        "model_files": {},
        "shots": shots,
    }


def file(name, **options) -> Path:
    """Of results."""
    from simulate.gsm8k import write_results
    from simulate.gsm8k.problems import MODELS

    write_results(Path(name), results(model=next(iter(MODELS)), **options))
    return Path(name)


RESULTS = {"results": Fresh(results), "shots": 1}

TABLE = Table(
    rows={
        "Prompting": of(row(seed=1, max_new_tokens=8, batch_size=2, stop=("\n",)), free={"stop": ("of str",)}),
        "accuracies": of(row(RESULTS), free={"results": UNREAD}),
        "accuracy": row(correct=[True, False]),
        "changes": of(
            row(before=Fresh(results), after=Fresh(results), shots=1), free={"before": UNREAD, "after": UNREAD}
        ),
        "comparable": row(
            before=Fresh(lambda: file("before.json")), after=Fresh(lambda: file("after.json", truncation="one"))
        ),
        "grid": row(),
        "is_correct": of(row(found="4", expected="4"), free={"found": ANY, "expected": ANY}),
        "number": of(row(text="1,000"), free={"text": ANY}),
        "paired": row(before=[True, False], after=[True, True]),
        "read_problems": of(row(path=OWN, split="examples"), free={"split": ("nonsense", "empty")}),
        "read_results": row(path=Fresh(lambda: file("results.json"))),
        "write_results": of(row(path=Path("written.json"), results=Fresh(results)), free={"path": ("nowhere",)}),
    },
    results=frozenset({"Accuracy", "Paired", "Problem", "Truncation"}),
)
