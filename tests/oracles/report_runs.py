"""Made-up runs for the tests of report and badges: claims of the ledger with verdicts of every kind."""

from dataclasses import replace

import pytest

pytest.importorskip("jinja2", reason="needs the extra report", exc_type=ModuleNotFoundError)
pytest.importorskip("latex2mathml", reason="needs the extra report", exc_type=ModuleNotFoundError)
pytest.importorskip("matplotlib", reason="needs the extra report", exc_type=ModuleNotFoundError)

from paper_checks.evidence import comparator
from paper_checks.evidence.run import ClaimRecord, Code, Run
from paper_checks.pictures.file import Picture, Table
from paper_checks.project import load_claims, own_ledger
from paper_checks.report.folder import asset_name, write_folder
from paper_checks.report.page import page
from paper_checks.report.pictures import Plan, draw_pictures
from paper_checks.report.views import Attached
from paper_checks.session.surroundings import origin
from simulate.runtime.files import write_json

COMPARISONS = 60
"""Of the claim that has more than the page shows."""

CODE = Code("paper_checks/test_x.py", 7, '@pytest.mark.claims("T1.1")\ndef test_it(claim):\n    assert 1 < 2 & "a"\n')


def agreeing(number=0):
    """An estimate of three numbers that agrees, with its seed."""
    errors = (0.001, 0.002, 0.001)
    values = [exact + 0.1 * number * error for exact, error in zip((2.0, 0.5, 1.0), errors, strict=True)]
    return comparator.estimate(f"mean {number}", (2.0, 0.5, 1.0), values, errors, 0.05, seed=100 + number, samples=50)


def wrong(name="too large"):
    """A comparison that disagrees."""
    return comparator.less(name, 2, 1)


def many():
    """More comparisons than the page shows, the last of which is wrong."""
    return [*(agreeing(number) for number in range(COMPARISONS - 1)), wrong()]


def trained():
    """Trainings of which enough are beyond a threshold once nine or more seeds were looked at, and their pilot."""
    pilot = [0.97 + 0.001 * number for number in range(15)] + [float("nan")]
    return comparator.replicated("accuracy", 0.9, +1, lambda n: [0.99, 0.2] + [0.99] * (n - 2), pilot=pilot, seed=3)


FOUND = {
    "T1.1": ("verified", [comparator.equal("exact", [1, 2], [1, 2]), agreeing(3)]),
    "T1.3": ("bounded", [comparator.less("inside", 1, 2), comparator.less("outside", 1, 2, side="beyond")]),
    "T1.6": ("refuted", [comparator.less("smaller N", 1, 2, side="counterexample"), comparator.less("rest", 1, 2)]),
    "T3.5": ("verified", [comparator.sign("K[P(q)]", -1, [-0.5, -0.1], [0.01, 0.01])]),
    "T4.1": ("failed", many()),
    "E1": ("verified", [trained()]),
    "P6": ("recorded", [comparator.rate("accuracy", 0.5, +1, [0.9] * 100)]),
}
"""Verdict and evidence by claim; all others are not run."""


def claim_record(name, verdict="not run", evidence=(), **changed):
    """What a run found about a claim of the ledger."""
    claim = load_claims()[name]
    reason = "no weights: see --model" if verdict == "not run" else ""
    recorded = "recorded on 2024-06-03, one GPU" if verdict == "recorded" else None
    found = ClaimRecord(
        claim.id, claim.group, claim.source, claim.statement, claim.formal, claim.scope,
        verdict, reason, recorded, 1.25, ["paper_checks/test_x.py::test_it"], [CODE] if evidence else [],
        list(evidence), list(claim.catches),
        title=claim.title, paper=claim.paper, found=claim.found, shown=claim.shown, limits=claim.limits,
        depends_on=claim.depends_on, theory=claim.theory, proof=claim.proof,
    )  # fmt: skip
    return replace(found, **changed)


def run_of(claims, **changed):
    """A run that found these claims."""
    design = {"false_alarm": 1e-6, "miss": 1e-3, "family": 4096, "critical_z": 6.4, "comparisons": 183,
              "training_false_alarm": 1e-3, "training_miss": 0.05, "training_family": 256, "trainings": 7}  # fmt: skip
    versions = {"python": "3.12.1", "numpy": "2.4.0"}
    found = Run(
        "2024-06-03T10:11:12+00:00", 7, "pytest paper_checks -m claims", "", "0" * 40, own_ledger().code_hash(),
        "Linux x86_64, 2 processors, no GPU", 83.0, versions, design, origin(own_ledger()), list(claims),
    )  # fmt: skip
    return replace(found, **changed)


def ledger_run():
    """A run of the whole ledger with all six verdicts."""
    return run_of(claim_record(name, *FOUND.get(name, ())) for name in load_claims())


def mixed_run():
    """A smaller run with all six verdicts, in five groups."""
    return run_of(claim_record(name, *FOUND.get(name, ())) for name in [*FOUND, "P1.pythia"])


def agreeing_run():
    """A small run without a failed claim."""
    return run_of(claim_record(name, *FOUND[name]) for name in ("T1.1", "E1"))


def small_run():
    """A small run with a failed claim and one that was not run."""
    return run_of([claim_record("T1.1", *FOUND["T1.1"]), claim_record("T1.2", "failed", [wrong()]), claim_record("B1")])


class Staircase(Picture):
    """A small picture whose height depends on the seed."""

    title = "Steps & <stairs>"
    caption = 'Made up "here".'
    contradictions = ("one step is too high",)

    def __init__(self, seed):
        self.steps = list(range(seed % 5 + 2))

    def description(self):
        return f"A staircase of {len(self.steps)} steps, each one as high as the one before it."

    def figure(self):
        figure = self.framed(2 + len(self.steps) / 8)
        figure.add_subplot().stairs(self.steps)
        return figure

    def table(self):
        return Table(("step", "height"), [(step, step) for step in self.steps])


PLANS = (
    Plan("stairs", ("T3.5", "P1.pythia"), ("T3.5",), Staircase),
    Plan("more-stairs", ("E1",), ("E1",), lambda seed: Staircase(seed + 1)),
    Plan("not-run", ("T1.1", "B3"), ("T1.1", "B3"), Staircase),
    Plan("broken", ("T1.1",), ("T1.1",), lambda seed: 1 / 0),
)
"""Pictures beside claims that were run, one of them also beside one that was not; one of a claim that was not run; one
that cannot be drawn."""


def write_report(folder, run, files=(), contents=None, troubles=(), derived=None, against=None):
    """The report of a run in a folder; returns its page."""
    record = b'{"made": "up"}'
    name = asset_name("claims.json", record)
    attached = Attached(files, derived or {})
    text = page(run, attached, f"assets/{name}", troubles, against)
    write_folder(folder, text, {**(contents or {}), name: record})
    return folder / "index.html"


def write_drawn(folder, run):
    """The report of a run with pictures."""
    drawn = draw_pictures(run, PLANS)
    return write_report(folder, run, drawn.files, drawn.contents, drawn.troubles)


def write_record(folder, run=None, change=None):
    """The record of a run as a file, with its dictionary changed in place."""
    content = (run or small_run()).as_dict()
    if change is not None:
        change(content)
    write_json(folder / "claims.json", content)
    return folder / "claims.json"


def contrast(one, other):
    """Contrast ratio of two colours, given as three numbers in 0..255 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
