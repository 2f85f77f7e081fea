from .folders import find_folder
from .models import LanguageModel, identical_weights, load_language_model

__all__ = [
    "LanguageModel",
    "find_folder",
    "identical_weights",
    "load_language_model",
]
