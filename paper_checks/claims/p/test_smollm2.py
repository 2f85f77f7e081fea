"""P1, P2, P4, P5 on SmolLM2-135M-Instruct, a real pretrained model in 4 bits: one model, many prompts.

Prompts with one giving (recall) or one country (facts) are not independent: standard errors are clustered. Where cells
are searched, they are chosen on one half of the clusters and reported on the other, in the mean over five splits that
the run's seed fixes, and the best on all prompts is held to the false-alarm level over the number of cells searched.
Named cells and thresholds come from pilot prompts, which share no word with these (`experiments.pretrained`).
"""

from dataclasses import replace
from typing import Any

import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.design import DESIGN
from paper_checks.experiments.named import has_language
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs import Job

from .conftest import of_extra_language


@pytest.fixture(scope="session")
def smollm2() -> Any:
    """The module `experiments.pretrained.found`, where the weights are."""
    found = of_extra_language("pretrained.found")
    if not found.is_there():
        pytest.skip("no weights of SmolLM2: paper-checks weights smollm2")
    return found


def asked(base_seed: int) -> list[Job]:
    """What the whole model answers; nothing without the extra, or the weights."""
    return of_extra_language("pretrained.jobs").baseline_jobs(base_seed) if has_language() else []


def truncated(base_seed: int) -> list[Job]:
    """The sweep of the last layers."""
    return of_extra_language("pretrained.jobs").sweep_jobs(base_seed) if has_language() else []


@pytest.mark.claims("P1.smollm2")
@pytest.mark.jobs.with_args(asked)
def test_smollm2_recall_competes_with_the(claim: Assertions, smollm2: Any) -> None:
    """The name of the context is ahead of the other one, "the" is more probable than the other one, and on a share of
    the prompts "the" and the name compete."""
    competition(claim, smollm2, "recall")


@pytest.mark.claims("P2.smollm2")
@pytest.mark.jobs.with_args(asked)
def test_smollm2_facts_compete_with_the(claim: Assertions, smollm2: Any) -> None:
    """As P1, of a city's country."""
    competition(claim, smollm2, "facts")


def competition(claim: Assertions, smollm2: Any, name: str) -> None:
    """Three signs of means over all prompts whose words are one token each."""
    one = smollm2.baseline(claim.base_seed, name)
    share = claim.rule.thresholds["competing"]
    columns = {
        "logit of the answer less that of the distractor": one.readings.difference,
        'P("the") less P(distractor)': smollm2.over_distractor(one.readings),
        f'share of prompts on which "the" competes, less {share:g}': smollm2.competing_share(one) - share,
    }
    for what, numbers in columns.items():
        claim.sign(f"{name}: {what}", +1, **smollm2.means([numbers], one.clusters), **smollm2.provenance(one))


@pytest.mark.claims("P4.smollm2")
@pytest.mark.jobs.with_args(truncated)
@pytest.mark.parametrize("name", CLAIMED)
def test_smollm2_mlp_matrices_of_the_pilot(claim: Assertions, smollm2: Any, name: str) -> None:
    """The up matrix that the pilot found best; no cell is searched. On facts the penultimate layer's MLP may as well be
    gone."""
    found = smollm2.on(claim.base_seed, name)
    grown(claim, found, smollm2.HELPS[name], "odds")
    if name == "facts":
        fall = found.means([found.changes(smollm2.GONE)["distributional"]])
        claim.sign('facts: change of P("the") without the penultimate MLP', -1, **fall)


def grown(claim: Assertions, found: Any, cell: Any, threshold: str, side: Any = "holds") -> None:
    """With one cell "the" is less probable, the answer more, and the mean of log P(answer) - log P("the") rises by more
    than the rule's threshold."""
    least, changes = claim.rule.thresholds[f"{found.name}_{threshold}"], found.changes(cell)
    helped(claim, found, cell, changes, side)
    growth = found.means([changes["odds"] - least])
    what = f'{found.name}: growth of log P(answer) - log P("the") with {cell}, less {least:g}'
    claim.sign(what, +1, **growth, side=side)


def helped(claim: Assertions, found: Any, what: Any, changes: Any, side: Any = "holds") -> None:
    """ "the" is less probable, and the answer more."""
    for metric, label, sign in (("distributional", 'P("the")', -1), ("answer", "P(answer)", +1)):
        means = found.means([changes[metric]])
        claim.sign(f"{found.name}: change of {label} with {what}", sign, **means, side=side)


def searched(claim: Assertions, found: Any, family: str, side: Any = "holds") -> None:
    """The best cell of a family, chosen on one half and reported on the other; and the best of all on all prompts, held
    to the false-alarm level over how many it is the best of."""
    splits = found.searched(family)
    chosen = [str(cell) for one in splits for cell in one.cells]
    helped(claim, found, f"the best {family} cell of the other half", found.over_splits(splits), side)
    cell, count = found.best_of_all(family)
    design = replace(DESIGN, family=DESIGN.family * count)
    fall = found.means([found.changes(cell)["distributional"]]) | {"searched": count, "chosen": chosen}
    what = f'{found.name}: change of P("the") with the best of all {family} cells'
    claim.sign(what, -1, **fall, design=design, side=side)


@pytest.mark.claims("P4.smollm2")
@pytest.mark.jobs.with_args(truncated)
@pytest.mark.parametrize("name", CLAIMED)
def test_smollm2_best_mlp_matrix_of_the_other_half(claim: Assertions, smollm2: Any, name: str) -> None:
    """Of all MLP cells of the last six layers."""
    searched(claim, smollm2.on(claim.base_seed, name), "MLP")


@pytest.mark.claims("P4.smollm2")
@pytest.mark.jobs.with_args(truncated)
def test_smollm2_last_layer_breaks(claim: Assertions, smollm2: Any) -> None:
    """On recall the last layer's up matrix at low rank does the opposite at every rank tried: the answer is less
    probable."""
    found = smollm2.on(claim.base_seed, "recall")
    for cell in smollm2.BREAKS:
        fall = found.means([found.changes(cell)["answer"]])
        claim.sign(f"recall: change of P(answer) with {cell}", -1, **fall, side="beyond")


@pytest.mark.claims("P5.smollm2")
@pytest.mark.jobs.with_args(truncated)
@pytest.mark.parametrize("name", CLAIMED)
def test_smollm2_attention_helps_as_well(claim: Assertions, smollm2: Any, name: str) -> None:
    """The counterexample: the pilot's attention matrices lower P("the") and raise P(answer), and so does the best of
    the other half."""
    found = smollm2.on(claim.base_seed, name)
    grown(claim, found, smollm2.ATTENDS[name], "attention_odds", "counterexample")
    searched(claim, found, "attention", "counterexample")


@pytest.mark.claims("P5.smollm2")
@pytest.mark.jobs.with_args(truncated)
def test_smollm2_attention_lowers_the_less_on_facts(claim: Assertions, smollm2: Any) -> None:
    """What is left: on facts the best attention cell lowers P("the") by less than two thirds, one of the rule's
    `parts`, of what the best MLP cell does, both chosen on the other half."""
    found, parts = smollm2.on(claim.base_seed, "facts"), claim.rule.thresholds["parts"]
    one, other = (found.over_splits(found.searched(family))["distributional"] for family in ("MLP", "attention"))
    what = 'facts: two thirds of the fall of P("the") with the best MLP cell less that with the best attention cell'
    claim.sign(what, +1, **found.means([other - one / parts]))
