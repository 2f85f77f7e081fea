"""The sweep: every cell is what a truncated copy of the model says, on three architectures; records, their faults."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from simulate.laser.reduction import Choice, truncated
from simulate.laser.roles import ROLES, matrices
from simulate.laser.runner import Runner
from simulate.laser.sweeps import Cell, doubling_ranks, read_choices, sweep
from simulate.prompts.tokens import METRICS, Encoded, measure
from tests.oracles.laser import LAYERS, VOCABULARY, model_of, same, smallest_side, state

RANKS = (0, 1, 3)


def prompts(seed=3):
    """Two sets of random tokens: one of two lengths, 7 prompts, and one of 5."""
    draw = torch.Generator().manual_seed(seed)

    def numbers(*shape):
        return torch.randint(VOCABULARY, shape, generator=draw)

    def ends(count):
        return [numbers(count) for _ in range(3)]

    mixed = ((np.array([0, 2, 5, 6]), numbers(4, 9)), (np.array([1, 3, 4]), numbers(3, 11)))
    return {"mixed": Encoded(7, mixed, *ends(7)), "even": Encoded(5, ((np.arange(5), numbers(5, 8)),), *ends(5))}


def stacked(readings):
    return np.stack([getattr(readings, metric) for metric in METRICS])


@pytest.mark.parametrize("name", ["neox", "llama", "phi3"])
def test_every_cell_is_a_truncated_model(name, **more):
    """The layers below are run once, and weights put in and taken back: the numbers are those of a whole run."""
    model, sets = model_of(name, **more), prompts()
    before = state(model)
    roles = (*ROLES, "query", "value", "mlp_up")
    found = sweep(model, sets, roles=roles, ranks=RANKS)
    assert same(before, state(model))
    assert set(found.cells) == {Cell(layer, role, rank) for layer in range(LAYERS) for role in roles for rank in RANKS}
    for cell, answers in found.cells.items():
        oracle = truncated(model, cell.choice)
        for key, encoded in sets.items():
            expected = stacked(measure(oracle, encoded))
            # Both run the same float64 operations on the same numbers; only sums over batches of other sizes differ.
            np.testing.assert_allclose(stacked(answers[key]), expected, rtol=1e-10, atol=1e-12)
    for key, encoded in sets.items():
        np.testing.assert_allclose(stacked(found.whole[key]), stacked(measure(model, encoded)), rtol=1e-10, atol=1e-12)


def test_choices_are_truncated_models_in_the_order_given():
    """From the end, from the first layer, top and bottom; what the whole model says may be given."""
    model, sets = model_of("neox"), prompts()
    choices = [Choice("mlp_out", -1, 3, keep="bottom"), Choice("attention_qkv", 0, 1), Choice("mlp_in", -1, 0)]
    whole = {name: measure(model, encoded) for name, encoded in sets.items()}
    for known in (None, whole):
        found = read_choices(model, sets, choices, known)
        for choice, answers in zip(choices, found, strict=True):
            oracle = truncated(model, choice)
            for name, encoded in sets.items():
                expected = stacked(measure(oracle, encoded))
                np.testing.assert_allclose(stacked(answers[name]), expected, rtol=1e-10, atol=1e-12)


def test_some_prompts_are_answered_as_among_all():
    """Of several lengths, in any order; a length of which there is none is left out."""
    model, encoded = model_of("neox"), prompts()["mixed"]
    whole = measure(model, encoded)
    for places in (np.array([5, 0, 3]), np.array([1, 4]), np.arange(7)):
        some = encoded.at(places)
        assert some.count == len(places) and all(len(group) for group, _ in some.groups)
        np.testing.assert_allclose(stacked(measure(model, some)), stacked(whole.at(places)), rtol=1e-10, atol=1e-12)


def test_a_sweep_takes_what_is_known_of_the_whole_model():
    model, sets = model_of("neox"), prompts()
    known = {name: measure(model, encoded).at(np.arange(encoded.count)) for name, encoded in sets.items()}
    found = sweep(model, sets, ranks=(1,), layers=(1,), roles=("mlp_in",), whole=known)
    assert found.whole == known


def test_change_is_against_the_whole_model():
    found = sweep(model_of("neox"), prompts(), ranks=(1,), layers=(2,), roles=("mlp_in",))
    cell = Cell(2, "mlp_in", 1)
    places = np.array([4, 1])
    expected = (found.cells[cell]["mixed"].answer - found.whole["mixed"].answer)[places]
    assert np.array_equal(found.change(cell, "mixed", "answer", places), expected)
    assert np.abs(expected).max() > 1e-4


def test_doubling_ranks_stay_below_every_matrix():
    for name in ("neox", "llama", "phi3"):
        model = model_of(name)
        smallest = min(smallest_side(name, role) for role in ROLES)
        ranks = doubling_ranks(model)
        assert ranks[:4] == (0, 1, 2, 4) and ranks[-1] < smallest <= 2 * ranks[-1]


def test_an_interrupted_sweep_goes_on(tmp_path, monkeypatch):
    """Ctrl-C in the middle: the record has what was done, and only the rest is computed, to the same numbers."""
    model, sets, record = model_of("neox"), prompts(), tmp_path / "deep" / "record.safetensors"
    whole = sweep(model, sets, ranks=RANKS)
    read, done = Runner.read, []

    def counted(self, layer, role, versions):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(len(versions))
        return read(self, layer, role, versions)

    monkeypatch.setattr(Runner, "read", counted)
    with pytest.raises(KeyboardInterrupt):
        sweep(model, sets, ranks=RANKS, record=record)
    assert [path.name for path in record.parent.iterdir()] == ["record.safetensors"]
    done[:] = [0] * 20
    again = sweep(model, sets, ranks=RANKS, record=record)
    assert sum(done) == len(whole.cells) - 5 * len(RANKS)
    for cell, answers in whole.cells.items():
        for key in sets:
            assert np.array_equal(stacked(answers[key]), stacked(again.cells[cell][key]))


@pytest.mark.parametrize("tokens", [1, 60, 10**6])
def test_versions_at_once_do_not_matter(tokens, monkeypatch):
    monkeypatch.setattr("simulate.laser.runner.MOST_TOKENS", tokens)
    test_every_cell_is_a_truncated_model("neox")


@pytest.mark.parametrize("name", ["neox", "llama", "phi3"])
def test_layers_left_out(name):
    """The first layer and then the last: transformers runs no more layers than its configuration has."""
    model, sets = model_of(name), prompts()
    found = sweep(model, sets, roles=("query",), layers=(0, LAYERS - 1), ranks=(1,))
    for cell, answers in found.cells.items():
        expected = stacked(measure(truncated(model, cell.choice), sets["mixed"]))
        np.testing.assert_allclose(stacked(answers["mixed"]), expected, rtol=1e-10, atol=1e-12)


def test_serial_residual():
    """GPT-NeoX whose MLP reads the attention's output: it is not taken for unchanged."""
    test_every_cell_is_a_truncated_model("neox", use_parallel_residual=False)


def test_a_record_is_of_one_model_its_prompts_and_the_code(tmp_path, monkeypatch):
    record, small = tmp_path / "record.safetensors", {"ranks": (0,), "layers": (0,), "roles": ("mlp_out",)}
    sweep(model_of("neox"), prompts(), record=record, **small)
    kept = record.read_bytes()
    with pytest.raises(ValueError, match="of this model, these prompts"):
        sweep(model_of("neox", seed=2), prompts(), record=record, **small)
    with pytest.raises(ValueError, match="of this model, these prompts"):
        sweep(model_of("neox"), prompts(seed=4), record=record, **small)
    monkeypatch.setattr("simulate.laser.sweeps.CODE", tmp_path)
    (tmp_path / "chapter").mkdir()
    for name in ("other.py", "other.pyi"):
        (tmp_path / "chapter" / name).write_text("x = 1\n")
    with pytest.raises(ValueError, match="of this model, these prompts, this code"):
        sweep(model_of("neox"), prompts(), record=record, **small)
    monkeypatch.undo()
    record.write_bytes(kept[:-10])
    with pytest.raises(ValueError, match="whole record of a sweep"):
        sweep(model_of("neox"), prompts(), record=record, **small)
    assert record.read_bytes() == kept[:-10]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranks": (0, 99)}, "rank must be at most"),
        ({"ranks": (-1,)}, "rank must be"),
        ({"layers": (LAYERS,)}, "layer"),
        ({"layers": (0.5,)}, "layer must be"),
        ({"roles": ("mlp",)}, r"roles\[0\] must be "),
    ],
)
def test_cells_that_are_not_there(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(model_of("neox"), prompts(), **options)


def test_no_prompts():
    with pytest.raises(ValueError, match="prompts must be a mapping of at least 1 entries"):
        sweep(model_of("neox"), {})


def test_logits_that_are_not_finite():
    model = model_of("neox")
    with torch.no_grad():
        model.lm_head.weight[3, 0] = float("nan")
    with pytest.raises(ValueError, match="finite logits"):
        sweep(model, prompts(), ranks=(0,))


def test_levels_of_other_kinds_are_truncated_models_too(tmp_path):
    """A share of the rank, which is each matrix's own, and a matrix without its largest directions; from a record."""
    model, sets = model_of("llama"), prompts()
    asked = {"roles": ("attention_qkv", "mlp_up"), "layers": [1], "fractions": (0.5, 0.25), "without": (2,)}
    found = sweep(model, sets, record=tmp_path / "sweep", **asked)
    assert list(sweep(model, sets, reversed(found.cells)).cells) == list(reversed(found.cells))
    levels = [{"fraction": 0.25}, {"fraction": 0.5}, {"without": 2}]
    assert list(found.cells) == [Cell(1, role, **level) for role in asked["roles"] for level in levels]
    for cell, answers in found.cells.items():
        oracle = truncated(model, Choice(cell.role, 1, fraction=cell.fraction, without=cell.without))
        for name, encoded in sets.items():
            expected = stacked(measure(oracle, encoded))
            np.testing.assert_allclose(stacked(answers[name]), expected, rtol=1e-10, atol=1e-12)
    again = sweep(model, sets, record=tmp_path / "sweep", **asked)
    for cell, answers in found.cells.items():
        assert all(np.array_equal(stacked(answers[name]), stacked(again.cells[cell][name])) for name in sets)


def test_cells_are_in_order_and_in_words():
    cells = [Cell(1, "query", 3), Cell(1, "query", fraction=0.25), Cell(1, "query", without=4), Cell(2, "key", 0)]
    assert sorted(reversed(cells)) == cells
    assert [str(cell) for cell in cells] == [
        "query of layer 1 at rank 3",
        "query of layer 1 at 0.25 of its rank",
        "query of layer 1 without its top 4",
        "key of layer 2 at rank 0",
    ]


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"without": [10**6]}, "without must be at most"),
        ({"fractions": [1.5]}, "fraction must be"),
        ({"ranks": [10**6]}, "rank must be at most"),
        ({"without": [-1]}, "without must be an integer >= 0"),
    ],
)
def test_levels_that_a_matrix_does_not_have_are_refused_before_any_work(levels, message, monkeypatch):
    monkeypatch.setattr(Runner, "__init__", lambda *given: pytest.fail("it ran"))
    with pytest.raises(ValueError, match=message):
        sweep(model_of("llama"), prompts(), roles=("key",), **levels)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_without_leaves_out_that_many_of_the_largest_directions(number):
    """Against numpy's decomposition, of every matrix of a role."""
    model = model_of("llama")
    for matrix in matrices(model, "attention_qkv", 1):
        weight = matrix.taken_from(model.get_parameter(matrix.parameter).detach()).numpy()
        left, values, right = np.linalg.svd(weight, full_matrices=False)
        expected = (left[:, number:] * values[number:]) @ right[number:]
        made = truncated(model, Choice("attention_qkv", 1, without=number))
        found = matrix.taken_from(made.get_parameter(matrix.parameter).detach()).numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * values[0])  # float64, some hundred terms
