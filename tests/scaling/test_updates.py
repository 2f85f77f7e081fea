"""An update of the two-layer transformer against the batch, T, M and d."""

from dataclasses import replace

from paper_checks.experiments.trainings.settings import paper, sparse_chain
from simulate import Hidden, Recall, initialised

from .ladders import ladder

BATCH = 16
SIZES = (32, 64, 128, 256)


def updating(setting, batch=BATCH):
    """A function that makes an update of this setting on its first batch of so many sequences."""
    training = setting.job(seed=1).training
    model, drawn = initialised(training.architecture, seed=1), training.law.sample(batch, seed=1)
    optimiser = training.optimiser.over([weight for weight in model.parameters() if weight.requires_grad])

    def update():
        optimiser.zero_grad()
        training.loss(model, drawn).backward()
        optimiser.step()

    return update


@ladder("update against the batch: the paper's T and d", "batch", (4, 8, 16, 32))
def test_update(benchmark, batch):
    benchmark(updating(paper(), batch))


@ladder(f"update against T: {BATCH} sequences, the paper's d", "T", SIZES)
def test_update_long(benchmark, T):
    setting = paper()
    benchmark(updating(replace(setting, law=replace(setting.law, T=T))))


@ladder(f"update against M: {BATCH} sequences, T = 256, d = 256", "M", SIZES)
def test_update_tokens(benchmark, M):
    law = Recall(sparse_chain(M, 4, 1), 256, M // 8)  # an eighth of the positions holds a trigger, whatever M
    benchmark(updating(replace(paper(), law=law)))


@ladder(f"update against d: {BATCH} sequences, T = 256, F1 and F2 of width 4 d", "d", SIZES)
def test_update_wide(benchmark, d):
    benchmark(updating(replace(paper(), width=d, F1=Hidden(4 * d), F2=Hidden(4 * d))))
