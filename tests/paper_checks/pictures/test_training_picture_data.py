"""The numbers of the pictures of training, apart from the drawing: the claims' trainings, the ledger's thresholds."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from paper_checks.claims.b import test_birth_trainings as test_b_training
from paper_checks.claims.e import test_low_rank as test_e_low_rank
from paper_checks.claims.e import test_training as test_e_training
from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments.trainings import birth as birth_experiments
from paper_checks.experiments.trainings import measured, replicates, statements
from paper_checks.experiments.trainings import settings as recall_settings
from paper_checks.experiments.trainings.changes import Cut
from paper_checks.experiments.trainings.runs import train_observed
from paper_checks.experiments.trainings.settings import birth, desk, seeds
from paper_checks.jobs.runner import Here, running
from paper_checks.pictures import training_data as data
from paper_checks.project import load_claims
from tests.oracles.picture_commands import command
from tests.oracles.training_numbers import birth_run, recall_run, shown, truncation

main = command("draw", "training")


@pytest.fixture
def tiny(monkeypatch):
    """Trainings of 50 updates on batches of 4, in this process, tested on 40 sequences."""
    small = {"batch": 4, "steps": 50}
    monkeypatch.setattr(recall_settings, "WATCHED", 20)
    monkeypatch.setattr(recall_settings, "FAST", recall_settings.SGD)
    for name in ("desk", "birth", "no_feed_forward"):
        whole = getattr(data, name)
        monkeypatch.setattr(data, name, lambda *a, whole=whole, **options: replace(whole(*a, **options), **small))
    monkeypatch.setattr(measured, "TESTED", 40)
    with running(Here()):
        yield


@pytest.fixture
def asked(monkeypatch):
    """The jobs that were to be trained."""
    jobs = []

    def stop(given, device="cpu"):
        jobs.extend(train_observed.of(one).identity for one in given)
        raise KeyboardInterrupt

    for module in (birth_experiments, replicates):
        monkeypatch.setattr(module, "trained", stop)
    return jobs


@pytest.mark.parametrize(("alpha", "triggers", "steps"), [(0.5, 1, 600), (0.5, 5, 600), (0.3, 1, 300), (0.9, 2, 200)])
def test_curves_are_of_the_trainings_of_the_claims(asked, tmp_path, alpha, triggers, steps):
    words = ["curves", "--alpha", str(alpha), "--triggers", str(triggers), "--seeds", "2", "--seed", "7"]
    assert main([*words, "--out", str(tmp_path / "curves.svg")]) == 130
    assert asked == identities(desk(alpha, triggers, steps), seeds(7, "two-layer", 2))


def test_ranks_and_probes_are_of_the_trainings_of_the_claims(asked, tmp_path):
    for name in ("ranks", "probes"):
        assert main([name, "--seeds", "2", "--out", str(tmp_path / "picture.svg")]) == 130
    first = identities(desk(), seeds(DEFAULT_SEED, "two-layer", 2))  # then those without layers
    assert asked == first + identities(birth("desk"), seeds(DEFAULT_SEED, "birth", 2))  # then those of the other loss


def identities(setting, chosen):
    return [train_observed.of(setting.job(seed)).identity for seed in chosen]


def test_truncations_of_tiny_trainings(tiny, monkeypatch):
    """Top and bottom parts at the ends of the axis are the model itself and that without the matrix."""
    monkeypatch.setattr(data, "RANKS", (0, 1, 48))
    panels = data.truncations(3, 2)
    runs = panels[0].runs
    assert [run.seed for run in runs] == seeds(3, "two-layer", 2) and panels[1].runs is runs
    assert all(run.observed.training.architecture.F2 is None for run in panels[2].runs)
    whole = replicates.answer_means(runs)
    less = replicates.answer_means(runs, Cut("F2.w2", 47, "bottom"))
    assert [panel.matrix for panel in panels] == list(data.MATRICES)
    for panel in panels:
        for name in ("noise", "correct"):
            kept, removed = panel.kept[name], panel.removed[name]
            assert kept.shape == removed.shape == (2, 3)
            assert kept[:, 0] == pytest.approx(removed[:, 2], rel=1e-6)
            assert kept[:, 2] == pytest.approx(removed[:, 0], rel=1e-6)
            if panel.matrix != "W_OV2":
                assert kept[:, 2] == pytest.approx(whole[name], rel=1e-6)
    for name in ("noise", "correct"):
        assert panels[0].kept[name][:, 0] == pytest.approx(panels[1].kept[name][:, 0], rel=1e-6)  # no F2 either way
        assert panels[1].removed[name][:, 1] == pytest.approx(less[name], rel=1e-6)


@pytest.mark.parametrize("name", ["curves", "probes"])
def test_tiny_trainings_contradict_the_ledger(tiny, tmp_path, capsys, name):
    """Nothing is recalled after 50 updates; the picture is the same in every run."""
    outs = [tmp_path / f"{run}.svg" for run in "ab"]
    assert [main([name, "--seeds", "2", "--out", str(out)]) for out in outs] == [1, 1]
    found = capsys.readouterr().err
    assert re.search(r"^(E1|B4): recall at the end: .*; on 2 of 2 seeds not above 0\.", found, flags=re.MULTILINE)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_diverged_training_is_one_line(tmp_path, monkeypatch, capsys):
    def diverged(jobs, device):
        raise FloatingPointError("loss is nan at step 7, learning rate 0.03")

    monkeypatch.setattr(birth_experiments, "trained", diverged)
    assert main(["probes", "--out", str(tmp_path / "probes.svg")]) == 2 and not list(tmp_path.iterdir())
    said = "paper-checks draw training probes: error: loss is nan at step 7, learning rate 0.03\n"
    assert capsys.readouterr().err == said


class Heard:
    """Takes the place of a check's assertions, and keeps what it says."""

    base_seed = 1

    def __init__(self, claim):
        self.claim, self.rule, self.said = claim, load_claims()[claim].rule, []

    def replicated(self, name, threshold, expected, values, **details):
        numbers = values(3) if callable(values) else values
        self.said.append((self.claim, threshold, expected, np.asarray(numbers, dtype=float).tolist()))


def told(held, *claims):
    found = [(*one[:3], np.asarray(one.values, dtype=float).tolist()) for one in held if one.claim in claims]
    return sorted(found)


@pytest.mark.parametrize(
    ("claim", "checks"),
    [
        ("E1", [test_e_training.test_noise_is_learned_first]),
        ("E2", [test_e_training.test_dropping_the_last_layer]),
        ("E4", [test_e_training.test_second_attention]),
        ("E5", [test_e_training.test_first_attention]),
        ("E3", [test_e_low_rank.test_truncating_the_input_matrix, test_e_low_rank.test_truncating_the_output_matrix]),
        ("E6", [test_e_low_rank.test_rank_without_feed_forward_layers]),
    ],
)
def test_statements_of_the_pictures_are_those_of_the_checks(monkeypatch, claim, checks):
    runs = shown()["curves"].runs
    monkeypatch.setattr(replicates, "replicates", lambda base_seed, setting, count, later: runs[:count])
    listener = Heard(claim)
    for check in checks:
        check(listener)
    numbers = shown()
    held = [*numbers["curves"].held(), *(one for panel in numbers["ranks"] for one in panel.held())]
    assert told(held, claim) == sorted(listener.said)


def test_numbers_of_b4_and_b5_are_those_of_the_checks(monkeypatch):
    runs = shown()["probes"].runs
    first, second = Heard("B4"), Heard("B5")
    monkeypatch.setattr(birth_experiments, "runs", lambda claim, setting, count, device: runs[setting.loss_on][:count])
    test_b_training.test_bigrams_before_recall(first, "desk", "cpu")
    for loss_on in ("every", "recall"):
        test_b_training.test_memories_rise_in_order(second, "desk", "cpu", loss_on)
    assert told(shown()["probes"].held(), "B4", "B5") == sorted(first.said + second.said)


@pytest.mark.parametrize("matrix", data.MATRICES)
def test_numbers_of_e3_and_e6(matrix):
    """Shares of P(τ) of the whole model, which is where no direction is removed; its curve is in the evidence."""
    panel = truncation(matrix)
    noise, whole = dict(zip(panel.ranks, panel.kept["noise"].T, strict=True)), panel.removed["noise"][:, 0]
    less, correct = panel.removed["noise"][:, 1], panel.removed["correct"][:, 1]
    w1 = {"input_rank_1": noise[1] / whole, "input_half": noise[24] / whole - 1, "input_without_top": less / whole}
    w2 = {"output_rank_1": noise[1], "output_left": less / whole, "output_gain": correct - 0.45}
    values = {"recall_rank_1": np.full(3, 0.2), "noise_rank_N": abs(noise[12] / whole - 1)}
    found = {one.threshold: one.values for one in panel.held()}
    for name, expected in {"F2.w1": w1, "F2.w2": w2, "W_OV2": values}[matrix].items():
        assert found[name] == pytest.approx(expected, abs=1e-12)
    curve = statements.curve_of(matrix, panel.runs)
    for rank in replicates.RANKS:
        kept, removed = noise[rank] / whole, panel.removed["noise"][:, panel.ranks.index(rank)] / whole
        assert curve[str(rank)] == pytest.approx([np.median(kept), min(kept), max(kept)])
        assert curve[f"-{rank}"] == pytest.approx([np.median(removed), min(removed), max(removed)])


@pytest.mark.parametrize(("row", "expected"), [([1, 2, 3], 1), ([3, 2, 1], -1), ([1, 3, 2], 1 / 3), ([1, 1, 1], 0)])
def test_concordance_is_kendalls(row, expected):
    assert statements.concordance(np.array(row)) == pytest.approx(expected)
    if expected:
        assert statements.concordance(np.array(row)) == pytest.approx(kendalltau(range(3), row).statistic)


@pytest.mark.parametrize(
    ("alpha", "triggers", "thresholds"),
    [
        (0.3, 1, {"level", "noise_ahead", "recall_at_50", "law"}),
        (0.1, 1, {"level", "noise_ahead", "correct_ahead", "law"}),
        (0.75, 1, set()),
        (0.9, 1, {"level", "noise_ahead", "recall_at_50"}),
        (
            0.5,
            2,
            {"level", "noise_ahead", "recall_at_100", "recall_at_400", "noise_without_F2", "on_correct", "on_noise"},
        ),
        (0.5, 3, set()),
        (0.3, 2, set()),
    ],
)
def test_other_levels_and_triggers_are_held_against_their_claims(alpha, triggers, thresholds):
    held = data.RecallCurves(alpha, triggers, [recall_run()]).held()
    assert {one.threshold for one in held} == thresholds
    assert {one.claim for one in held} == ({"E7" if triggers == 1 else "E8"} if thresholds else set())
    assert all(one.threshold in load_claims()[one.claim].rule.thresholds for one in held)
    settled = [one.values for one in held if one.threshold == "level"]
    assert all(values.tolist() == pytest.approx([abs(0.5 - alpha)]) for values in settled)


def test_every_number_by_hand_is_on_its_side_and_no_further():
    """Mirrored at its threshold, each is the one contradiction."""
    numbers = shown()
    held = [*numbers["curves"].held(), *(one for panel in numbers["ranks"] for one in panel.held())]
    held += numbers["probes"].held()
    assert data.contradictions(held) == []
    for one in held:
        limit = load_claims()[one.claim].rule.thresholds[one.threshold]
        (found,) = data.contradictions([one._replace(values=2 * limit - np.asarray(one.values))])
        assert found.startswith(f"{one.claim}: {one.name}: ")
        assert found.endswith(f"; on 3 of 3 seeds not {'above' if one.side > 0 else 'below'} {limit:g}")


@pytest.mark.parametrize(
    ("values", "wrong"),
    [([1.0], 0), ([0.8], 1), ([1.0, 0.8], 0), ([1.0, 0.8, 0.7], 2), ([np.inf], 1), ([np.nan, np.inf, 1.0], 2)],
)
def test_most_seeds_contradict(values, wrong):
    """On the threshold, 0.8, and not finite are wrong."""
    found = data.contradictions([data.Held("E1", "recall_at_end", +1, "recall", values)])
    assert [f"on {wrong} of {len(values)} seeds" in line for line in found] == [True] * bool(wrong)


def test_a_claim_without_a_rule_has_no_thresholds():
    with pytest.raises(ValueError, match=r"claim T1\.1 has no rule in the ledger"):
        data.thresholds("T1.1")


def test_recall_that_never_comes_is_a_contradiction_not_a_warning():
    flat = recall_run()
    for seen in flat.history:
        seen["recall"] = seen["noise"] = 0.1
    wrong = data.contradictions(data.RecallCurves(0.5, 1, [flat]).held())
    assert "E1: log of the step of recall 0.8 over the step of P(τ) 0.4: nan; on 1 of 1 seeds not above 3" in wrong
    unborn = birth_run("every")
    for seen in unborn.history:
        seen["W_O2"] = seen["W_K2"] = seen["W_K1"] = 0.1
    wrong = data.contradictions(data.ProbeCurves({"every": [unborn], "recall": [birth_run("recall")]}).held())
    assert "B5: log of updates, W_K¹ over W_O² half-way, loss on every: nan; on 1 of 1 seeds not above 0.6" in wrong
