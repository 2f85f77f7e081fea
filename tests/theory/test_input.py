"""Bad input to theory: the message names the argument, the value and what is accepted."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import theory
from theory import Task
from theory.key_query import certified, phase_diagram
from theory.key_query import limits as key_query_limits
from theory.key_query import step as key_query
from theory.one_step import margins, sample_complexity
from theory.one_step import signal_to_noise as signal


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((1, 5, 0.5), ValueError, ("N", "1", ">= 2")),
        ((2.0, 5, 0.5), TypeError, ("N", "2.0", "integer")),
        ((True, 5, 0.5), TypeError, ("N", "True", "integer")),
        ((3, 1, 0.5), ValueError, ("T", "1", ">= 2")),
        ((3, "5", 0.5), TypeError, ("T", "'5'", "integer")),
        ((3, 5, -0.1), ValueError, ("alpha", "-0.1", "[0, 1]")),
        ((3, 5, 1.0000001), ValueError, ("alpha", "1.0000001", "[0, 1]")),
        ((3, 5, float("nan")), ValueError, ("alpha", "nan", "[0, 1]")),
        ((3, 5, float("inf")), ValueError, ("alpha", "inf", "[0, 1]")),
        ((3, 5, "0.5"), TypeError, ("alpha", "'0.5'", "[0, 1]")),
        ((3, 5, 0.5j), TypeError, ("alpha", "0.5j", "[0, 1]")),
        ((3, 5, 0.5, 3), ValueError, ("trigger", "3", "0..2")),
        ((3, 5, 0.5, -1), ValueError, ("trigger", "-1", ">= 0")),
        ((3, 5, 0.5, 1.0), TypeError, ("trigger", "1.0", "integer")),
    ],
)
def test_task_refuses(arguments, error, words):
    with pytest.raises(error) as caught:
        Task(*arguments)
    assert all(word in str(caught.value) for word in words)


def test_task_accepts_numbers_of_every_library():
    assert Task(np.int64(3), np.int32(5), np.float64(0.5), np.uint8(1)) == Task(3, 5, 0.5, 1)
    assert Task(3, 5, sympy.Rational(1, 3)).alpha == Fraction(1, 3)
    assert isinstance(Task(3, 5, 1).alpha, Fraction)
    assert isinstance(Task(3, 5, np.float32(0.5)).alpha, float)


def test_unknown_layer_and_moment():
    task = Task(3, 5, 0.5)
    for call in (theory.gradient_mean, theory.gradient_variance):
        with pytest.raises(ValueError, match=r"layer must be 'feed_forward' or 'attention_value', got 'mlp'"):
            call(task, "mlp")
    with pytest.raises(ValueError, match=r"moment must be 'mean' or 'variance', got 'median'"):
        theory.class_values(task, "feed_forward", "median")
    with pytest.raises(ValueError, match="layer must be"):
        theory.closed_form("mlp", "mean", "k", "E(q)")


def test_exact_needs_a_rational_noise_level():
    with pytest.raises(TypeError, match=r"exact=True needs a rational alpha.*alpha=0\.5"):
        theory.gradient_mean(Task(3, 5, 0.5), "feed_forward", exact=True)


def test_full_matrix_of_a_million_tokens_is_refused_but_its_classes_are_not():
    task = Task(10**6, 10**6, 0.5)
    with pytest.raises(ValueError, match=r"N must be at most .*N=1000000.*class_values"):
        theory.gradient_mean(task, "feed_forward")
    assert theory.class_values(task, "feed_forward", "mean")["tau", "E(q)"] == 0.5 - 1 / 1000001


def test_margin_and_sample_functions_refuse():
    with pytest.raises(ValueError, match=r"preceding must be 'q', 'j' or 'tau' or None, got 'k'"):
        margins.noise_threshold(5, 7, preceding="k")
    with pytest.raises(ValueError, match="change sign"):
        margins.bracket_sign_change(lambda x: x + 1, Fraction(0), Fraction(1))
    with pytest.raises(TypeError, match="alpha must be rational"):
        sample_complexity.noise_margin_guarantee(8, 4, 0.5)
    with pytest.raises(ValueError, match="N must be at least 3"):
        sample_complexity.in_context_signal_to_noise(Task(2, 5, 0.5))
    with pytest.raises(ValueError, match="alpha must be below 1"):
        sample_complexity.in_context_signal_to_noise(Task(3, 5, 1))
    with pytest.raises(ValueError, match="no variance"):
        _ = signal.centred_copying_moments(Task(3, 5, 1)).signal_to_noise
    with pytest.raises(ValueError, match="preceding='tau' needs T >= 3"):
        margins.noise_threshold(5, 2, preceding="tau")
    for call in (margins.noise_threshold, margins.copying_threshold):
        with pytest.raises(ValueError, match="N must be an integer >= 2, got 0"):
            call(0, 5)
        with pytest.raises(TypeError, match=r"N must be an integer >= 2, got 2\.0"):
            call(2.0, 5)
        with pytest.raises(ValueError, match=r"bits must be an integer in 1\.\.256, got -3"):
            call(5, 5, bits=-3)
    with pytest.raises(TypeError, match="N must be an integer"):
        margins.limiting_copying_threshold(2.5)
    with pytest.raises(ValueError, match=r"alpha must be a real number in \[0, 1\], got 7"):
        margins.attention_margin_constant(7)


def test_tasks_that_are_none_and_fractions_that_are_too_long():
    with pytest.raises(TypeError, match=r"task must be a theory\.Law or a theory\.Task, got 'x'"):
        theory.gradient_mean("x", "feed_forward")
    with pytest.raises(TypeError, match=r"task must be a theory\.Task"):
        theory.class_values((3, 5, 0.5), "feed_forward", "mean")
    with pytest.raises(ValueError, match="T=100000000 is too large for exact=True"):
        theory.class_values(Task(3, 10**8, Fraction(1, 3)), "feed_forward", "mean", exact=True)
    with pytest.raises(ValueError, match="alpha must be a real number"):
        Task(3, 5, 10**400)


@pytest.mark.parametrize(
    ("absorption", "error", "words"),
    [
        (-0.1, ValueError, ("-0.1",)),
        (1.5, ValueError, ("1.5",)),
        (float("nan"), ValueError, ("nan",)),
        ("0.5", TypeError, ("'0.5'", "str")),
        (True, TypeError, ("True", "bool")),
        (0.5j, TypeError, ("0.5j", "complex")),
    ],
)
def test_absorption_refused(absorption, error, words):
    task = Task(3, 5, Fraction(1, 2))
    for call in (theory.key_query_gradient, key_query.key_query_classes, phase_diagram.ranking_gap):
        with pytest.raises(error, match=r"absorption must be a real number in \[0, 1\] or None, got ") as caught:
            call(task, absorption=absorption)
        assert all(word in str(caught.value) for word in words)
    with pytest.raises(error, match="absorption must be"):
        phase_diagram.contrast_value(task, "attends", absorption)


def test_exact_key_query_needs_rational_numbers():
    rational, real = Task(3, 5, Fraction(1, 2)), Task(3, 5, 0.5)
    with pytest.raises(TypeError, match=r"exact=True needs a rational absorption.*got 0\.5"):
        theory.key_query_gradient(rational, 0.5, exact=True)
    for absorption in (None, Fraction(1, 2)):
        with pytest.raises(TypeError, match=r"exact=True needs a rational alpha.*alpha=0\.5"):
            theory.key_query_gradient(real, absorption, exact=True)
    with pytest.raises(TypeError, match=r"exact=True needs a rational alpha.*alpha=0\.5"):
        key_query.key_query_parts(real, exact=True)
    with pytest.raises(TypeError, match=r"exact=True needs a rational absorption.*got 0\.5"):
        theory.key_query_gradient(Task(3, 5, Fraction(1, 2)), np.float32(0.5), exact=True)


def test_key_query_sizes():
    for task, exact, most in ((Task(2**27, 5, 0.5), False, 2**27), (Task(2**23, 5, 1), True, 2**23)):
        with pytest.raises(ValueError, match=rf"N must be at most {most - 1} .*N={most}; .*key_query_classes"):
            theory.key_query_gradient(task, exact=exact)
        assert key_query.key_query_classes(task)["P(q)"] < 0
    for call in (theory.key_query_gradient, key_query.key_query_classes, key_query.key_query_parts):
        with pytest.raises(ValueError, match="T=100000000 is too large for exact=True"):
            call(Task(3, 10**8, Fraction(1, 3)), exact=True)
        with pytest.raises(TypeError, match=r"must be a theory\..*Task( or None)?, got \(3, 5\) \(tuple\)"):
            call((3, 5))


def test_key_query_names():
    for name in ("E(j)", "E(τ)", "K[P(q)]", None, ["P(q)"]):
        with pytest.raises(ValueError, match=r"name must be one of \('E\(q\)', .*got "):
            key_query.key_query_closed_form(name)
    task = Task(3, 5, 0.5)
    for contrast in ("attend", "P(q)", None, ["attends"]):
        for call in (phase_diagram.contrast_parts, phase_diagram.contrast_value, phase_diagram.turning_absorption):
            with pytest.raises(ValueError, match=r"contrast must be one of \('attends', 'avoids'\), got "):
                call(task, contrast)
    for call in (phase_diagram.contrast_parts, phase_diagram.contrast_value, phase_diagram.turning_absorption):
        with pytest.raises(TypeError, match=r"task must be a theory\.Task, got 'task' \(str\)"):
            call("task", "attends")
    for call in (phase_diagram.window, phase_diagram.ranking_gap):
        with pytest.raises(TypeError, match=r"task must be a theory\.Task, got 'task' \(str\)"):
            call("task")


THRESHOLDS = (
    phase_diagram.critical_noise_level,
    phase_diagram.absorbed_threshold,
    phase_diagram.ranking_threshold,
    phase_diagram.avoidance_threshold,
    phase_diagram.reversal_range,
)
BAD_SIZES = [
    ((1, 5), ValueError, r"N must be an integer (>= 2|in 2\.\.4294967296), got 1"),
    ((3.0, 5), TypeError, r"N must be an integer (>= 2|in 2\.\.4294967296), got 3\.0"),
    ((3, "5"), TypeError, "T must be an integer >= [234], got '5'"),
    ((3, True), TypeError, "T must be an integer >= [234], got True"),
]


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda call: call.__name__)
def test_thresholds_refuse(threshold):
    bad = [*BAD_SIZES, ((3, 2), ValueError, "T must be an integer >= [34], got 2")]
    bad += [
        ((3, 5, 0), ValueError, r"bits must be an integer in 1\.\.256, got 0"),
        ((3, 5, 1.5), TypeError, "bits must be"),
    ]
    for arguments, error, message in bad:
        with pytest.raises(error, match=message):
            threshold(*arguments)


@pytest.mark.parametrize(
    "call",
    [certified.certify, lambda N, T, *depth: certified.certify_absorbed(N, T, phase_diagram.CONTRASTS, *depth)],
    ids=["certify", "certify_absorbed"],
)
def test_certificates_refuse(call):
    bad = [*BAD_SIZES, ((3, 1), ValueError, "T must be an integer >= 2, got 1")]
    bad += [
        ((3, 5, 3), ValueError, r"depth must be an integer in 4\.\.12, got 3"),
        ((3, 5, 5.0), TypeError, "depth must be"),
    ]
    for arguments, error, message in bad:
        with pytest.raises(error, match=message):
            call(*arguments)


def test_short_contexts_have_no_threshold():
    with pytest.raises(
        ValueError, match=r"at uniform p, N=16, T=8: no change from - to \+ between alpha=0\.0588 and 0\.969"
    ):
        phase_diagram.avoidance_threshold(16, 8)
    for N, T in ((3, 9), (3, 12), (2, 64)):  # at T = 9 it changes, the other way
        with pytest.raises(ValueError, match=rf"N={N}, T={T}: no change from - to \+"):
            phase_diagram.avoidance_threshold(N, T)
    assert phase_diagram.avoidance_threshold(3, 13)[0] < 1 / 3
    with pytest.raises(ValueError, match=r"bits must be an integer in 1\.\.256, got 3000"):
        phase_diagram.critical_noise_level(5, 9, 3000)
    with pytest.raises(ValueError, match=r"N must be an integer in 2\.\.4294967296"):
        certified.certify(2**32 + 1, 5)
    with pytest.raises(ValueError, match="not reversed at alpha=2/5 for N=3, T=8"):
        phase_diagram.reversal_range(3, 8)


def test_expansions_refuse():
    with pytest.raises(TypeError, match=r"order must be an integer in 0\.\.3, got 1\.5"):
        key_query_limits.long_sequence_parts("P(q)", 1.5)
    for order in (4, -1):
        with pytest.raises(ValueError, match=rf"order must be .*got {order}"):
            key_query_limits.long_sequence_parts("P(q)", order)
    with pytest.raises(ValueError, match="root=1 gives no simple balance for contrast='attends'"):
        key_query_limits.threshold_series("attends", 1, 2)
    for call in (
        lambda contrast, terms: key_query_limits.threshold_series(contrast, 3, terms),
        key_query_limits.turning_expansion,
    ):
        with pytest.raises(ValueError, match=r"must be one of .*got 'avoid'"):
            call("avoid", 2)
        with pytest.raises(ValueError, match=r"terms must be an integer in 1\.\.12, got 0"):
            call("attends", 0)
