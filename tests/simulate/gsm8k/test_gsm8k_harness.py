"""Prompts, answers and scores of the lm-evaluation-harness, with models that are always right or always wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.places import SHARED

pytest.importorskip("lm_eval", reason="needs the extra gsm8k", exc_type=ModuleNotFoundError)

import datasets
import huggingface_hub
from lm_eval.api.model import LM
from lm_eval.filters.extraction import RegexFilter

from paper_checks.witnesses.number_readers import last_number, stated
from simulate.gsm8k import harness as gsm8k_harness
from simulate.gsm8k.answers import FLEXIBLE, STRICT
from simulate.gsm8k.problems import OWN, Prompting, read_problems, worked_examples

GSM8K = SHARED / "gsm8k_test.jsonl"
PROBLEMS = GSM8K if GSM8K.exists() else OWN
SHORT = Prompting(max_new_tokens=4)


class Scripted(LM):
    """A model of the harness whose answers are made from the question."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.prompts = []

    def generate_until(self, requests, disable_tqdm=False):
        self.prompts += [request.args[0] for request in requests]
        assert all(request.args[1]["do_sample"] is False for request in requests)
        return [self.answer(prompt.rpartition("Q: ")[2].removesuffix("\nA:")) for prompt in self.prompts]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError


def own(split):
    return read_problems(OWN, split)


@pytest.mark.parametrize("problems", [own("problems"), read_problems(PROBLEMS, "problems")[:60]])
def test_a_model_that_is_right_scores_1_and_one_that_is_wrong_0(problems):
    known = {problem.question: problem.answer for problem in problems}
    right = [
        lambda question: f" so it is. The answer is {known[question]}.\n\n",
        lambda question: f" so it is\n#### {float(known[question]):,.2f}",
    ]
    for answer in right:
        found = gsm8k_harness.ask(Scripted(answer), problems, own("examples")[:2], SHORT)
        assert [answer.expected for answer in found] == [problem.answer for problem in problems]
        assert all(answer.correct == {"strict": True, "flexible": True} for answer in found)
    for wrong in ("The answer is 0.001.", "", "The answer is", f"{10**30}"):
        found = gsm8k_harness.ask(Scripted(lambda question, wrong=wrong: wrong), problems, own("examples")[:1], SHORT)
        assert not any(correct for answer in found for correct in answer.correct.values())


def test_right_in_another_form_counts_as_flexible_alone():
    known = {problem.question: problem.answer for problem in own("problems")}
    found = gsm8k_harness.ask(Scripted(lambda q: f"It is {known[q]} then"), own("problems"), own("examples")[:1], SHORT)
    assert all(answer.correct == {"strict": False, "flexible": True} for answer in found)


RESPONSES = {
    "38 * 30 = 1140. The answer is $1,140 and not 7.": (True, False),
    "5.5": (False, True),
    "no idea": (False, False),
    "#### −18": (True, True),
    "": (False, False),
    "The answer is: 27.00. So": (True, True),
    "The answer is 2,91": (False, False),
    "10-3 makes 7, or 8": (False, True),
    "The answer is 5. 17": (False, True),
    "15": (False, True),
}
"""To the ten own problems, and whether they are right: strictly, flexibly."""


def test_the_harness_finds_what_the_witness_finds():
    """Filtered responses of the whole task against our own scan of the raw ones."""
    script = dict(zip((problem.question for problem in own("problems")), RESPONSES, strict=True))
    found = gsm8k_harness.ask(Scripted(script.get), own("problems"), own("examples")[:1], SHORT)
    assert [answer.response for answer in found] == list(RESPONSES)
    for answer in found:
        assert answer.found["strict"] == (stated(answer.response) or "[invalid]")
        assert answer.found["flexible"] == (last_number(answer.response) or "[invalid]")
        assert tuple(answer.correct.values()) == RESPONSES[answer.response], answer


PIECES = ["The answer is ", "#### ", "1,200", "-", "$", "7", ".5", ". ", "12,34", "\n", "x"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=5))
def test_the_harness_filters_as_the_witness_reads(responses):
    for pattern, which, witness in ((STRICT, 0, stated), (FLEXIBLE, -1, last_number)):
        (filtered,) = RegexFilter(pattern, which).apply([responses], [{}])
        assert filtered == [witness(text) or "[invalid]" for text in responses]


@pytest.mark.parametrize("shots", [1, 2, 8])
def test_a_prompt_has_k_worked_examples_and_never_its_own_problem(shots):
    problems = read_problems(PROBLEMS, "problems")[:5]
    examples = worked_examples(own("examples"), problems, 3)[:shots]
    model = Scripted(lambda question: "")
    found = gsm8k_harness.ask(model, problems, examples, SHORT)
    worked = "".join(f"Q: {e.question}\nA: {e.reasoning}\nThe answer is {e.answer}.\n\n" for e in examples)
    for problem, answer, prompt in zip(problems, found, model.prompts, strict=True):
        assert prompt == answer.prompt == f"{worked}Q: {problem.question}\nA:"
        assert prompt.count(problem.question) == 1 and problem.reasoning not in prompt
        assert prompt.count("The answer is") == shots and prompt.count("Q: ") == shots + 1


def test_no_problems_or_examples_are_refused():
    for problems, examples in (([], own("examples")), (own("problems"), [])):
        with pytest.raises(ValueError, match="problems and examples must not be empty"):
            gsm8k_harness.ask(Scripted(str), problems, examples, SHORT)


def test_the_network_is_allowed_again_afterwards():
    modules = (datasets.config, huggingface_hub.constants)
    before = [module.HF_HUB_OFFLINE for module in modules]
    with pytest.raises(KeyError), gsm8k_harness.offline():
        assert huggingface_hub.is_offline_mode() and datasets.config.HF_HUB_OFFLINE
        raise KeyError
    assert [module.HF_HUB_OFFLINE for module in modules] == before
