"""The experiments of P: choosing on one half and reporting on the other, and that the checks can fail."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.claims.p import test_language_models as checks
from paper_checks.evidence import DEFAULT_SEED
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.verdicts import verdict
from paper_checks.experiments import language as experiments
from paper_checks.experiments import pocket, pocket_models, rise
from paper_checks.experiments.language import Answers, ModelSweep, Source
from paper_checks.experiments.rise import CLAIMED
from paper_checks.project import own_ledger
from simulate.language.models import load_language_model
from simulate.laser.sweeps import Cell, Sweep
from simulate.pocket.shipped import pocket_folders
from simulate.prompts.sets import halves
from simulate.prompts.tokens import Readings
from simulate.prompts.words import FACTS

COUNT = 64
CHOOSE, REPORT = halves(COUNT)


def reading(answer, distributional, difference=1.0, noise=0.01, seed=0):
    """Readings of COUNT prompts around these means; `answer` may be one number per half."""
    draws = np.random.default_rng(seed)
    values = {}
    for name, mean in (("answer", answer), ("distributional", distributional), ("difference", difference)):
        values[name] = noise * draws.standard_normal(COUNT)
        for places, part in zip((CHOOSE, REPORT), np.broadcast_to(mean, 2), strict=True):
            values[name][places] += part
    correct = (values["answer"] > values["distributional"]).astype(float)
    return Readings(values["answer"], values["distributional"], 1.0 + (correct == 0), values["difference"], correct)


def model_sweep(cells, layers=4):
    """A sweep of made-up readings: {(layer, role, rank): (answer, distributional)}; the whole model has (0.2, 0.6)."""
    made = {
        Cell(*key): {"recall": reading(*values, seed=1 + number)} for number, (key, values) in enumerate(cells.items())
    }
    return ModelSweep("made up", "ab", layers, Sweep({"recall": reading(0.2, 0.6)}, made))


def test_chosen_on_one_half_reported_on_the_other():
    """A cell that is best on the first half by luck is chosen, and its bad report shows."""
    lucky, steady = (3, "mlp_in", 1), (2, "mlp_in", 1)
    found = model_sweep({lucky: ((0.9, 0.1), (0.1, 0.7)), steady: (0.5, 0.3), (3, "mlp_in", 2): (0.9, 0.9)})
    best = experiments.chosen(found, found.late("mlp_in"), "recall")
    assert best.cell == Cell(*lucky)
    assert best.changes["answer"].shape == REPORT.shape
    assert best.changes["answer"].mean() == pytest.approx(-0.1, abs=0.01)
    assert best.effect == pytest.approx(-0.1, abs=0.01)


def test_both_must_change():
    """The smaller of rise and fall decides: one alone, however large, loses against a little of both."""
    found = model_sweep({(3, "mlp_in", 1): (0.9, 0.6), (3, "mlp_in", 2): (0.2, 0.0), (3, "mlp_in", 4): (0.25, 0.5)})
    assert experiments.best_cell(found.sweep, found.late("mlp_in"), "recall", CHOOSE) == Cell(3, "mlp_in", 4)
    whole = experiments.both_changes(found.sweep, Cell(3, "mlp_in", 1), "recall", slice(None))
    assert whole == pytest.approx(0.0, abs=0.01)


def tokenizer_without(*lost):
    """The tokenizer of pocket Pythia, for which these words are two tokens each."""
    whole = load_language_model(pocket_folders()[1][2000]).tokenizer

    def encode(text, add_special_tokens):
        numbers = whole.encode(text, add_special_tokens=add_special_tokens)
        return numbers + [0] * any(word in text for word in lost)

    return SimpleNamespace(encode=encode, bos_token_id=whole.bos_token_id, bos_token="<s>", unk_token_id=None)


def test_prompts_that_cannot_be_asked_are_left_out():
    """Two names of recall's, and a country that is the answer of two and the distractor of others: of a city both
    prompts stay or none, so that `independent` and `halves` see pairs."""
    everything = experiments.prompt_sets(DEFAULT_SEED)
    sets, asked = experiments.askable(DEFAULT_SEED, tokenizer_without("Spain", "Tom"), CLAIMED, None)
    texts = {name: [(one.text + one.answer + one.distractor) for one in everything[name]] for name in everything}
    assert asked.counts["recall"] == (sum("Tom" not in text for text in texts["recall"]), 320)
    pairs = [first + second for first, second in zip(texts["facts"][::2], texts["facts"][1::2], strict=True)]
    assert asked.counts["facts"] == (2 * sum("Spain" not in pair for pair in pairs), 96)
    assert {name: one.count for name, one in sets.items()} == {name: kept for name, (kept, _) in asked.counts.items()}
    assert 0 < asked.counts["facts"][0] < 96 and asked.too_few("facts") is None and asked.start == "<s>"


def test_a_set_with_too_few_prompts_is_not_asked():
    """The others are; the check of the set is not run, and that says why."""
    sets, asked = experiments.askable(DEFAULT_SEED, tokenizer_without(*(country for _, country in FACTS)), CLAIMED, "")
    assert list(sets) == ["recall"] and asked.start == ""
    remedy = "take a model whose tokenizer has the words of half of facts as one token each, here 0 of 96"
    assert asked.too_few("facts") == remedy
    assert asked.too_few("recall") is None
    found = replace(answers("made up", 0.3, 0.3), asked=asked)
    details = experiments.provenance([found])
    assert details == {
        "models": {"made up": "ab"},
        "start": {"made up": ""},
        "asked": {"made up": {"recall": "320 of 320", "facts": "0 of 96"}},
    }
    ask = checks.ask.__wrapped__(SimpleNamespace(answered=lambda *_: found), "cpu")
    assert ask(None, DEFAULT_SEED, "recall") is found
    with pytest.raises(pytest.skip.Exception, match=f"too few prompts: {remedy}"):
        ask(None, DEFAULT_SEED, "facts")


def test_pocket_pythia_is_asked_everything():
    source = Source(str(pocket_folders()[1][2000]), None, "seed 1")
    found = experiments.answered(source, DEFAULT_SEED, "cpu", ("facts",))
    assert found.asked.counts == {"facts": (96, 96)} and found.sets["facts"].answer.shape == (96,)
    other = experiments.answered(replace(source, start=""), DEFAULT_SEED, "cpu", ("facts",))
    assert other.asked.start == "" != found.asked.start
    assert not np.array_equal(other.sets["facts"].answer, found.sets["facts"].answer)


def test_late_layers_are_the_upper_half():
    found = model_sweep({(layer, "mlp_in", 1): (0.2, 0.6) for layer in range(5)}, layers=5)
    assert [cell.layer for cell in found.late("mlp_in")] == [2, 3, 4]
    assert [cell.layer for cell in found.early("mlp_in")] == [0, 1]
    assert [cell.layer for cell in found.everywhere("mlp_in")] == [0, 1, 2, 3, 4]


def answers(label, answer, distributional, sha256="ab", difference=1.0):
    return Answers(label, sha256, {"recall": reading(answer, distributional, difference)})


def test_first_risen_and_the_early_checkpoint():
    found = [
        answers("0", 0.0, 0.0, "a"),
        answers("1", 0.01, 0.5, "b"),
        answers("2", 0.2, 0.7, "c"),
        answers("3", 0.3, 0.6, "c"),
    ]
    assert experiments.first_risen(found, "recall", "distributional", 3) == 1
    assert experiments.first_risen(found, "recall", "answer", 3) == 2
    assert rise.best_early(found, "recall", 3) is found[1]
    assert experiments.repeated(found) == 1
    assert experiments.provenance(found[:2])["models"] == {"0": "a", "1": "b"}


def test_over_distractor():
    """P(distractor) = P(answer) exp(-difference of the logits)."""
    found = reading(0.4, 0.5, difference=np.log(4.0), noise=0.0)
    assert experiments.over_distractor(found) == pytest.approx(0.5 - 0.1)


def test_means_are_over_independent_prompts():
    """A constant column has the rounding of float32 for an error; two prompts of a city are one."""
    found = experiments.means("recall", [np.array([1.0, 3.0]), np.array([2.0, 2.0])])
    assert found == {"value": [2.0, 2.0], "standard_error": [1.0, 1e-7], "degrees": 1}
    cities = experiments.means("facts", [np.array([0.0, 2.0, 2.0, 4.0, 5.0, 7.0])])
    assert cities["value"] == [pytest.approx(10 / 3)] and cities["degrees"] == 2
    assert cities["standard_error"] == [pytest.approx(np.std([1, 3, 6], ddof=1) / 3**0.5)]


def test_both_prompts_of_a_city_are_in_one_half():
    prompts = experiments.prompt_sets(3)["facts"]
    cities = [prompt.answer for prompt in prompts[::2]]
    assert [prompt.answer for prompt in prompts[1::2]] == cities
    choose, report = halves(len(prompts))
    assert {prompts[place].answer for place in choose} & {prompts[place].answer for place in report} <= {" Spain"}


@pytest.fixture
def claim():
    def made(name):
        return Assertions(name, 1, [], own_ledger())

    return made


def test_competition_passes_and_fails(claim):
    good, ledger = answers("good", 0.3, 0.6), claim("P1.pythia")
    checks.competition(ledger, experiments, [good] * 3, "recall")
    assert verdict(ledger.evidence) == "verified"
    for bad in (answers("behind", 0.3, 0.6, difference=-1.0), answers("no the", 0.6, 0.0, difference=0.5)):
        with pytest.raises(AssertionError, match="P1"):
            checks.competition(claim("P1.pythia"), experiments, [good, bad, good], "recall")


def test_order_of_rise_passes_and_fails(claim):
    early, last, ledger = answers("early", 0.01, 0.5), answers("last", 0.3, 0.6), claim("P3")
    rise.order_of_rise(ledger, experiments, "recall", [early], [last])
    assert verdict(ledger.evidence) == "verified"
    for wrong in (answers("both", 0.2, 0.5), answers("none", 0.01, 0.15), answers("answer first", 0.2, 0.1)):
        with pytest.raises(AssertionError, match="P3"):
            rise.order_of_rise(claim("P3"), experiments, "recall", [wrong], [last])


def test_late_layers_pass_and_fail(claim):
    good = model_sweep({(3, "mlp_in", 1): (0.7, 0.2), (1, "mlp_in", 1): (0.9, 0.0)})
    ledger = claim("P4.pythia")
    checks.late_layers_help(ledger, experiments, "recall", [good] * 3, "mlp_in")
    assert [one.details["cells"] for one in ledger.evidence] == [["mlp_in of layer 3 at rank 1"] * 3] * 3
    early = model_sweep({(3, "mlp_in", 1): (0.2, 0.6), (1, "mlp_in", 1): (0.9, 0.0)})
    for bad in (
        early,
        model_sweep({(3, "mlp_in", 1): (0.1, 0.7)}),
        model_sweep({(3, "mlp_in", 1): ((0.7, 0.2), (0.2, 0.6))}),
    ):
        with pytest.raises(AssertionError, match="P4"):
            checks.late_layers_help(claim("P4.pythia"), experiments, "recall", [good, bad, good], "mlp_in")


def test_attention_passes_and_fails(claim):
    good = model_sweep(
        {(3, "mlp_in", 1): (0.7, 0.2), (0, "attention_qkv", 1): (0.21, 0.6), (3, "attention_out", 1): (0.2, 0.6)}
    )
    checks.attention_does_less(claim("P5.pythia"), experiments, "recall", [good] * 3)
    early = model_sweep(
        {(3, "mlp_in", 1): (0.7, 0.2), (0, "attention_qkv", 1): (0.6, 0.3), (3, "attention_qkv", 1): (0.2, 0.6)}
    )
    checks.attention_does_less(claim("P5.pythia"), experiments, "recall", [early])
    bad = model_sweep({(3, "mlp_in", 1): (0.7, 0.2), (3, "attention_qkv", 1): (0.5, 0.3)})
    with pytest.raises(AssertionError, match="P5"):
        checks.attention_does_less(claim("P5.pythia"), experiments, "recall", [good, bad, good])


def test_an_untrained_model_verifies_nothing(claim):
    """The same checks on the shipped checkpoint before the first update."""
    seed, steps = max(pocket_folders().items(), key=lambda item: len(item[1]))
    start = experiments.answered(Source(str(steps[0]), None, f"seed {seed}, start"), DEFAULT_SEED, "cpu")
    for name in experiments.SETS:
        with pytest.raises(AssertionError, match="P1"):
            checks.competition(claim("P1.pythia"), experiments, [start], name)
        with pytest.raises(AssertionError, match="P3"):
            rise.order_of_rise(claim("P3"), experiments, name, [start], [start])
        assert pocket.competition(start, name)["mass"].mean() < 0.01


def recorded(monkeypatch, answers, generics, steps=(0, 4, 8, 16)):
    """A training of seed 9 whose recorded means on recall are these."""
    rows = zip(steps, answers, generics, strict=True)
    history = [{"step": step, "recall answer": one, "recall distributional": two} for step, one, two in rows]
    monkeypatch.setattr(pocket, "pocket_record", lambda: {"history": {"9": history}})


@pytest.mark.parametrize(
    ("answers", "generics", "times", "ratio"),
    [
        ((0.0, 0.0, 0.1, 0.3), (0.0, 0.2, 0.5, 0.6), (4, 8), 2),
        ((0.0, 0.09, 0.09, 0.3), (0.0, 0.2, 0.5, 0.6), (4, 16), 4),
        ((0.0, 0.2, 0.1, 0.3), (0.0, 0.3, 0.5, 0.6), (4, 4), 1),
        ((0.0, 0.1, 0.1, 0.3), (0.0, 0.0, 0.0, 0.6), (16, 4), 0.25),
        ((0.0, 0.0, 0.0, 0.3), (0.3, 0.2, 0.5, 0.6), (0, 16), np.inf),
    ],
)
def test_rise_times_are_the_first_on_the_grid(monkeypatch, answers, generics, times, ratio):
    recorded(monkeypatch, answers, generics)
    assert pocket.rise_times(9, "recall", 3) == times
    assert pocket.rise_ratios([times]) == [ratio]


def test_an_answer_that_is_never_learned_has_not_risen_later(monkeypatch):
    """Flat at its first value: a third of the last one is there from the beginning, before "the"."""
    recorded(monkeypatch, (0.001, 0.001, 0.001, 0.001), (0.001, 0.2, 0.5, 0.6))
    assert pocket.rise_ratios([pocket.rise_times(9, "recall", 3)]) == [0]


def test_shares_and_their_errors():
    """The ratio of two means, by the delta method: exactly 0 where one column is a multiple of the other."""
    change = reading(0.2, -0.2)
    cuts = pocket_models.Cuts({"input": {"recall": {"answer": change.answer}}}, {}, None)
    best = experiments.Chosen(Cell(3, "attention_out", 1), {"answer": change.answer[REPORT] / 4})
    assert pocket.share_of_input(cuts, best, "recall", "answer") == (pytest.approx(0.25), pytest.approx(0, abs=1e-15))
    draws = np.random.default_rng(1).standard_normal(REPORT.size)
    noisy = experiments.Chosen(best.cell, {"answer": 0.05 + 0.1 * draws})
    share, error = pocket.share_of_input(cuts, noisy, "recall", "answer")
    assert share == pytest.approx(0.05 / 0.2, abs=0.3) and error == pytest.approx(0.1 / 0.2 / REPORT.size**0.5, rel=0.3)


def test_intervals_of_shares_are_exact():
    """All of n: the lower limit is 0.025^(1/n)."""
    assert pocket.share_interval(7, 7) == (pytest.approx(0.025 ** (1 / 7)), 1.0)
    assert pocket.share_interval(0, 7) == (0.0, pytest.approx(1 - 0.025 ** (1 / 7)))
