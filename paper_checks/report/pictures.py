"""The pictures of a report, drawn with the run's seed; trainings and sweeps are jobs, and those kept not made anew."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple
from xml.etree import ElementTree

from paper_checks.evidence.run import Run
from paper_checks.jobs import local_if_none
from paper_checks.pictures.file import Picture
from paper_checks.project import rule_of
from simulate.runtime.streaming import progress_bar

from .folder import asset_name
from .views import PictureFile

SCOPES = ("T1.3", "T1.6", "T2.5", "T3.3", "T3.4", "T3.6", "G2", "G5")
"""Claims beside which a map of where they hold stands, besides the pictures that they share with others."""

# What draws a picture is imported when it is drawn: some of it needs extras that the claims in question need too.


def _phase(seed: int) -> Any:
    from paper_checks.pictures.phase.data import phase_diagram

    return phase_diagram(16, 256, depth=8, points=6, samples=20_000, seed=seed)


def _spectrum(seed: int) -> Picture:
    from paper_checks.pictures.memory import SpectrumPicture
    from paper_checks.pictures.memory_data import all_curves

    alpha = Fraction(3, 10)
    return SpectrumPicture(alpha, all_curves(alpha))


def _top_space(seed: int) -> Picture:
    from paper_checks.pictures.memory import MapPicture
    from paper_checks.pictures.memory_data import row

    return MapPicture([row(n) for n in range(2, 11)])


def _steps(seed: int) -> Picture:
    from paper_checks.pictures.memory_data import three_steps
    from paper_checks.pictures.steps import StepsPicture
    from theory.birth.three_steps import InductionTask

    samples = 2**15
    steps = three_steps(InductionTask(20, 16), "E1+E", 0, samples, seed, lambda: None)
    return StepsPicture(steps, samples, seed)


def _curves(seed: int) -> Picture:
    from paper_checks.pictures.training import CurvesPicture
    from paper_checks.pictures.training_data import recall_curves

    return CurvesPicture(recall_curves(0.5, 1, seed, rule_of("E1").seeds))


def _ranks(seed: int) -> Picture:
    from paper_checks.pictures.training import RanksPicture
    from paper_checks.pictures.training_data import truncations

    return RanksPicture(truncations(seed, rule_of("E3").seeds))


def _probes(seed: int) -> Picture:
    from paper_checks.pictures.training import ProbesPicture
    from paper_checks.pictures.training_data import probe_curves

    return ProbesPicture(probe_curves(seed, rule_of("B5").seeds))


def _sweep(name: str) -> Callable[[int], Picture]:
    def draw(seed: int) -> Picture:
        from paper_checks.pictures.language.data import swept_pocket
        from paper_checks.pictures.language.sweep import SweepPicture

        return SweepPicture(swept_pocket(name, seed))

    return draw


def _beside(seed: int) -> Picture:
    from paper_checks.pictures.language.beside import BesidePicture
    from paper_checks.pictures.language.beside_data import pocket_side, smollm2_side

    return BesidePicture([pocket_side(seed), smollm2_side(seed)])


def _checkpoints(seed: int) -> Picture:
    from paper_checks.pictures.language.checkpoints import CheckpointsPicture
    from paper_checks.pictures.language.data import pocket_checkpoints

    return CheckpointsPicture(pocket_checkpoints(seed))


def _tokens(seed: int) -> Picture:
    from paper_checks.pictures.general.tokens import TokensPicture
    from paper_checks.pictures.general.tokens_data import REFERENCE, panel

    return TokensPicture([panel(Fraction(share), REFERENCE, 256) for share in ("0", "1/2", "1")])


def _scope(claim: str) -> Callable[[int], Picture]:
    def draw(seed: int) -> Picture:
        from paper_checks.scope.claims import default_map
        from paper_checks.scope.picture import ScopePicture

        return ScopePicture(default_map(claim))

    return draw


class Plan(NamedTuple):
    """A picture, the claims beside which it stands, and those whose runs it is made of: all of `needs`."""

    name: str
    claims: Sequence[str]
    needs: Sequence[str]
    draw: Callable[[int], Any]


PLANS = (
    Plan("phase", ("T3.2", "T3.3", "T3.4", "T3.5"), ("T3.5",), _phase),
    Plan("singular-values", ("T4.1", "T4.2"), ("T4.2",), _spectrum),
    Plan("top-space", ("T4.3", "T4.4"), ("T4.4",), _top_space),
    Plan("three-steps", ("B3",), ("B3",), _steps),
    Plan("curves", ("E1", "E2", "E4", "E5"), ("E1",), _curves),
    Plan("ranks", ("E3", "E6"), ("E3", "E6"), _ranks),
    Plan("probes", ("B4", "B5"), ("B5",), _probes),
    Plan("sweep-recall", ("P4", "P5"), ("P4",), _sweep("recall")),
    Plan("sweep-facts", ("P4", "P5"), ("P4",), _sweep("facts")),
    Plan("beside", ("P4.smollm2", "P5.smollm2"), ("P4.smollm2",), _beside),
    Plan("checkpoints", ("P3",), ("P3",), _checkpoints),
    Plan("tokens", ("G5",), ("G5",), _tokens),
    *(Plan(f"scope-{claim.lower().replace('.', '-')}", (claim,), (claim,), _scope(claim)) for claim in SCOPES),
)


@dataclass(frozen=True)
class Pictures:
    """The pictures of a report, the contents of their files and of those of their numbers by name, and why others could
    not be drawn."""

    files: list[PictureFile]
    contents: Mapping[str, bytes]
    troubles: list[str]


def draw_pictures(run: Run, plans: Sequence[Plan] = PLANS) -> Pictures:
    """Draw every picture whose claims were run, with the run's base seed.

    A picture that cannot be drawn leaves the rest of the report as it is: `troubles` says why.
    """
    ran = {claim.id for claim in run.claims if claim.verdict != "not run"}
    wanted = [plan for plan in plans if set(plan.needs) <= ran]
    files: list[PictureFile] = []
    contents: dict[str, bytes] = {}
    troubles: list[str] = []
    with local_if_none(), progress_bar(len(wanted), len(wanted), None, "pictures", long=1) as advance:
        for plan in wanted:
            try:
                file, made = _drawn(plan, run.seed)
            except Exception as error:  # whatever it is, the numbers of the run are not lost for it
                troubles.append(f"picture {plan.name}: {type(error).__name__}: {error}")
            else:
                files.append(file)
                contents |= made
            advance(1)
    return Pictures(files, contents, troubles)


def _drawn(plan: Plan, seed: int) -> tuple[PictureFile, dict[str, bytes]]:
    shown = plan.draw(seed)
    content, numbers = shown.render("svg"), shown.table().csv()
    alt = f"{shown.title}. {shown.description()} {shown.caption}"
    name, data = asset_name(f"{plan.name}.svg", content), asset_name(f"{plan.name}.csv", numbers)
    file = PictureFile(name, plan.claims, shown.title, alt, *size(content), tuple(shown.contradictions), data)
    return file, {name: content, data: numbers}


def size(svg: bytes) -> tuple[int, int]:
    """Width and height of an SVG in CSS pixels, from its viewBox in points."""
    _, _, width, height = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split())
    return math.ceil(width * 4 / 3), math.ceil(height * 4 / 3)
