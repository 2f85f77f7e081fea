"""A record of other code stands where the code at hand gives its first numbers again, bit for bit, and only there."""

import math
from types import SimpleNamespace

import pytest

from paper_checks.claims.e import test_paper_scale as paper_checks
from paper_checks.experiments.trainings import paper_scale
from paper_checks.experiments.trainings.paper_scale import train_and_test
from paper_checks.project import own_ledger
from tests.paper_checks.evidence.test_recorded import HISTORY, claim, record, small


@pytest.mark.parametrize("is_same", [True, False])
def test_other_code_that_gives_the_first_updates_again_may_use_a_record(monkeypatch, tmp_path, is_same):
    """To the last bit of every number, or the record stays what it was."""
    kept = record(code="0" * 64)
    again = [dict(seen) for seen in HISTORY if seen["step"] <= paper_scale.REPLAYED]
    if not is_same:
        again[-1]["noise"] = math.nextafter(again[-1]["noise"], 1.0)
    written = []
    monkeypatch.setattr(paper_checks, "replayed", lambda run, device: again)
    monkeypatch.setattr(paper_checks.recorded, "read_record", lambda *given: kept)
    monkeypatch.setattr(paper_checks.recorded, "write_record", lambda found, folder: written.append(found))
    if is_same:
        paper_checks.test_paper_size(claim(), "replay", "cpu", SimpleNamespace(rootpath=tmp_path))
        assert [one.is_of(own_ledger().recorded_hash()) for one in (kept, *written)] == [False, True]
        assert written[0].is_of(kept.code) and "its first 20 updates by" in paper_checks.described(written[0])
    else:
        with pytest.raises(AssertionError, match="again"):
            paper_checks.test_paper_size(claim(), "replay", "cpu", SimpleNamespace(rootpath=tmp_path))
        assert written == []


def test_what_is_made_again_is_the_beginning_of_a_training(monkeypatch, tmp_path):
    """Of a small model: the observations up to the update asked for, bit for bit."""
    monkeypatch.setattr(paper_scale, "paper_training", lambda seed, products: small(seed, steps=9, products=products))
    (whole,) = train_and_test([small(3, steps=9)], "cpu", tmp_path)
    again = paper_scale.replayed(whole, "cpu", updates=5)
    assert again == [seen for seen in whole["history"] if seen["step"] <= 5] and len(again) == 6
    with pytest.raises(AssertionError):
        assert again == paper_scale.replayed(whole | {"watched": 1}, "cpu", updates=5)
