"""A run written as a folder for people: its pictures, its page, its record, and tables of its comparisons."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from paper_checks.evidence.ledger import read_ledger
from paper_checks.evidence.run import Run
from paper_checks.evidence.trust import TrustRecord, every_trust, read_trust, trust_folder
from simulate.runtime.files import json_file

from .against import changes
from .comparisons import comparisons
from .folder import ASSETS, asset_name, write_folder
from .mathematics.derivation import Derivation, derivations
from .page import page
from .trust import ALARMS, Alarms, alarms_of
from .views import Attached

if TYPE_CHECKING:
    from .pictures import Plan

REPOSITORY = "REPOSITORY_URL"
"""The variable of the environment that names the repository on the web, as for the site of docs."""


def write_report(run: Run, folder: Path, pictures: str = "all", against: Run | None = None) -> list[str]:
    """Draw the pictures of the run's ledger, "all" or "none", and write the report, with what changed since the run
    `against`; returns what could not be drawn, and why.

    Raises:
        OSError, ValueError: as `write_folder`, and with pictures as `read_ledger`.
    """
    from .pictures import draw_pictures

    drawn = draw_pictures(run, _plans(run) if pictures == "all" else ())
    record = json_file(run.as_dict())
    name = asset_name("claims.json", record)
    tables = {claim.id: comparisons(claim) for claim in run.claims if claim.evidence}
    names = {claim: asset_name(f"{_stem(claim)}.csv", content) for claim, content in tables.items()}
    derived, note = _derived(run)
    measured, why = _alarms(run)
    paths = {claim: f"{ASSETS}/{name}" for claim, name in names.items()}
    records, wrong = _measured(run)
    attached = Attached(drawn.files, derived, paths, _files(run.commit), measured, records)
    told = changes(against, run) if against else None
    content = page(run, attached, f"{ASSETS}/{name}", [*drawn.troubles, *note, *why, *wrong], told)
    files = {names[claim]: table for claim, table in tables.items()}
    write_folder(folder, content, {**drawn.contents, **files, name: record})
    return drawn.troubles


def _files(commit: str) -> str:
    """Where the files of a commit are on the web, if the environment names the repository; of a checkout with changes
    they are not there."""
    address = os.environ.get(REPOSITORY, "")
    is_there = re.fullmatch(r"https://[\w./~-]+", address) and re.fullmatch(r"[0-9a-f]{40}", commit)
    return f"{address.rstrip('/')}/blob/{commit}" if is_there else ""


def _stem(claim: str) -> str:
    """The name of a claim's file of comparisons; ids differ in more than case and signs."""
    return "comparisons-" + "".join(one if one.isalnum() and one.isascii() else "-" for one in claim.lower())


def _derived(run: Run) -> tuple[Mapping[str, Sequence[Derivation]], list[str]]:
    """The derivations of each claim, and why there are none: they are those of the code at hand, which must be the
    run's. Their names are the ledger's, whatever the record says: a name is imported."""
    if not any(claim.theory for claim in run.claims):
        return {}, []
    try:
        ledger = read_ledger(Path(run.project.ledger))
        if run.code != ledger.code_hash():
            return {}, ["derivations: the code at hand is not that of the run"]
        root = (ledger.folder / ledger.project.root).resolve()
        known = [ledger.claims[claim.id] for claim in run.claims if claim.id in ledger.claims]
        return {claim.id: derivations(claim.theory, claim.proof, root) for claim in known if claim.theory}, []
    except (ValueError, LookupError) as error:
        return {}, [f"derivations: {error}"]


def _alarms(run: Run) -> tuple[Alarms | None, list[str]]:
    """The false alarms that were measured of the run's ledger, None if none were, and why they cannot be said."""
    try:
        found = read_trust(ALARMS, trust_folder(run))
        return (None if found is None else alarms_of(found)), []
    except (OSError, ValueError) as error:
        return None, [f"false alarms: {error}"]


def _measured(run: Run) -> tuple[list[TrustRecord], list[str]]:
    """What was measured of the suite of the run's ledger, and why it cannot be said."""
    try:
        return every_trust(trust_folder(run)), []
    except (OSError, ValueError) as error:
        return [], [f"records of trust: {error}"]


def _plans(run: Run) -> "Sequence[Plan]":
    module = read_ledger(Path(run.project.ledger)).project.pictures
    return () if module is None else import_module(module).PLANS
