from .answers import Accuracy, Paired, accuracy, is_correct, number, paired
from .problems import OWN, Problem, Prompting, Truncation, grid, read_problems
from .results import accuracies, changes, comparable, read_results, write_results

__all__ = [
    "OWN",
    "Accuracy",
    "Paired",
    "Problem",
    "Prompting",
    "Truncation",
    "accuracies",
    "accuracy",
    "changes",
    "comparable",
    "grid",
    "is_correct",
    "number",
    "paired",
    "read_problems",
    "read_results",
    "write_results",
]
