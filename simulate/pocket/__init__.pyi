from .shipped import is_pocket, pocket_folders, pocket_record
from .training import PocketTraining, train_pocket

__all__ = [
    "PocketTraining",
    "is_pocket",
    "pocket_folders",
    "pocket_record",
    "train_pocket",
]
