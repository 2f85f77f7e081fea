"""Could the checks of T1.4 to T1.6, T2.5 and T4.4's ranges have failed? Each wrong version turns a check red."""

import inspect
import textwrap
from dataclasses import replace
from fractions import Fraction
from functools import partial

import pytest

from paper_checks.claims.t1 import test_one_step as test_t1_one_step
from paper_checks.claims.t1 import test_scaling as test_t1_scaling
from paper_checks.claims.t2 import test_gradient_noise as test_t2_gradient_noise
from paper_checks.claims.t2 import test_samples as test_t2_samples
from paper_checks.claims.t4 import test_boundary as boundary_checks
from paper_checks.experiments import steps as step_experiments
from theory import closed_form
from theory.memory import truncations as memory_truncation
from theory.one_step import margins, sample_complexity
from theory.one_step.gradients import EntryMoments
from theory.one_step.sample_complexity import PAIRS
from theory.one_step.trigger_chain import TriggerChain

from .mutation import assert_caught, assertions, caught

enumerated = test_t2_samples.test_in_context_signal_enumerated
short_contexts = test_t2_samples.test_short_contexts_rank_the_trigger_first
outgrow = test_t2_gradient_noise.test_in_context_samples_outgrow_N
brackets = [
    partial(test_t2_samples.test_in_context_margin_of_enumerated_steps, n=n, length=length, level=Fraction(level, 10))
    for n, length, level in ((3, 8, 1), (3, 8, 3), (3, 8, 5))
]
sampled = partial(test_t2_samples.test_in_context_margin_simulated, n=3)
share = test_t1_one_step.test_attention_margin_bound_is_not_idle
ratios = [partial(test_t1_scaling.test_ratio_of_margins, level=level) for level in (0.2, 0.4, 0.7, 0.95)]
unique_sign = test_t1_scaling.test_copying_decreases_with_the_noise_level
ends = [partial(boundary_checks.test_a_basis_decides_about_one_input, n=n, alpha=a)
        for n, a in ((5, 0.1), (8, 0.6), boundary_checks.TIE)]  # fmt: skip


def edited(monkeypatch, module, name, old, new):
    """One expression in the source of a function replaced."""
    source = textwrap.dedent(inspect.getsource(getattr(module, name)))
    assert source.count(old) == 1, f"{name} does not hold {old!r} once"
    space = {}
    exec(compile(source.replace(old, new), module.__file__, "exec"), module.__dict__, space)
    monkeypatch.setattr(module, name, space[name])


def exchanged(left, right):
    return lambda found: found | {left: found[right], right: found[left]}


def scaled(pair, factor):
    return lambda found: found | {pair: found[pair] * factor}


def times(factor):
    return lambda found: {pair: factor * value for pair, value in found.items()}


IN_CONTEXT = {f"{a} and {b} exchanged": exchanged(a, b) for a, b in zip(PAIRS, (*PAIRS[1:], PAIRS[0]), strict=True)}
IN_CONTEXT |= {f"{pair}, 5 %": scaled(pair, Fraction(21, 20)) for pair in PAIRS}
IN_CONTEXT |= {f"{pair}, 5 % less": scaled(pair, Fraction(19, 20)) for pair in PAIRS}


@pytest.mark.parametrize("change", IN_CONTEXT.values(), ids=IN_CONTEXT.keys())
def test_a_wrong_pair_is_caught(monkeypatch, change):
    assert_caught(monkeypatch, sample_complexity, "in_context_signal_to_noise", enumerated, change)


def test_a_factor_next_to_one_is_caught(monkeypatch):
    original = sample_complexity.in_context_signal_to_noise

    def mutant(task, exact=False):
        return {pair: value * Fraction(task.N - 1, task.N) for pair, value in original(task, exact).items()}

    monkeypatch.setattr(sample_complexity, "in_context_signal_to_noise", mutant)
    caught(enumerated, "SNR²")


SOURCE = {
    "z_T = q forgotten in v": ("aligned_moments", 'weight["q"] += 1', 'weight["q"] += 0'),
    "z_T = q forgotten in the sample": ("aligned_moments", 'test.mean_count("q") + 1', 'test.mean_count("q")'),
    "sign of the covariance": ("aligned_moments", "mean * mean + spread", "mean * mean - spread"),
    "no covariance": ("aligned_moments", "mean * mean + spread", "mean * mean"),
    "a position too many": ("aligned_moments", "(test.T - 1)", "test.T"),
    "E block alone in v": ("aligned_moments", "2 * test.mean_count(token)", "test.mean_count(token)"),
    "no noise in v": ("aligned_moments", '"tau": weight["tau"] - weight["j"]', '"tau": 0 * weight["tau"]'),
    "trigger as rival like another": ("in_context_moments", '"q" if rival == "q" else "c"', '"c"'),
    "noisy targets counted": ("in_context_moments", "(1 - alpha) / N", "1 / N"),
    "E[S]² not subtracted": ("in_context_moments", "(own[1] + other[1]) - mean * mean", "(own[1] + other[1])"),
    "means added": ("in_context_moments", "(own[0] - other[0])", "(own[0] + other[0])"),
    "sign of the mean": ("in_context_signal", "mean * abs(mean)", "mean * mean"),
}


@pytest.mark.parametrize(("name", "old", "new"), SOURCE.values(), ids=SOURCE.keys())
def test_another_signal_is_caught(monkeypatch, name, old, new):
    edited(monkeypatch, sample_complexity, name, old, new)
    caught(enumerated, "SNR²")


def test_another_covariance_of_counts_is_caught(monkeypatch):
    original = TriggerChain.count_covariance
    monkeypatch.setattr(TriggerChain, "count_covariance", lambda self, *tokens: -original(self, *tokens))
    caught(enumerated, "SNR²")


@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("check", brackets, ids=["α=1/10", "α=3/10", "α=1/2"])
def test_half_or_twice_the_signal_moves_the_number_of_samples(monkeypatch, check, factor):
    assert_caught(monkeypatch, sample_complexity, "in_context_signal_to_noise", check, times(factor))


@pytest.mark.parametrize("factor", [3.0, 1 / 3])
def test_a_third_or_thrice_the_signal_at_sizes_that_are_sampled(monkeypatch, factor):
    assert_caught(monkeypatch, sample_complexity, "in_context_signal_to_noise", sampled, times(factor))


def test_steps_of_another_size_are_caught(monkeypatch):
    """A quarter of the samples are drawn."""
    steps = step_experiments.rates_of_enumerated_steps
    monkeypatch.setattr(steps, "compute", lambda task, m, *rest, original=steps.compute: original(task, m // 4, *rest))
    for check in brackets:
        caught(check, "predicted samples")


def test_another_crossover_and_other_limits_are_caught(monkeypatch):
    with monkeypatch.context() as patch:
        assert_caught(patch, sample_complexity, "crossover_of_the_trigger", short_contexts)
    with monkeypatch.context() as patch:
        assert_caught(patch, sample_complexity, "limiting_in_context_signal", outgrow)
    original = sample_complexity.in_context_signal_to_noise
    monkeypatch.setattr(
        sample_complexity, "in_context_signal_to_noise",
        lambda task, exact=False: {pair: abs(value) for pair, value in original(task, exact).items()},
    )  # fmt: skip
    caught(short_contexts, "q ahead of c")


CONSTANTS = {
    "5 % more": ("2 * max(2 * alpha, 1 - alpha)", "2.1 * max(2 * alpha, 1 - alpha)"),
    "5 % less": ("2 * max(2 * alpha, 1 - alpha)", "1.9 * max(2 * alpha, 1 - alpha)"),
    "first branch alone": ("max(2 * alpha, 1 - alpha)", "(2 * alpha)"),
    "second branch, 5 % more": ("1 - alpha)", "1.05 * (1 - alpha))"),
    "boundary at 3/8": ("1 - alpha)", "1.2 * (1 - alpha))"),
    "boundary at 1/4": ("1 - alpha)", "1 - 2 * alpha)"),
}


@pytest.mark.parametrize(("old", "new"), CONSTANTS.values(), ids=CONSTANTS.keys())
def test_another_constant_is_not_attained(monkeypatch, old, new):
    edited(monkeypatch, margins, "attention_margin_constant", old, new)
    caught(share, "distance to the stated share|less than")


@pytest.mark.parametrize("name", ["repeated_trigger_margin", "attention_margin_bound"])
@pytest.mark.parametrize("factor", [Fraction(21, 20), Fraction(19, 20)], ids=str)
def test_another_margin_is_caught(monkeypatch, name, factor):
    for check in (share, *ratios):
        with monkeypatch.context() as patch:
            assert_caught(patch, margins, name, check, lambda value: value * float(factor))


GROWTH = {
    "right at α = 0.4 alone": lambda task: 1 + float(task.alpha) - 0.4,
    "T^0.1": lambda task: task.T**0.1,
    "without the 1/T": lambda task: 2 / task.N / (2 / task.N + 1 / task.T),
    "without the 2/N": lambda task: 1 / task.T / (2 / task.N + 1 / task.T),
}


@pytest.mark.parametrize("factor", GROWTH.values(), ids=GROWTH.keys())
def test_another_growth_of_the_ratio_is_caught(monkeypatch, factor):
    for name in ("repeated_trigger_margin", "attention_margin_bound"):
        original = getattr(margins, name)
        monkeypatch.setattr(margins, name, lambda task, original=original: original(task) * factor(task))
    for check in (ratios[0], *ratios[2:]):
        caught(check)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (lambda a: a - Fraction(9, 10), "roots of the copying entry"),
        (lambda a: (a - 2) ** 3, "roots of its derivative"),
    ],
    ids=["a second change", "a turn"],
)
def test_copying_with_another_shape_is_caught(monkeypatch, factor, message):
    original, entry = EntryMoments.mean, closed_form("attention_value", "mean", "k", "E(k)")
    monkeypatch.setattr(test_t1_scaling, "closed_form", lambda *names: entry)  # which is kept

    def mean(self, entry):
        value = original(self, entry)
        return value * factor(self.alpha) if entry == ("k", "E(k)") else value

    monkeypatch.setattr(EntryMoments, "mean", mean)
    caught(unique_sign, message)


def test_another_copying_entry_is_caught(monkeypatch):
    assert_caught(monkeypatch, test_t1_scaling, "closed_form", unique_sign)


def widened(attribute, index, sign):
    """One end of a range moved outwards, or inwards, by 5 % of its length."""

    def change(found):
        range_ = getattr(found, attribute)
        if range_ is None or found.unique:
            return found
        moved = list(range_)
        moved[index] += sign * (2 * index - 1) * 0.05 * (range_[1] - range_[0])
        return replace(found, **{attribute: tuple(moved)})

    return change


RANGES = [("noise_log_odds", ends), ("other_log_odds", ends), ("noise_probability", ends[:2])]
RANGES += [("noise_log_odds_sum", ends[2:])]  # a range at the tie alone


@pytest.mark.parametrize("sign", [1, -1], ids=["wider", "narrower"])
@pytest.mark.parametrize("index", [0, 1], ids=["least", "most"])
@pytest.mark.parametrize(("attribute", "checks"), RANGES, ids=[name for name, _ in RANGES])
def test_a_moved_end_is_caught(monkeypatch, attribute, checks, index, sign):
    for check in checks:
        with monkeypatch.context() as patch:
            assert_caught(patch, memory_truncation, "truncation", check, widened(attribute, index, sign))


def test_the_unchanged_theory_passes():
    for check in (enumerated, short_contexts, outgrow, *brackets, sampled, share, *ratios, unique_sign, *ends):
        check(assertions())
