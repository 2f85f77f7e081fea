"""Could the checks have failed? Every formula is changed by 5 %, or in its structure, and a check turns red.

Simulations are drawn once, before any mutation; a mutant changes theory alone and must be caught by what the claims
run does.
"""

import subprocess
import sys

import numpy as np
import pytest

import theory
from paper_checks.claims.t1 import test_one_step as test_t1_one_step
from paper_checks.claims.t2 import test_gradient_noise as test_t2_gradient_noise
from paper_checks.experiments import agreement
from paper_checks.experiments import simulations as experiments
from tests.places import ROOT
from theory.one_step import gradients, margins, sample_complexity
from theory.one_step import signal_to_noise as signal
from theory.one_step.gradients import EntryMoments
from theory.one_step.trigger_chain import TokenLaw, TriggerChain

from .mutation import SEED, assert_caught, assertions

TASK = experiments.TASKS[2]  # N = 5: every class has entries
ALIVE = [
    (layer, moment, entry)
    for layer in theory.LAYERS
    for moment in theory.MOMENTS
    for entry, value in theory.class_values(TASK, layer, moment).items()
    if value
]


@pytest.fixture(scope="module", autouse=True)
def _simulated_once():
    for layer in theory.LAYERS:
        experiments.moments(TASK, layer, SEED)


def test_the_unchanged_theory_passes():
    for layer in theory.LAYERS:
        for moment in theory.MOMENTS:
            agreement.check_simulation(assertions(), TASK, layer, moment)


@pytest.mark.parametrize(("layer", "moment", "entry"), ALIVE, ids=lambda value: str(value))
def test_five_percent_in_one_entry_class(monkeypatch, layer, moment, entry):
    original = getattr(EntryMoments, moment)

    def changed(self, name):
        value = original(self, name)
        return value * 21 / 20 if name == entry else value

    monkeypatch.setattr(EntryMoments, moment, changed)
    with pytest.raises(AssertionError, match="class averages"):
        agreement.check_simulation(assertions(), TASK, layer, moment)


def swap_trigger_column(monkeypatch):
    original = gradients.assemble

    def swapped(task, values, dtype):
        matrix = original(task, values, dtype)
        columns = np.arange(2 * task.M)
        columns[[task.q, task.q - 1]] = columns[[task.q - 1, task.q]]
        return matrix[:, columns]

    monkeypatch.setattr(gradients, "assemble", swapped)


def exchange_blocks(monkeypatch):
    original = EntryMoments.feature
    monkeypatch.setattr(
        EntryMoments, "feature", lambda self, chain, block, token: original(self, chain, "PE"[block == "P"], token)
    )


def drop_correct_is_trigger(monkeypatch):
    original = EntryMoments.average
    monkeypatch.setattr(
        EntryMoments,
        "average",
        lambda self, block, token, power: (
            self.given[False][block, token][power - 1] if token in ("q", "tau") else original(self, block, token, power)
        ),
    )


def forget_last_position(monkeypatch):
    original = EntryMoments.feature

    def changed(self, chain, block, token):
        return original(self, chain, "P" if self.layer == "attention_value" else block, token)

    monkeypatch.setattr(EntryMoments, "feature", changed)


def change_laws(name, law):
    """A mutation of ρ, β of one token given c ≠ q."""

    def mutate(monkeypatch):
        original = TriggerChain.laws.func

        def changed(self):
            laws = original(self)
            return laws if self.correct_is_trigger else laws | {name: law(self, laws)}

        prop = property(changed)
        monkeypatch.setattr(TriggerChain, "laws", prop)

    return mutate


def one_position_more(monkeypatch):
    monkeypatch.setattr(TriggerChain, "last_power", property(lambda self: self.power(self.ratio, self.T - 1)))


def no_tail(monkeypatch):
    monkeypatch.setattr(TriggerChain, "tail_sums", property(lambda self: (0, 0, 0)))


def noise_and_correct_exchanged(monkeypatch):
    original = EntryMoments.joint

    def changed(self, row, block, token, power):
        if row == "tau":
            return (1 - self.alpha) * self.average(block, token, power)
        return original(self, row, block, token, power)

    monkeypatch.setattr(EntryMoments, "joint", changed)


STRUCTURE = {
    "q's column exchanged with another's": swap_trigger_column,
    "E and P blocks exchanged": exchange_blocks,
    "the event c = q left out of the averages": drop_correct_is_trigger,
    "z_T = q forgotten in x̄": forget_last_position,
    "trigger can follow itself given c ≠ q": change_laws(
        "q", lambda chain, laws: TokenLaw(1 / chain.N, 0 * chain.N, True)
    ),
    "correct token no likelier after the trigger": change_laws("c", lambda chain, laws: laws["j"]),
    "noise after the trigger with 1-α": change_laws("tau", lambda chain, laws: TokenLaw(0 * chain.N, 1 - chain.alpha)),
    "power of the geometric ratio off by one": one_position_more,
    "later positions independent of earlier ones": no_tail,
    "target noisy with 1-α": noise_and_correct_exchanged,
}


@pytest.mark.parametrize("mutate", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_changed_structure(monkeypatch, mutate):
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        for layer in reversed(theory.LAYERS):
            for moment in theory.MOMENTS:
                agreement.check_simulation(assertions(), TASK, layer, moment)
                agreement.check_enumeration(assertions(), layer, moment)


DERIVED = {
    "feed-forward contrasts": (margins, "contrasts_from", test_t1_one_step.test_feed_forward_margin_formula),
    "noise threshold": (margins, "noise_threshold", test_t1_one_step.test_noise_threshold_both_sides),
    "limiting noise threshold": (margins, "limiting_noise_threshold", test_t1_one_step.test_noise_threshold_limits),
    "attention margin constant": (
        margins,
        "attention_margin_constant",
        test_t1_one_step.test_attention_margin_bound_is_not_idle,
    ),
    "copying threshold": (margins, "copying_threshold", test_t1_one_step.test_sign_of_copying_both_sides),
    "moments along D": (signal, "moments_along_copying", test_t2_gradient_noise.test_centred_copying_exact),
    "short-context limit": (signal, "short_context_limit", test_t2_gradient_noise.test_centred_copying_limits),
    "entry SNR²": (signal, "class_signal_to_noise", test_t2_gradient_noise.test_signal_to_noise_values),
    "in-context SNR²": (
        sample_complexity,
        "in_context_signal",
        test_t2_gradient_noise.test_in_context_samples_outgrow_N,
    ),
    "noise margin guarantee": (
        sample_complexity,
        "noise_margin_guarantee",
        test_t2_gradient_noise.test_samples_for_the_noise_margin,
    ),
}


@pytest.mark.parametrize(("module", "name", "check"), DERIVED.values(), ids=DERIVED.keys())
def test_five_percent_in_a_derived_formula(monkeypatch, module, name, check):
    assert_caught(monkeypatch, module, name, check)


def test_a_mutant_fails_the_claims_run_itself(tmp_path, cache):
    """The real command in a process of its own, one variance class changed by 5 %: exit status 1, claim red."""
    plugin = tmp_path / "mutant.py"
    plugin.write_text(
        "from theory.one_step.gradients import EntryMoments\n"
        "original = EntryMoments.variance\n"
        "def changed(self, entry):\n"
        "    return original(self, entry) * (21 if entry == ('k', 'E(k)') else 20) / 20\n"
        "EntryMoments.variance = changed\n"
    )
    command = [sys.executable, "-m", "pytest", "paper_checks/claims/t2/test_gradient_noise.py", "-m", "claims", "-x"]
    command += ["-p", "mutant", "-k", "test_attention_variance and not simulated"]
    command += ["--evidence", str(tmp_path / "claims.json")]
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "", "PAPER_CHECKS_CACHE": str(cache)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "T2.2  ! failed" in run.stdout
