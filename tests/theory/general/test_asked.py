"""What `theory.ask` answers: its form at every size, signs at the ends of brackets, tasks as laws, Shakespeare."""

import json
import math
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm

import theory
from paper_checks.experiments.steps import predicted_samples
from paper_checks.project import load_claims
from simulate import sequences
from theory import Law, Task, ask, one_step
from theory.general.asked import BASES, of_law

SIZES = [Task(N, T, alpha) for N in (2, 3, 5000) for T in (2, 3, 4, 10**5) for alpha in (0, Fraction(1, 10**4), 0.3, 1)]


def check_form(asked):
    """Every answer can be read by people and by programs."""
    names = [answer.name for answer in asked]
    assert len(set(names)) == len(names)
    for answer in asked:
        numbers = [one for one in (answer.value, answer.low, answer.high) if one is not None]
        assert answer.basis in BASES and answer.sentence.endswith(".") and asked[answer.name] is answer
        assert all(math.isfinite(one) for one in numbers) and not (answer.basis == "none" and numbers)
        assert answer.low is None or answer.high is None or answer.low <= answer.high
    assert json.loads(json.dumps(asked.as_dict(), allow_nan=False)) == asked.as_dict()
    assert sum(map(len, asked.topics().values())) == len(names)


def test_every_size_has_answers_of_claims_that_are_there():
    for task in SIZES:
        asked = ask(task)
        check_form(asked)
        assert {answer.claim for answer in asked} <= set(load_claims())


def test_a_large_task_takes_no_time():
    ask(Task(50, 20, 0.2))  # what is compiled or read once
    start = time.process_time()
    ask(Task(5000, 2048, Fraction(1, 5)))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("level", "value", "sign"),
    [
        ("noise_threshold", "noise_lead", 1),
        ("copying_threshold", "copying", -1),
        ("critical_alpha", "follows_uniform", -1),
        ("avoidance_alpha", "noise_uniform", -1),
    ],
)
@pytest.mark.parametrize(("N", "T"), [(8, 64), (50, 300), (5000, 2048)])
def test_brackets_have_the_signs_that_they_say(level, value, sign, N, T):
    found = ask(Task(N, T, Fraction(1, 5)))[level]
    assert found.basis == "bracket" and found.high - found.low < 1e-4 * found.high
    for end, side in ((found.low, -sign), (found.high, sign)):
        asked = ask(Task(N, T, end * (1 + 1e-9 * side * sign)))
        reference = asked["ordinary_uniform"].value if value == "noise_uniform" else 0
        assert (asked[value].value - reference) * side > 0


def test_levels_that_do_not_exist_say_why():
    asked = ask(Task(3, 2, 0.5))
    assert asked["critical_alpha"].basis == "none" and "T must be an integer >= 3" in asked["critical_alpha"].sentence
    assert ask(Task(8, 64, 0.5))["absorbed_alpha"].basis == "none"
    assert ask(Task(5, 2000, 0.5))["absorbed_alpha"].basis == "bracket"
    with pytest.raises(KeyError, match="there are noise_lead"):
        asked["nothing"]


@pytest.mark.parametrize(
    ("N", "T", "alpha"), [(3, 8, 0.1), (4, 7, 0.3), (11, 44, 0.1), (20, 400, 0.3), (50, 2500, 0.3)]
)
def test_proved_samples_enclose_the_prediction_of_all_rivals_together(N, T, alpha):
    """T2.5's, which simulations at the smaller sizes met."""
    asked, predicted = ask(Task(N, T, alpha, 1)), predicted_samples(Task(N, T, alpha, 1))
    assert 3 * asked["recall_samples"].low < predicted < asked["recall_samples"].high / 2
    assert asked["recall_samples_predicted"].value < 1.2 * predicted


def test_as_many_samples_as_are_enough_leave_a_miss_of_one_in_twenty():
    """By Cantelli's inequality for N - 2 rivals like k, and the trigger."""
    task = Task(9, 40, 0.2, 4)
    signals, enough = one_step.in_context_signal_to_noise(task), ask(task)["recall_samples"].high
    missed = [7 / (1 + m * signals["c", "k"]) + 1 / (1 + m * signals["c", "q"]) for m in (enough, enough - 1)]
    assert missed[0] <= 0.05 < missed[1]


def test_no_samples_are_enough_in_short_contexts():
    short, long = (ask(Task(64, T, 0.5)) for T in (64, 66))  # T_0 = 65, T2.5
    assert short["recall_samples_predicted"].basis == "none" and long["recall_samples_predicted"].basis == "predicted"
    assert short["recall_samples"].high is None and long["recall_samples"].high > long["recall_samples"].low == 381


def test_answers_are_the_numbers_of_the_chapters():
    """At one task and one law, by the functions that claims check, or by hand."""
    task, z = Task(9, 40, 0.2, 4), norm.isf(0.05)
    asked, law = ask(task), ask(Law.of_task(task))
    copied = theory.general.approximate_copying_levels(Law.of_task(task))[:4]
    signals = one_step.in_context_signal_to_noise(task)
    signal = (0.2 - 0.1) ** 2 / (0.2 * 0.8)
    for answer, value in (
        (asked["noise_signal_samples"].value, z**2 / signal),
        (law["noise_signal_samples"].value, z**2 / signal),
        (asked["attention_lead"].high, one_step.attention_margin_bound(task)),
        (asked["lead_ratio"].low, asked["noise_lead"].value / one_step.attention_margin_bound(task)),
        (asked["copying"].value, theory.gradient_mean(task, "attention_value")[1, 1]),
        (asked["context_signal"].value, one_step.centred_copying_moments(task).signal_to_noise),
        (asked["recall_signal"].value, signals["c", "k"]),
        (asked["trigger_signal"].value, signals["c", "q"]),
        (asked["recall_samples_predicted"].value, z**2 / min(signals["c", "k"], signals["c", "q"])),
        (ask(Task(16, 256, 0.4))["window"].low, theory.key_query.window(Task(16, 256, 0.4))[0]),
        (ask(Task(16, 256, 0.4))["window"].high, theory.key_query.window(Task(16, 256, 0.4))[1]),
        (asked["ordinary_uniform"].value, theory.key_query_gradient(task)[0]),
        (asked["ordinary_absorbed"].value, theory.key_query_gradient(task, "absorbed")[0]),
        (law["noise_threshold_bounds"].high, (2 / 10) / (2 / 10 + 1)),
        (law["noise_threshold_bounds"].low, (1 / 9) / (1 / 9 + 1)),
        (law["copying_levels"].low, copied.min()),
        (law["copying_signal_bound"].high, (0.8 / 9) / (1 - 0.8 / 9)),
        (law["recall_signal"].value, signals["c", "k"]),
        (law["recall_samples_predicted"].value, z**2 / signals["c", "k"]),
    ):
        assert answer == pytest.approx(value, rel=1e-8)


SHARED = ("noise_lead", "noise_signal", "noise_signal_samples", "copying_signal", "follows_uniform", "follows_absorbed",
          "noise_uniform", "noise_absorbed", "first_uniform", "first_absorbed")  # fmt: skip


@pytest.mark.parametrize("task", [Task(5, 12, 0.3), Task(9, 40, Fraction(1, 2), 4), Task(7, 500, 0.05, 6)])
def test_a_task_as_a_law_has_the_same_answers(task):
    one, other = ask(task), ask(Law.of_task(task))
    check_form(other)
    for name in SHARED:
        assert other[name].value == pytest.approx(one[name].value, rel=1e-8, abs=1e-15)
    assert [one["noise_samples"].low, one["noise_samples"].high] == [
        other["noise_samples"].low,
        other["noise_samples"].high,
    ]
    assert one["recall_samples"].low == other["recall_samples"].low
    level = one["noise_threshold"]
    assert level.low <= other["noise_threshold"].high and other["noise_threshold"].low <= level.high
    assert other["copying"].value == (one["copying"].value > 0)
    parts = theory.general.decomposition(Law.of_task(task))
    assert other["frequency_noise"].value == pytest.approx(parts.strength * parts.frequency[task.tau])
    level = one["critical_alpha"]
    assert other["critical_alpha"].low <= level.high and level.low <= other["critical_alpha"].high


def test_every_turn_has_a_bracket_with_both_signs():
    """The uniform task at N = 16, T = 256: the look at the noise turns twice, that at followers once."""
    law = Law.of_task(Task(16, 256, 0.3))
    asked, M = ask(law), law.M
    for name, entry, rises in (
        ("critical_alpha", M + law.q, False),
        ("noise_alpha", M - 1, True),
        ("noise_alpha_2", M - 1, False),
    ):
        turn = asked[name]
        ends = [theory.key_query_gradient(replace(law, alpha=end))[entry] for end in (turn.low, turn.high)]
        assert turn.high - turn.low < 1e-5 and (ends[0] < 0 < ends[1] if rises else ends[0] > 0 > ends[1])
    assert asked["critical_alpha"].low == pytest.approx(0.36025, abs=1e-5)  # T3.3
    assert len([answer for answer in asked if answer.name.startswith("noise_alpha")]) == 2


@pytest.fixture(scope="module")
def shakespeare():
    """The reference law S at α = 1/2, with answers uniform and stationary, and its characters."""
    chain, characters = sequences.shakespeare_chain()
    sizes = {"T": 256, "trigger": characters.index(" "), "alpha": 0.5, "first": chain.initial, "noise": 2}
    names = list(characters)
    laws = [Law(chain.transition, answers=answers, **sizes) for answers in (None, chain.initial)]
    return [ask(law, names) for law in laws], laws, names


def test_shakespeare(shakespeare):
    """Values of an independent programme, see the ledger's G2 to G5."""
    (uniform, stationary), _, _ = shakespeare
    check_form(uniform)
    assert {answer.claim for answer in uniform} == {"G2", "G3", "G4", "G5", "G7"} <= set(load_claims())
    assert uniform["critical_alpha"].basis == stationary["critical_alpha"].basis == "none"
    assert uniform["noise_alpha"].basis == "none" and stationary["noise_alpha"].low == pytest.approx(0.13588, abs=1e-5)
    known = [
        (uniform["noise_lead"], 0.5000, 4),
        (stationary["noise_lead"], 0.4248, 4),
        (uniform["noise_signal"], 0.970, 3),
        (stationary["noise_signal"], 0.943, 3),
        (uniform["copying_signal"], 5.1e-3, 2),
        (stationary["copying_signal"], 2.2e-4, 2),
        (uniform["copying"], 0.98, 2),
        (stationary["copying"], 0.98, 2),
        (uniform["follows_uniform"], 3.13e-3, 3),
        (uniform["noise_uniform"], 2.1e-3, 2),
        (uniform["follows_absorbed"], 2.33e-5, 3),
        (uniform["noise_absorbed"], 2.3e-5, 2),
    ]
    for answer, value, digits in known:
        assert f"{answer.value:.{digits}g}" == f"{value:.{digits}g}", answer.name
    assert "number 1 of the 65 K[P(k)]" in uniform["follows_uniform"].sentence


def test_scores_of_pairs_are_those_of_k(shakespeare):
    """The pairs with the highest scores, found among all pairs that the chain allows."""
    (asked, _), (law, _), names = shakespeare
    K = theory.key_query_gradient(law)
    allowed = (law.chain > 0) & (np.arange(law.M) != law.q)[:, None]
    allowed[law.q] = True  # every token can be an answer
    allowed[:, law.q] = True  # the last position
    scores = np.where(allowed, K[None, : law.M] + K[law.M :, None], -np.inf)
    best = [divmod(int(n), law.M) for n in np.argsort(-scores, axis=None)[:5]]
    assert asked["first_uniform"].where == tuple(f"({names[a]}, {names[b]})" for a, b in best)
    assert K[: law.M].max() < scores[best[-1]]  # no first position is among them


def test_laws_at_their_edges():
    """No noise, noise alone, noise everywhere, a trigger that is never met."""
    rows = np.array([[0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
    law = Law(rows, T=20, trigger=0, alpha=0.4, noise=2)
    for changed in (
        law,
        replace(law, alpha=0),
        replace(law, alpha=1),
        replace(law, noise=[0.2, 0.3, 0.5]),
        replace(law, noise=[0, 0.5, 0.5]),
        replace(law, noise=0),
        replace(law, T=2),
        replace(law, answers=[1, 0, 0]),
        Law([[0, 1, 0], [0, 0, 1], [0, 1, 0]], T=9, trigger=0, alpha=0.5, first=[0, 1, 0], noise=2),
    ):
        check_form(ask(changed))
    never = ask(replace(law, alpha=0, answers=[0.5, 0.5, 0]))["noise_samples"]
    assert never.high is None and never.basis == "none" and "population step" in never.sentence
    assert ask(replace(law, alpha=1))["noise_samples"].high == 1
    assert ask(replace(law, noise=[0.2, 0.3, 0.5]))["noise_lead"].basis == "none"


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(TypeError, match=r"law must be a theory\.Law or a theory\.Task, got 5 \(int\)"):
        ask(5)
    with pytest.raises(ValueError, match="names must be as many as the law has tokens, 3, got 2"):
        ask(Law(np.full((3, 3), 1 / 3), T=5, trigger=0, alpha=0.5, noise=2), ["a", "b"])


def test_pairs_occur_above_what_rounding_leaves(monkeypatch):
    """A pair as frequent as the bound is not said to occur, one more frequent is."""
    law = Law([[0.5, 0.5], [0.25, 0.75]], T=4, trigger=0, alpha=0.25, first=[0.5, 0.5], answers=[0.5, 0.5], noise=1)
    pairs = np.einsum("c,cij->ij", law.answers, of_law.WithinSequences.of(law).pairs)
    for bound, left in ((0.0, 4), (float(pairs.min()), 3)):
        monkeypatch.setattr(of_law, "OCCURS", bound)
        before, _ = of_law.LawAnswers(law, ("a", "b")).occurring
        assert (before >= 0).sum() == left
