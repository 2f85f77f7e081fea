"""E3, E6: which singular directions hold the noise, of F2's two matrices and, without such layers, of W_O² W_V².

T4.4 says of an associative memory with N inputs, N >= 4, that the noise is its top singular direction.
"""

import numpy as np
import pytest
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings import statements
from paper_checks.experiments.trainings.measured import answers_without_mean, memory_of_inputs, noise_alignments
from paper_checks.experiments.trainings.replicates import first_look, layers_dropped, measured, over_seeds, swept
from paper_checks.experiments.trainings.settings import DESK_TASK, desk
from paper_checks.experiments.trainings.variants import no_feed_forward
from simulate import Embeddings, gradient_descent, orthonormal_embeddings
from theory.memory.shared_inputs import largest_shared, shared_spectrum

N = DESK_TASK.N


@pytest.mark.claims("E3")
@pytest.mark.jobs.with_args(first_look(desk(), layers_dropped, swept("F2.w1")))
def test_truncating_the_input_matrix(claim: Assertions) -> None:
    """P(τ) rises with the rank that is kept of w1: lowest at rank 1, back at half rank. The top direction alone does
    not carry it."""
    statements.input_matrix(claim, over_seeds(claim, desk()))


@pytest.mark.claims("E3")
@pytest.mark.jobs.with_args(first_look(desk(), layers_dropped, swept("F2.w2"), measured(noise_alignments)))
def test_truncating_the_output_matrix(claim: Assertions) -> None:
    """P(τ) falls with the rank that is kept of w2: at rank 1 it is above α. Without the top direction, which lies along
    the noise's output as T4.4 has it for N >= 4, a third of the noise is left at most, and P(c) is up."""
    statements.output_matrix(claim, over_seeds(claim, desk()))


@pytest.mark.claims("E6")
@pytest.mark.jobs.with_args(first_look(no_feed_forward(), layers_dropped, swept("W_OV2")))
def test_rank_without_feed_forward_layers(claim: Assertions) -> None:
    """Recall is learned, the noise too. W_O² W_V² of rank N answers as the whole, of rank 1 it hardly recalls."""
    statements.rank_of_values(claim, over_seeds(claim, no_feed_forward()))


@pytest.mark.claims("E6")
@pytest.mark.jobs.with_args(first_look(no_feed_forward(), measured(memory_of_inputs)))
def test_place_of_the_noise(claim: Assertions) -> None:
    """In the logits of the mean attended inputs the noise is on top, as T4.4 says. In the weight it is not: the mean
    input is no singular direction, and made longer by less than the top one."""
    statements.place_of_the_noise(claim, over_seeds(claim, no_feed_forward()))


@pytest.mark.claims("E6")
@pytest.mark.jobs.with_args(first_look(no_feed_forward(), layers_dropped, measured(answers_without_mean)))
def test_one_direction_holds_the_noise(claim: Assertions) -> None:
    """W_O² W_V² made zero on the mean attended input: most of P(τ) is gone, recall is as before, P(c) is up."""
    statements.one_direction(claim, over_seeds(claim, no_feed_forward()))


@pytest.mark.claims("E6")
def test_shared_component_of_a_memory(claim: Assertions) -> None:
    """Inputs that share a component make the weight's order another than the logits'. Equations (10) and (11) of
    `theory.memory.shared_inputs` on memories trained by gradient descent: γ² = 0, below, above (N-3)/(N+1), and 1. The
    top singular direction of the trained weight is the noise's output below, and orthogonal to it above."""
    limit, rounding = float(largest_shared(N)), 20000 * 2.0**-52
    for shared in (0.0, 0.9 * limit, 1.1 * limit, 1.0):
        outputs = orthonormal_embeddings(N).outputs
        embeddings = Embeddings(shared_inputs(N, shared), outputs)
        trained = gradient_descent(embeddings, 0.5, [N / (1 + N * shared)] * 20000, progress=False)
        weight, logits = trained.model(0).W.detach().numpy(), trained.logits[0]
        spread, noise_logit = logits[0, 0] - logits[1, 0], logits[N, 0]
        stated = shared_spectrum(N, spread, noise_logit, shared)
        expected = np.sort([stated.noise, *[stated.correct] * (N - 1)])[::-1]
        left, values, _ = np.linalg.svd(weight)
        claim.close(f"singular values, γ² = {shared:.3g}", expected, values[:N], rounding, "20000 updates' roundings")
        on_noise = abs(float(centred_noise(outputs) @ left[:, 0]))
        is_on_top, side = float(shared < limit), "beyond" if shared < limit else "holds"
        because = "20000 updates' roundings, over the relative gap of the singular values"
        gap = abs(stated.noise / stated.correct - 1)
        name = f"|cosine| of the top direction with the noise, γ² = {shared:.3g}"
        claim.close(name, is_on_top, on_noise, rounding / gap, because, side=side, scale=1.0)


def centred_noise(outputs: torch.Tensor) -> np.ndarray:
    """The unit vector along the noise's output less the mean of all outputs."""
    centred = (outputs[-1] - outputs.mean(dim=0)).numpy()
    unit: np.ndarray = centred / np.linalg.norm(centred)
    return unit


def shared_inputs(n: int, shared: float) -> torch.Tensor:
    """Rows e_i + γ e_0, shape (n, n+1)."""
    rows = torch.zeros(n, n + 1, dtype=torch.float64)
    rows[:, 0], rows[:, 1:] = shared**0.5, torch.eye(n, dtype=torch.float64)
    return rows
