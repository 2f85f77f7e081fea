"""P on SmolLM2: choosing on one half and reporting on the other, the checks on made-up numbers, and wrong ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.named import has_language
from paper_checks.project import load_claims, own_ledger

if not has_language():
    pytest.skip("needs the extra language", allow_module_level=True)

from paper_checks.claims.p import test_smollm2 as checks
from paper_checks.experiments.language import best_cell
from paper_checks.experiments.pretrained import found, jobs, splits, statements
from paper_checks.experiments.rise import CLAIMED
from simulate.laser.sweeps import Cell, Sweep
from simulate.prompts.sets import Prompt
from simulate.prompts.tokens import Readings

CLUSTERS, SEED = 70, 5


def prompts(per_cluster=2):
    return tuple(
        Prompt(f"{cluster} {number}", " a", " b", "", cluster=str(cluster))
        for cluster in range(CLUSTERS)
        for number in range(per_cluster)
    )


def readings(answer, generic):
    ones = np.ones(len(answer))
    return Readings(answer, generic, ones, 3 * ones, np.zeros(len(answer)))


def noise(draw, count, size):
    return draw.normal(0, size, count)


def no_effect(count, cells, per_cluster=2):
    """Cells whose effect is noise alone, the same for the prompts of one cluster."""
    draw = np.random.default_rng(count)
    whole = readings(*(np.full(CLUSTERS * per_cluster, 0.3) for _ in range(2)))
    made = {}
    for cell in cells:
        rise, fall = (np.repeat(noise(draw, CLUSTERS, 0.05), per_cluster) for _ in range(2))
        made[cell] = {"facts": readings(0.3 + rise, 0.3 - fall)}
    return Sweep({"facts": whole}, made)


def test_what_is_chosen_on_the_other_half_is_not_biased():
    """Of 100 cells of pure noise the best one, where it was chosen, has an effect of several standard errors; reported
    on the other half its mean over 40 sweeps is none. Choosing on the half that reports is the mutant."""
    cells, places = jobs.late_cells()[:100], prompts()
    honest, biased = [], []
    for number in range(40):
        made = no_effect(number, cells)
        halves = splits.splits(places, "facts", number)[:1]
        honest.append(splits.reported(made, cells, "facts", halves)[0].changes["answer"].mean())
        swapped = [(second, first) for first, second in halves]
        first, second = swapped[0]
        same = [made.change(best_cell(made, cells, "facts", half), "facts", "answer", half) for half in (first, second)]
        biased.append(np.concatenate(same).mean())
    error = np.std(honest, ddof=1) / 40**0.5
    assert abs(np.mean(honest)) < 4 * error < np.mean(biased) / 2


def test_splits_are_whole_clusters_fixed_by_the_seed():
    places = prompts()
    found_splits = splits.splits(places, "facts", SEED)
    assert len(found_splits) == splits.SPLITS == 5
    again, other = splits.splits(places, "facts", SEED), splits.splits(places, "facts", SEED + 1)
    for (first, second), pair in zip(found_splits, again, strict=True):
        assert sorted([*first, *second]) == list(range(len(places)))
        assert not {places[one].cluster for one in first} & {places[one].cluster for one in second}
        assert np.array_equal(first, pair[0]) and np.array_equal(second, pair[1])
    assert len({tuple(first) for first, _ in (*found_splits, *other)}) == 10


def test_odds_are_logarithms_of_the_two_probabilities():
    """From 0.25 and 0.5 to 0.75 and 0.125: log 6 - log 1/2 = log 12; the mean over splits is prompt by prompt."""
    cell = Cell(1, "mlp_up", 1)
    whole, after = readings(np.array([0.25]), np.array([0.5])), readings(np.array([0.75]), np.array([0.125]))
    found_change = splits.change(Sweep({"facts": whole}, {cell: {"facts": after}}), cell, "facts", "odds")
    assert found_change == pytest.approx(np.log(12), rel=1e-15)
    several = [splits.Reported((cell, cell), {"odds": np.array(one)}) for one in ([1.0, 2.0], [3.0, 8.0])]
    assert found.On("facts", SEED, None, None).over_splits(several)["odds"].tolist() == [2.0, 5.0]


EFFECTS = {  # change of P(answer) and of P("the") by set, about what the pilot has
    statements.HELPS["recall"]: {"recall": (0.25, -0.13)},
    statements.HELPS["facts"]: {"facts": (0.12, -0.19)},
    statements.GONE: {"facts": (0.07, -0.18)},
    statements.ATTENDS["recall"]: {"recall": (0.2, -0.1)},
    statements.ATTENDS["facts"]: {"facts": (0.07, -0.08)},
} | {cell: {"recall": (-0.2, 0.1)} for cell in statements.BREAKS}


def numbers(effects=EFFECTS):
    """A sweep of all cells with these effects, and none elsewhere, with some spread over clusters."""
    draw, count = np.random.default_rng(3), len(prompts())
    before = {name: readings(np.full(count, 0.25), np.full(count, 0.25)) for name in CLAIMED}
    made = {}
    for cell in jobs.late_cells():
        made[cell] = {}
        for name in CLAIMED:
            rise, change = effects.get(cell, {}).get(name, (0.0, 0.0))
            spread = np.repeat(draw.uniform(0.9, 1.1, CLUSTERS), 2)
            made[cell][name] = readings(0.25 + rise * spread, 0.25 + change * spread)
    return Sweep(before, made)


def told(claim, check, made, name=None, monkeypatch=None):
    """Run a check on a sweep; its assertions."""
    places, whole = prompts(), made.whole["recall"]
    known = jobs.Baseline(places, 0, whole, np.arange(len(places)), np.arange(len(places)))
    asked = SimpleNamespace(**vars(found))
    asked.on = lambda base_seed, name: found.On(name, base_seed, made, known)
    assertions = Assertions(claim, SEED, [], own_ledger())
    check(assertions, asked, **({} if name is None else {"name": name}))
    return assertions


P4 = [(checks.test_smollm2_mlp_matrices_of_the_pilot, name) for name in CLAIMED]
P4 += [(checks.test_smollm2_best_mlp_matrix_of_the_other_half, name) for name in CLAIMED]
P4 += [(checks.test_smollm2_last_layer_breaks, None)]
P5 = [(checks.test_smollm2_attention_helps_as_well, name) for name in CLAIMED]
P5 += [(checks.test_smollm2_attention_lowers_the_less_on_facts, None)]


@pytest.mark.parametrize(("check", "name"), P4)
def test_p4_holds_on_numbers_like_the_pilots(check, name):
    assert all(one.passed for one in told("P4.smollm2", check, numbers(), name).evidence)


@pytest.mark.parametrize(("check", "name"), P5)
def test_p5_holds_on_numbers_like_the_pilots(check, name):
    assert all(one.passed for one in told("P5.smollm2", check, numbers(), name).evidence)


def exchanged(made):
    """The answer for "the"."""
    other = lambda one: readings(one.distributional, one.answer)  # noqa: E731
    return Sweep(
        {name: other(one) for name, one in made.whole.items()},
        {cell: {name: other(one) for name, one in sets.items()} for cell, sets in made.cells.items()},
    )


def of_other_cells(change):
    """Every cell has the numbers of another one."""
    return lambda made: Sweep(made.whole, {cell: made.cells[change(cell)] for cell in made.cells})


def gate_for_up(cell):
    """What the gate does: nothing, in these numbers."""
    level = {"rank": cell.rank, "fraction": cell.fraction, "without": cell.without}
    return Cell(cell.layer, "mlp_gate", **level) if cell.role == "mlp_up" else cell


def kept_for_lost(cell):
    """The top directions alone in place of what is left without them: as a low rank."""
    return Cell(cell.layer, cell.role, fraction=0.1) if cell.without else cell


def feed_forward_for_attention(cell):
    level = {"rank": cell.rank, "fraction": cell.fraction, "without": cell.without}
    return Cell(cell.layer, "mlp_in", **level) if cell.role == "attention_qkv" else cell


MUTANTS = {
    # Exchanged, what breaks recall would be the best that helps it: that search alone is green.
    'answer and " the" exchanged': (exchanged, {"P4.smollm2": P4[:2] + P4[3:], "P5.smollm2": P5[:2]}),
    "no truncation": (lambda made: numbers({}), {"P4.smollm2": P4, "P5.smollm2": P5[:2]}),
    "gate for up": (of_other_cells(gate_for_up), {"P4.smollm2": P4[:2]}),
    "rank for what is left without it": (of_other_cells(kept_for_lost), {"P4.smollm2": P4[:1]}),
    "feed-forward for attention": (of_other_cells(feed_forward_for_attention), {"P5.smollm2": P5[:2]}),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_experiment_turns_the_claim_red(mutant):
    wrong, caught = MUTANTS[mutant]
    for claim, several in caught.items():
        for check, name in several:
            with pytest.raises(AssertionError, match=claim):
                told(claim, check, wrong(numbers()), name)


@pytest.mark.parametrize("claim", ["P1.smollm2", "P2.smollm2"])
def test_an_exchanged_distractor_turns_p1_and_p2_red(claim):
    name = {"P1.smollm2": "recall", "P2.smollm2": "facts"}[claim]
    count, places = len(prompts()), prompts()
    draw = np.random.default_rng(1)

    def heard(difference):
        one = Readings(np.full(count, 0.2), np.full(count, 0.3), np.ones(count), difference, np.ones(count))
        known = jobs.Baseline(places, 0, one, np.arange(count - 8), np.arange(4))
        asked = SimpleNamespace(**vars(found))
        asked.baseline = lambda base_seed, name: known
        assertions = Assertions(claim, SEED, [], own_ledger())
        checks.competition(assertions, asked, name)
        return assertions

    spread = draw.uniform(2, 4, count)
    assert all(one.passed for one in heard(spread).evidence)
    with pytest.raises(AssertionError, match="logit of the answer"):
        heard(-spread)


def test_the_ledger_says_what_is_caught():
    held = {claim: set() for claim in ("P4.smollm2", "P5.smollm2")}
    for mutant, (_, caught) in MUTANTS.items():
        for claim in caught:
            held[claim].add(mutant)
    claims = load_claims()
    assert {claim: set(claims[claim].catches) for claim in held} == held
    assert {tuple(claims[claim].catches) for claim in ("P1.smollm2", "P2.smollm2")} == {
        ("answer and distractor exchanged",)
    }


def test_prompts_begin_with_the_start_token_of_the_model(monkeypatch, tmp_path):
    """Dropped, it would be another experiment: pinned where prompts are encoded."""
    seen = []

    def encode(prompts, tokenizer, start=None):
        seen.append(start)
        raise InterruptedError

    monkeypatch.setattr(jobs, "encode", encode)
    monkeypatch.setattr(jobs, "loaded", lambda model: SimpleNamespace(model=None, tokenizer=None))
    monkeypatch.setattr(jobs, "one_token", lambda prompts, tokenizer: SimpleNamespace(prompts=prompts, left_out=0))
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(jobs, "pretrained_folder", lambda name: tmp_path)
    with pytest.raises(InterruptedError):
        jobs.baseline.compute(jobs.subject(), "facts", SEED)
    assert seen == ["<|endoftext|>"]


def test_named_cells_are_of_the_scope():
    scope = load_claims()["P4.smollm2"].scope
    levels = (*map("{:g}".format, jobs.FRACTIONS), f"top {jobs.WITHOUT[0]} directions", f"{jobs.MOST['facts']} facts")
    assert all(one in scope for one in levels) and f"{jobs.MOST['recall']} of recall" in scope
    assert all(cell in jobs.late_cells() for cell in EFFECTS)
    assert len(jobs.late_cells()) == 228 and len(jobs.LATE) == 6
