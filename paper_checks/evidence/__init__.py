"""What a claim is judged by and kept as: comparator, ledger, designs, records. Knows nothing of the papers."""

import zlib

DEFAULT_SEED = 20240603
"""The base seed of a run, and of a picture, for which none is given."""


def experiment_seed(base_seed: int, name: str) -> int:
    """The seed of an experiment: the base seed, followed by the 32 bits of the CRC-32 of the experiment's name."""
    return (base_seed << 32) ^ zlib.crc32(name.encode())
