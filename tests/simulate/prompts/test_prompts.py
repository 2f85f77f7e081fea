"""Prompts: what they hold and hold out, their tokens in two tokenizers, and the metrics against sums by hand."""

import math
import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.places import SHARED

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from tokenizers import Tokenizer

from simulate.prompts.corpus import all_documents, held_out_templates
from simulate.prompts.sets import HELD_OUT, PAPER_FACT, PAPER_RECALL, Prompt, fact_prompts, halves, recall_prompts
from simulate.prompts.tokens import Encoded, encode, last_logits, mean_and_error, measure, readings
from simulate.prompts.words import (
    FACT_TEMPLATES,
    FACTS,
    HELD_OUT_GIVINGS,
    HELD_OUT_NAMES,
    HELD_OUT_OPENINGS,
    NAMES,
    OPENINGS,
    TRAINED_NAMES,
)
from tests.oracles.tiny_language_models import tiny_tokenizer

SHARED_FILE = SHARED / "gpt_neox_tokenizer.json"


@pytest.mark.parametrize("held_out", HELD_OUT)
def test_recall_prompts(held_out):
    """The giver is named twice and is the distractor, the answer once; both orders equally often; no prompt twice."""
    made = recall_prompts(300, seed=11, held_out=held_out)
    assert len({prompt.text for prompt in made}) == 300
    first = 0
    for prompt in made:
        words = Counter(re.findall(r"\w+", prompt.text))
        answer, giver = prompt.answer.strip(), prompt.distractor.strip()
        assert (words[answer], words[giver]) == (1, 2) and prompt.distributional == " the"
        assert {word for word in words if word in NAMES} == {answer, giver}
        assert {answer, giver} <= set(HELD_OUT_NAMES if held_out in ("names", "both") else TRAINED_NAMES)
        assert re.search(r" (to|for)$", prompt.text) and not prompt.text.startswith(tuple(NAMES))
        first += prompt.text.index(giver) < prompt.text.index(answer)
    assert first == 150


def pattern(template):
    """A regular expression for the template with any words in its places."""
    return re.compile(re.sub(r"\\{\w+\\}", r"(\\w+)", re.escape(template)))


def test_held_out_is_unseen():
    """No document begins with a held-out opening, none with a trained opening has a held-out name or giving, none has a
    held-out pair of city and template; yet every word of the prompts is in some document."""
    documents = list(islice(all_documents(5), 40000))
    trained, unseen, givings = (
        [pattern(template) for template in templates] for templates in (OPENINGS, HELD_OUT_OPENINGS, HELD_OUT_GIVINGS)
    )
    assert not any(opening.match(document) for opening in unseen for document in documents)
    pairs = [(found, text) for text in documents for opening in trained if (found := opening.match(text))]
    assert len(pairs) > 10000
    for found, text in pairs:
        assert set(found.groups()[:2]) <= set(TRAINED_NAMES)
        assert not any(giving.search(text, found.end()) for giving in givings)
    for number, (city, _) in enumerate(FACTS):
        for template in held_out_templates(number):
            assert not any(text.startswith(template.format(city=city) + " ") for text in documents)
    words = {word for document in documents for word in re.findall(r"\w+", document)}
    for prompt in (*recall_prompts(300, seed=1), *fact_prompts(seed=1)):
        assert set(re.findall(r"\w+", prompt.text + prompt.answer)) <= words
    for name in HELD_OUT_NAMES:
        assert sum(f"to {name}." in text for text in documents) > 10


def test_fact_prompts():
    """Every held-out pair once, the others with held_out="nothing"; distractors are other countries."""
    unseen, seen = fact_prompts(seed=2), fact_prompts(seed=2, held_out="nothing")
    texts = {template.format(city=city) for city, _ in FACTS for template in FACT_TEMPLATES}
    assert {prompt.text for prompt in unseen} | {prompt.text for prompt in seen} == texts
    assert len(unseen) == 2 * len(FACTS) and len(unseen) + len(seen) == len(texts)
    countries = {city: country for city, country in FACTS}
    for prompt in unseen:
        (city,) = [city for city in countries if city in prompt.text.split()]
        assert prompt.answer == f" {countries[city]}" != prompt.distractor
        assert prompt.distractor.strip() in countries.values()


def test_seeds():
    assert recall_prompts(20, seed=3) == recall_prompts(20, seed=3) == recall_prompts(50, seed=3)[:20]
    assert recall_prompts(20, seed=3) != recall_prompts(20, seed=4)
    assert fact_prompts(20, seed=3) == fact_prompts(20, seed=3) != fact_prompts(20, seed=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recall_prompts(0, seed=1), "count must be"),
        (lambda: recall_prompts(10**9, seed=1), "count must be at most"),
        (lambda: recall_prompts(5, seed=-1), "seed must be"),
        (lambda: recall_prompts(5, seed=1, held_out="some"), "held_out must be 'nothing', "),
        (lambda: fact_prompts(97, seed=1), "count must be at most 96"),
        (lambda: fact_prompts(5, seed=1, held_out="names"), "held_out must be"),
        (lambda: halves(3), "count must be"),
        (lambda: encode([], tiny_tokenizer()), "prompts must be a sequence of at least 1 entries"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.integers(4, 500))
def test_halves_are_disjoint_and_keep_pairs(count):
    one, other = halves(count)
    assert sorted([*one, *other]) == list(range(count)) and abs(len(one) - len(other)) <= 2
    assert all((place ^ 1) in one or (place ^ 1) >= count for place in one)


@pytest.mark.skipif(not SHARED_FILE.exists(), reason="not run: Pythia's tokenizer is not part of the project")
def test_single_tokens_of_pythia():
    """Every answer, distractor and " the" is one token of Pythia's vocabulary, in place; the numbers are Pythia's."""
    tokenizer = Tokenizer.from_file(str(SHARED_FILE))
    found = encode((PAPER_RECALL, PAPER_FACT), tokenizer)
    assert found.answer.tolist() == [6393, 11268] and found.distributional.tolist() == [253, 253]
    for held_out in HELD_OUT:
        encode(recall_prompts(500, seed=7, held_out=held_out), tokenizer)
    encode((*fact_prompts(seed=7), *fact_prompts(seed=7, held_out="nothing")), tokenizer)
    for name in NAMES:
        assert len(tokenizer.encode(f" {name}").ids) == 1


WORDS = ["went", "to", "the", "Mary", "John", "and"]


def test_encoding_by_hand():
    """BOS first where there is one; groups of one length; the same prompts without BOS in a plain tokenizer."""
    tokenizer = tiny_tokenizer(WORDS)
    one = Prompt("Mary and John went to", " Mary", " John", "")
    two = Prompt("John went to", " Mary", " John", "")
    found = encode([one, two, one], tokenizer)
    assert [places.tolist() for places, _ in found.groups] == [[1], [0, 2]]
    assert found.groups[0][1].tolist() == [[1, 7, 3, 4]]
    assert found.groups[1][1].tolist() == [[1, 6, 8, 7, 3, 4]] * 2
    assert found.answer.tolist() == [6] * 3 and found.distractor.tolist() == [7] * 3
    assert found.distributional.tolist() == [5] * 3
    plain = encode([one, two, one], tokenizer.backend_tokenizer)
    assert plain.groups[0][1].tolist() == [[7, 3, 4]]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Prompt("Mary ran to", " John", " Mary", ""), "words that the tokenizer does not know"),
        (Prompt("Mary went to", " Bob", " Mary", ""), "answer ' Bob' is a word that the tokenizer does not know"),
        (Prompt("Mary went to", " John and", " Mary", ""), "answer ' John and' must be one token"),
        (Prompt("Mary went to", " John", " Mary the", ""), "distractor ' Mary the' must be one token"),
        (Prompt("Mary went to", " John", " Mary", "", " the the"), "distributional ' the the' must be one token"),
        (Prompt("Mary went to", "John", " Mary", ""), "'John' is another token when it follows"),
    ],
)
def test_prompts_that_are_no_single_tokens(prompt, message):
    with pytest.raises(ValueError, match=message):
        encode([prompt], tiny_tokenizer(WORDS))


def test_metrics_by_hand():
    """Three tokens' logits and what follows from them; ties count for the answer."""
    groups = ((np.array([0, 1]), torch.zeros(2, 1, dtype=torch.int64)),)
    encoded = Encoded(2, groups, torch.tensor([0, 2]), torch.tensor([1, 0]), torch.tensor([2, 1]))
    logits = torch.tensor([[1.0, -1.0, 2.0], [0.5, 0.5, 0.5]])
    found = readings(iter([(np.array([1]), logits[:1]), (np.array([0]), logits[1:])]), encoded)
    weights = [math.exp(value) for value in (1.0, -1.0, 2.0)]
    # prompt 1 has the first row of logits and answer 2, distractor 0, distributional 1
    assert found.answer == pytest.approx([1 / 3, weights[2] / sum(weights)], rel=1e-12)
    assert found.distributional == pytest.approx([1 / 3, weights[1] / sum(weights)], rel=1e-12)
    assert found.rank.tolist() == [1, 1] and found.correct.tolist() == [1, 1]
    assert found.difference.tolist() == [0, 1]
    assert found.summary()["difference"] == (0.5, 0.5)


def test_mean_and_error():
    values = np.array([1.0, 4.0, 1.0])
    assert mean_and_error(values) == pytest.approx((2.0, math.sqrt(3.0 / 3)))
    mean, error = mean_and_error(np.array([0.25]))
    assert mean == 0.25 and math.isnan(error)


def test_one_prompt_has_no_standard_error():
    """A mean over one prompt is a number; how far it is from that over all prompts, it cannot say."""
    groups = ((np.array([0]), torch.zeros(1, 1, dtype=torch.int64)),)
    encoded = Encoded(1, groups, torch.tensor([0]), torch.tensor([1]), torch.tensor([1]))
    summary = readings(iter([(np.array([0]), torch.tensor([[math.log(3), 0.0]]))]), encoded).summary()
    assert summary["answer"][0] == pytest.approx(0.75) and summary["correct"][0] == 1
    assert all(math.isnan(error) for _, error in summary.values())


def test_measure_is_the_last_position_of_a_full_pass():
    from tests.oracles.laser import VOCABULARY, model_of

    model = model_of("neox")
    tokens = torch.randint(VOCABULARY, (3, 7), generator=torch.Generator().manual_seed(1))
    ends = {name: torch.tensor([3, 4, 5]) for name in ("answer", "distractor", "distributional")}
    encoded = Encoded(3, ((np.arange(3), tokens),), **ends)
    with torch.no_grad():
        expected = torch.softmax(model(tokens).logits[:, -1], 1)
    assert measure(model, encoded).answer == pytest.approx(expected[range(3), [3, 4, 5]].numpy(), rel=1e-12)
    assert [logits.shape for _, logits in last_logits(model, encoded)] == [(3, VOCABULARY)]
