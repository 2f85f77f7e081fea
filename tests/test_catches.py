"""What the ledger says that a claim of B, E or G catches is what the tables of the mutants have, and nothing else."""

from paper_checks.project import load_claims
from tests.mutants import test_birth as birth
from tests.mutants import test_two_layer as two_layer
from tests.mutants import test_variations as variations
from tests.mutants.general import test_trainings_on_laws as on_laws

TABLES = (two_layer.CAUGHT, birth.CAUGHT, variations.CAUGHT, on_laws.CAUGHT)


def test_the_ledger_has_the_tables_and_no_more():
    caught = {claim: set(names) for table in TABLES for claim, names in table.items()}
    assert len(caught) == sum(map(len, TABLES))  # no claim in two tables
    claims = [claim for claim in load_claims().values() if claim.group in ("B", "E", "G")]
    assert {claim.id: set(claim.catches) for claim in claims if claim.catches} == caught


def test_every_training_claim_catches_something():
    assert all(names for table in TABLES for names in table.values())
