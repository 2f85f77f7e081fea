"""Pocket Pythia as it is shipped: where its model folders lie, and their hashes.

`data/pocket/seed-<training seed>/step-<updates>/` are standard model folders. `data/pocket/training.json` has what they
were trained with, what was observed on the way, and the sha256 of every weight file. README.md there is the data card
and the model card.
"""

from pathlib import Path
from typing import Any

from simulate.runtime.files import file_digest, read_json
from simulate.runtime.shipped import require_shipped, shipped_file
from theory.arguments import checked

FOLDER = Path(__file__).parents[1] / "data" / "pocket"
RECORD = "training.json"
LARGEST = 10**7
"""Bytes that no weight file reaches."""
STEPS = 2000
"""Updates of a training."""
EXPLORED = (1, 2, 3)
"""Training seeds that were looked at before the rules of P1 to P5 were set; the rules come from them."""
CONFIRMING = (4, 5, 6, 7, 8, 9, 10)
"""Training seeds that nothing was known of when the rules were set; P1 to P5 are about them."""
EARLY = 64
"""Updates after which every training seed of EXPLORED has a checkpoint, besides the last one."""
MISSING = "pocket Pythia is not in {root}: reinstall, or train it with paper-checks train-pocket"


@checked
def pocket_folders(root: Path = FOLDER) -> dict[int, dict[int, Path]]:
    """The model folders by training seed and updates, both increasing; those that are shipped, as they were shipped.

    Raises:
        FileNotFoundError: there are none, or a shipped file is missing.
        ValueError: a file is not as it was shipped.
    """
    found: dict[int, dict[int, Path]] = {}
    for path in root.glob("seed-*/step-*"):
        seed, step = (int(part.rpartition("-")[2]) for part in (path.parent.name, path.name))
        found.setdefault(seed, {})[step] = path
    if not found:
        raise FileNotFoundError(MISSING.format(root=root))
    if root == FOLDER:
        require_shipped(FOLDER.name)
    return {seed: dict(sorted(found[seed].items())) for seed in sorted(found)}


@checked
def is_pocket(folder: Path) -> bool:
    """Whether the weights in a folder are some of those that are shipped."""
    known = set(pocket_record()["sha256"].values())
    small = [path for path in folder.glob("*.safetensors") if path.stat().st_size < LARGEST]
    return any(file_digest(path) in known for path in small)


@checked
def pocket_record(root: Path = FOLDER) -> dict[str, Any]:
    """What training.json holds: "trainings", "history" and "sha256", by training seed or path.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not as it was written.
    """
    if not (root / RECORD).exists():
        raise FileNotFoundError(MISSING.format(root=root))
    if root == FOLDER:
        shipped_file(f"{FOLDER.name}/{RECORD}")
    return read_json(root / RECORD, "paper-checks train-pocket")
