"""The products that the benchmarks count are all products, those of gradients and of in-place operations included."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from paper_checks.experiments.trainings.settings import desk
from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import initialised
from tests.benchmarks.products import Products

OURS = {torch.ops.aten.addmm_: lambda _, a, b, **options: 2 * a[0] * a[1] * b[1],
        torch.ops.aten.baddbmm_: lambda _, a, b, **options: 2 * a[0] * a[1] * a[2] * b[2]}  # fmt: skip
"""In-place operations, which torch's counter leaves out."""


def test_products_by_their_shapes():
    a, b, c = torch.ones(2, 3), torch.ones(3, 5), torch.ones(7, 2, 3)
    with Products() as found:
        a @ b
        torch.zeros(2, 5).addmm_(a, b)
        c @ c.mT
    assert found.shapes == {((2, 3), (3, 5)): 2, ((7, 2, 3), (7, 3, 2)): 1}
    assert found.operations == 2 * (2 * 2 * 3 * 5) + 2 * 7 * 2 * 3 * 2


@pytest.mark.parametrize("everywhere", [False, True])
def test_those_of_an_update_are_those_that_torch_counts(everywhere):
    training = desk().job(seed=1).training
    model, batch = initialised(training.architecture, seed=1), training.law.sample(8, seed=1)

    def update():
        logits = literal_logits(model, batch.tokens) if everywhere else model(batch.tokens, batch.repeated)
        logits.sum().backward()

    with Products() as found:
        update()
    with FlopCounterMode(display=False, custom_mapping=OURS) as counted:
        update()
    assert found.operations == counted.get_total_flops() > 0


def test_an_operation_that_is_not_counted_is_refused():
    with Products(), pytest.raises(NotImplementedError, match=r"aten\.mv"):
        torch.ones(2, 3) @ torch.ones(3)


def test_alone_does_every_product_as_often():
    with Products() as found:
        for _ in range(3):
            torch.ones(2, 3) @ torch.ones(3, 5)
        torch.ones(7, 2, 3) @ torch.ones(7, 3, 2)
    run = found.alone()
    with Products() as again:
        run()
    assert again.shapes == found.shapes
