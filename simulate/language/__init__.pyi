from .folders import find_folder
from .models import LanguageModel, identical_weights, load_language_model
from .saving import save_model

__all__ = [
    "LanguageModel",
    "find_folder",
    "identical_weights",
    "load_language_model",
    "save_model",
]
