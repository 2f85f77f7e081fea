"""Where a matrix keeps the lead of the distributional continuation: sums, the measured change, input."""

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

import torch

from simulate.laser.directions import leads, noise_directions
from simulate.laser.roles import matrices
from simulate.laser.sweeps import Cell, sweep
from simulate.prompts.tokens import Encoded, logits_after, measure
from tests.oracles.tiny_language_models import KINDS, SIZES, tiny_model

ROLES = ("mlp_in", "mlp_out", "attention_qkv", "attention_out")


def prompts():
    """Five prompts of two lengths."""
    draws = torch.Generator().manual_seed(5)
    tokens = [torch.randint(3, 23, shape, generator=draws) for shape in ((2, 4), (3, 6))]
    groups = ((np.array([3, 0]), tokens[0]), (np.array([1, 2, 4]), tokens[1]))
    return Encoded(5, groups, *(torch.tensor(end) for end in ([4, 9, 6, 7, 8], [9, 4, 4, 4, 4], [3, 3, 3, 3, 5])))


def in_double(kind):
    return tiny_model(kind).double().eval()


def lead_of(model, encoded):
    """d of every prompt, from the logits."""
    found = np.empty(encoded.count)
    for places, tokens in encoded.groups:
        logits = logits_after(model, tokens)
        rows = torch.arange(len(places))
        found[places] = (logits[rows, encoded.distributional[places]] - logits[rows, encoded.answer[places]]).numpy()
    return found


@pytest.mark.parametrize("layer", [0, -1])
@pytest.mark.parametrize("kind", ["neox", "llama", "phi3"])
def test_contributions_of_the_output_matrix_sum_to_the_mlps(kind, layer):
    """Equation (1): to Σ_t g_t · (output of the MLP - its bias), with g by autograd at that output."""
    model, encoded = in_double(kind), prompts()
    (one,) = noise_directions(model, encoded, "mlp_out", layer)
    linear = model.get_submodule(one.matrix.parameter.removesuffix(".weight"))
    expected = np.empty(encoded.count)
    for places, tokens in encoded.groups:
        kept = {}

        def keep(module, given, output, kept=kept):
            kept["output"] = output
            output.retain_grad()

        handle = linear.register_forward_hook(keep)
        logits = model(input_ids=tokens).logits[:, -1]
        handle.remove()
        rows = torch.arange(len(places))
        (logits[rows, encoded.distributional[places]] - logits[rows, encoded.answer[places]]).sum().backward()
        written = kept["output"] - (0 if linear.bias is None else linear.bias)
        expected[places] = (written * kept["output"].grad).sum((1, 2)).detach().numpy()
    np.testing.assert_allclose(one.total, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.of_top(one.values.size), one.total, rtol=1e-12)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", ["neox", "llama", "phi3"])
def test_a_contribution_is_the_slope_of_the_lead_as_the_direction_is_scaled(kind, role):
    """Central differences of d with σ_i (1 ± s), for every matrix that the role names and several of its directions.

    Root-mean-square norms are computed in float32 whatever the model's type: s is not smaller for that."""
    encoded, step = prompts(), 2e-3
    for number, one in enumerate(noise_directions(in_double(kind), encoded, role, 1)):
        for place in (0, 3, one.values.size - 1):
            found = []
            for sign in (1, -1):
                model = in_double(kind)
                matrix = matrices(model, role, 1)[number]
                weight = model.get_parameter(matrix.parameter).detach()
                kept = matrix.taken_from(weight)
                left, values, right = torch.linalg.svd(kept, full_matrices=False)
                changed = sign * step * values[place] * torch.outer(left[:, place], right[place])
                matrix.put_into(weight, kept + changed)
                found.append(lead_of(model, encoded))
            slope = (found[0] - found[1]) / (2 * step)
            np.testing.assert_allclose(one.contributions[:, place], slope, rtol=2e-3, atol=1e-3)


def test_removal_of_a_small_direction_changes_the_lead_by_its_contribution():
    """Of a model whose output matrix hardly matters: to the order of its square, measured by a sweep's cells."""
    model, encoded = in_double("llama"), prompts()
    matrix = matrices(model, "mlp_out", -1)[0]
    with torch.no_grad():
        model.get_parameter(matrix.parameter).mul_(1e-3)
    (one,) = noise_directions(model, encoded, "mlp_out", -1)
    rank = one.values.size
    cells = [Cell(1, "mlp_out", 4), Cell(1, "mlp_out", without=4), Cell(1, "mlp_out", 0)]
    made = sweep(model, {"all": encoded}, cells)
    before = leads(made.whole["all"])
    np.testing.assert_allclose(before, lead_of(model, encoded), rtol=1e-9)
    np.testing.assert_allclose(before, leads(measure(model, encoded)), rtol=1e-9)
    first, without, none = (leads(made.cells[cell]["all"]) - before for cell in cells)
    np.testing.assert_allclose(first, one.of_top(4) - one.of_top(rank), rtol=0.05, atol=1e-5)
    np.testing.assert_allclose(without, -one.of_top(4), rtol=0.05, atol=1e-5)
    np.testing.assert_allclose(none, -one.total, rtol=0.05, atol=1e-5)


def test_share_of_the_directions_that_are_for_the_noise():
    (one,) = noise_directions(in_double("neox"), prompts(), "mlp_out", -1)
    mean = one.contributions.mean(axis=0)
    for_it = np.where(mean > 0, mean, 0)
    assert one.share_of_top(0) == 0 and one.share_of_top(one.values.size) == pytest.approx(1)
    assert one.share_of_top(3) == pytest.approx(for_it[:3].sum() / for_it.sum()) and 0 < one.share_of_top(3) < 1
    with pytest.raises(ValueError, match=f"count must be at most {one.values.size}, the directions of .*mlp_out"):
        one.of_top(one.values.size + 1)
    with pytest.raises(ValueError, match="count must be an integer >= 0, got -1"):
        one.share_of_top(-1)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_model_is_not_changed(kind):
    model = tiny_model(kind)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with torch.no_grad():
        found = noise_directions(model, prompts(), "mlp_in", 0)
    assert len(found) == (2 if "mlp_gate" in [one.matrix.part for one in found] else 1)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert [one.contributions.shape for one in found] == [(5, min(SIZES["hidden_size"], 17))] * len(found)


def test_a_gradient_that_is_not_finite_is_refused():
    model = tiny_model("neox")
    with torch.no_grad():
        model.get_output_embeddings().weight[3] = torch.nan
    with pytest.raises(ValueError, match=r"model must have finite gradients, at .*mlp_out.* got NaN or infinite ones"):
        noise_directions(model, prompts(), "mlp_out", 0)
