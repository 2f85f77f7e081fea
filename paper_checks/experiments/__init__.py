"""What checks share: simulations with planned sizes, trainings, what language models answer."""
