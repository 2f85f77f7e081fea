"""Word problems: the data of claim P6, the answers of language models to them, and their scores.

    from simulate.gsm8k import OWN, number, read_problems
    problems = read_problems(OWN, "examples")  # of own wording; a file of GSM8K has the same form
    answers = [number(problem.answer) for problem in problems]

Source: Cobbe et al. (2021), GSM8K; Wei et al. (2022), chain of thought.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
