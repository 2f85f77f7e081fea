"""Initial weights: what the seed decides, and their laws."""

import math

import torch

from simulate import Architecture, Hidden, initialised

from .models import CASES, SIX, D, M, T, every_case, made


@every_case
def test_the_seed_decides_the_weights(case):
    one, same, other = (dict(made(case, seed=seed).named_parameters()) for seed in (4, 4, 5))
    single = dict(made(case, seed=4, dtype=torch.float32, device="cpu").named_parameters())
    for name, weight in one.items():
        assert torch.equal(weight, same[name]) and torch.equal(weight.float(), single[name])
        assert (weight != other[name]).all(), name


def test_first_weights_do_not_depend_on_what_comes_later():
    """Nor on what learns; F1 comes before F2, so F2's weights are others where F1 is missing."""
    models = {case: dict(made(case, seed=4).named_parameters()) for case in CASES}
    for case, weights in models.items():
        for name in {"E", "P", "U", *SIX}:
            assert torch.equal(weights[name], models["attention alone"][name]), (case, name)
    assert torch.equal(models["F1"]["F1.w2"], models["linear"]["F1.w2"])
    assert torch.equal(models["F2"]["F2.w2"], models["learned positions"]["F2.w2"])
    assert not torch.equal(models["F2"]["F2.w2"], models["linear"]["F2.w2"])
    longer = initialised(Architecture(M, T + 2, D), seed=4, dtype=torch.float64)
    assert torch.equal(longer.E, models["F1"]["E"]) and not torch.equal(longer.U, models["F1"]["U"])


FALSE_ALARM = 1e-9


def test_initial_weights_follow_their_laws():
    """E and P standard normal, the others uniform within ±1/√inputs, and no two alike.

    n draws of a law are nowhere further than δ from its distribution function but with probability 2 exp(-2 n δ²)
    (Dvoretzky, Kiefer, Wolfowitz; Massart): this bounds the deviation of every moment. Products of two independent
    uniform numbers in ±1 have a mean within δ of 0 but with probability 2 exp(-n δ² / 2) (Hoeffding).
    """
    architecture = Architecture(1009, 1013, 211, Hidden(97), Hidden(401, "linear"))
    weights = {name: w.detach().double() for name, w in initialised(architecture, seed=6).named_parameters()}
    inputs = {name: 211 for name in weights} | {"F1.w2": 97, "F2.w2": 401}
    tests = len(weights) + math.comb(len(SIX), 2)
    scaled = {name: weight.flatten() * inputs[name] ** 0.5 for name, weight in weights.items()}
    for name, weight in weights.items():
        values = weight.flatten() if name in ("E", "P") else scaled[name]
        shares = torch.special.ndtr(values) if name in ("E", "P") else (values + 1) / 2
        n = len(shares)
        distance = (shares.sort().values - torch.arange(1, 2 * n, 2, dtype=torch.float64) / (2 * n)).abs().max()
        assert distance < (math.log(2 * tests / FALSE_ALARM) / (2 * n)) ** 0.5 + 0.5 / n, name
    six = torch.stack([scaled[name] for name in sorted(SIX)])
    products = (six @ six.T / six.shape[1]).triu(1)
    assert products.abs().max() < (2 * math.log(2 * tests / FALSE_ALARM) / six.shape[1]) ** 0.5
    assert not torch.equal(weights["E"], weights["P"][:1009])
