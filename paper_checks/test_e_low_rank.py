"""E3, E6: which singular directions hold the noise, of F2's two matrices and, without such layers, of W_O² W_V².

T4.4 says of an associative memory with N inputs, N >= 4, that the noise is its top singular direction.
"""

import numpy as np
import pytest
import torch

from simulate import Embeddings, Transformer, decompose, gradient_descent, orthonormal_embeddings
from theory.memory import top_space
from theory.memory_shared import largest_shared, shared_spectrum

from . import recall_experiments as experiments
from .attended_inputs import attended_memory, without_mean_input
from .recall_settings import DESK_TASK, desk
from .recorder import Recorder

N = DESK_TASK.N


@pytest.mark.claims("E3")
def test_truncating_the_input_matrix(claim: Recorder) -> None:
    """w1 at rank 1 and at rank 4: less noise than the full model. At half rank, and without its top one: no less."""
    found, batch = experiments.runs(claim, desk()), experiments.fresh(desk().law, claim.base_seed)
    whole = experiments.measured(found, batch)["noise"]
    for rank in (1, 4):
        low = experiments.measured(found, batch, experiments.cut("F2.w1", rank))["noise"]
        claim.replicated(f"P(τ) at rank {rank} of w1 over P(τ)", f"input_rank_{rank}", -1, low / whole)
    half = experiments.measured(found, batch, experiments.cut("F2.w1", desk().width // 2))["noise"]
    claim.replicated("P(τ) at half rank of w1 over P(τ)", "input_rank_half", +1, half / whole, side="beyond")
    bottom = experiments.cut("F2.w1", desk().width - 1, "bottom")
    rest = experiments.measured(found, batch, bottom)["noise"]
    claim.replicated("P(τ) without the top direction of w1 over P(τ)", "input_without_top", +1, rest / whole)


@pytest.mark.claims("E3")
def test_truncating_the_output_matrix(claim: Recorder) -> None:
    """w2 at rank 1 has more noise than the full model; without its top direction it has little, and P(c) is high.

    The top left singular vector of w2 is the noise token's output direction, as T4.4 has it for N >= 4.
    """
    found, batch = experiments.runs(claim, desk()), experiments.fresh(desk().law, claim.base_seed)
    whole = experiments.measured(found, batch)["noise"]
    low = experiments.measured(found, batch, experiments.cut("F2.w2", 1))["noise"]
    claim.replicated("P(τ) at rank 1 of w2 over P(τ)", "output_rank_1", +1, low / whole, side="beyond")
    rest = experiments.measured(found, batch, experiments.cut("F2.w2", desk().width - 1, "bottom"))
    claim.replicated("P(τ) without the top direction of w2", "output_without_top", -1, rest["noise"])
    claim.replicated("P(c) without the top direction of w2", "correct_without_top", +1, rest["correct"])
    claim.equal("T4.4's top space", "noise", top_space(N, DESK_TASK.alpha))
    aligned = [noise_alignment(run.model) for run in found]
    claim.replicated("top direction of w2 along the noise output, |cosine|", "aligned", +1, aligned)


def noise_alignment(model: Transformer) -> float:
    """|cosine| between the logits, less their mean, of w2's top left singular vector, and those of the noise alone."""
    U, w2 = (dict(model.named_parameters())[name].detach().numpy() for name in ("U", "F2.w2"))
    logits = U @ decompose(w2).left[:, 0]
    logits -= logits.mean()
    noise = (np.arange(len(U)) == len(U) - 1) - 1 / len(U)
    return float(abs(logits @ noise) / (np.linalg.norm(logits) * np.linalg.norm(noise)))


@pytest.mark.claims("E6")
def test_noise_without_feed_forward_layers(claim: Recorder) -> None:
    """Recall is learned. W_O² W_V² at rank 2N/3 recalls with less noise, at rank N all noise is back; without its top
    direction the noise stays."""
    setting = experiments.no_feed_forward()
    found, batch = experiments.runs(claim, setting), experiments.fresh(setting.law, claim.base_seed)
    whole = experiments.measured(found, batch)
    claim.replicated("recall", "recall_at_end", +1, whole["recall"])
    claim.replicated("P(τ)", "noise_full", +1, whole["noise"])
    low = experiments.measured(found, batch, experiments.cut("W_OV2", 2 * N // 3))
    claim.replicated("P(τ) at rank 2N/3 over P(τ)", "noise_low_rank", -1, low["noise"] / whole["noise"])
    claim.replicated("recall at rank 2N/3", "recall_low_rank", +1, low["recall"])
    all_but = experiments.measured(found, batch, experiments.cut("W_OV2", N))
    claim.replicated("P(τ) at rank N over P(τ)", "noise_rank_N", +1, all_but["noise"] / whole["noise"])
    bottom = experiments.measured(found, batch, experiments.cut("W_OV2", setting.width - 1, "bottom"))
    ratio = bottom["noise"] / whole["noise"]
    claim.replicated("P(τ) without the top direction over P(τ)", "noise_without_top", +1, ratio, side="beyond")


@pytest.mark.claims("E6")
def test_shared_component_turns_the_order_round(claim: Recorder) -> None:
    """The logits of the mean attended inputs have the noise on top, as T4.4 says. The weight makes the direction of
    their mean, which carries it, shorter than their differences: `theory.memory_shared`, for inputs that share enough.
    """
    setting = experiments.no_feed_forward()
    found, batch = experiments.runs(claim, setting), experiments.fresh(setting.law, claim.base_seed)
    memories = [attended_memory(run.model, batch) for run in found]
    places = [memory.place for memory in memories]
    claim.replicated("place of the noise among the directions of the logits", "logits_place", -1, places)
    ratios = [memory.ratio for memory in memories]
    claim.replicated("what the weight makes of the mean over differences", "weight_ratio", -1, ratios)


@pytest.mark.claims("E6")
def test_one_direction_holds_the_noise(claim: Recorder) -> None:
    """W_O² W_V² made zero on the mean attended input: P(τ) is gone, recall is as before, P(c) is up."""
    setting = experiments.no_feed_forward()
    found, batch = experiments.runs(claim, setting), experiments.fresh(setting.law, claim.base_seed)
    others = setting.law.sample(experiments.TESTED, seed=claim.seed("attended inputs"))
    whole = experiments.measured(found, batch)
    less = experiments.measured(found, batch, lambda model: without_mean_input(model, others))
    ratio = less["noise"] / whole["noise"]
    claim.replicated("P(τ) without the mean input's direction over P(τ)", "one_direction", -1, ratio)
    name = "without the mean input's direction"
    claim.replicated(f"recall {name}", "recall_without_direction", +1, less["recall"])
    claim.replicated(f"P(c) {name} less P(c)", "correct_gain", +1, less["correct"] - whole["correct"])


@pytest.mark.claims("E6")
def test_shared_component_of_a_memory(claim: Recorder) -> None:
    """Equations (1) and (2) on memories trained by gradient descent: γ² = 0, below, above (N-3)/(N+1), and 1."""
    limit = float(largest_shared(N))
    claim.equal("T4.4 at γ = 0", top_space(N, 0.5), "noise" if limit > 0 else "correct")
    for shared in (0.0, 0.9 * limit, 1.1 * limit, 1.0):
        outputs = orthonormal_embeddings(N).outputs
        embeddings = Embeddings(shared_inputs(N, shared), outputs)
        trained = gradient_descent(embeddings, 0.5, [N / (1 + N * shared)] * 20000, progress=False)
        weight, logits = trained.model(0).W.detach().numpy(), trained.logits[0]
        spread, noise_logit = logits[0, 0] - logits[1, 0], logits[N, 0]
        stated = shared_spectrum(N, spread, noise_logit, shared)
        expected = np.sort([stated.noise, *[stated.correct] * (N - 1)])[::-1]
        values = np.linalg.svd(weight, compute_uv=False)[:N]
        rounding = 20000 * 2.0**-52
        claim.close(f"singular values, γ² = {shared:.3g}", expected, values, rounding, "20000 updates' roundings")
        side = "holds" if shared > limit else "beyond"
        pair = (stated.noise, stated.correct) if shared > limit else (stated.correct, stated.noise)
        claim.less(f"top space, γ² = {shared:.3g}", *pair, side=side)


def shared_inputs(n: int, shared: float) -> torch.Tensor:
    """Rows e_i + γ e_0, shape (n, n+1)."""
    rows = torch.zeros(n, n + 1, dtype=torch.float64)
    rows[:, 0], rows[:, 1:] = shared**0.5, torch.eye(n, dtype=torch.float64)
    return rows
