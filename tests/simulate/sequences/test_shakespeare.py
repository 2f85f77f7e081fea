"""The chain of characters: transitions are counts over their sums, the counts those of the file."""

import numpy as np
import pytest

from simulate.sequences.shakespeare import shakespeare_chain
from tests.places import ROOT, SHARED

CSV = ROOT / "simulate" / "data" / "tinyshakespeare_bigrams.csv"
SHARED_FILE = SHARED / "tinyshakespeare_bigrams.csv"


def test_characters_follow_each_other_as_counted():
    """Rows are counts over their sums: a division, a sum of 65 terms and another division, each rounded."""
    chain, characters = shakespeare_chain()
    lines = [line.split(",") for line in CSV.read_text().split()[1:]]
    counts = {(chr(int(first)), chr(int(second))): int(count) for first, second, count in lines}
    assert len(counts) == len(lines)
    assert len(characters) == 65 and list(characters) == sorted({c for pair in counts for c in pair})
    assert sum(counts.values()) == 1_115_393
    starts = {first: sum(counts.get((first, second), 0) for second in characters) for first in characters}
    expected = np.array([[counts.get((a, b), 0) / starts[a] for b in characters] for a in characters])
    bound = 70 * np.finfo(float).eps
    np.testing.assert_allclose(chain.transition, expected, rtol=bound, atol=0)
    np.testing.assert_allclose(chain.initial, [starts[a] / 1_115_393 for a in characters], rtol=bound, atol=0)
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1, rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("pair", "count"), [("th", 22739), ("he", 18203), ("qu", 609), ("Th", 3028), ("t ", 16508), ("\n\n", 7223)]
)
def test_pairs_of_characters_are_in_their_place(pair, count):
    """Counts read off the file by hand; "\\n" is its first line."""
    chain, characters = shakespeare_chain()
    first, second = map(characters.index, pair)
    starts = sum(int(line.split(",")[2]) for line in CSV.read_text().split() if line.startswith(f"{ord(pair[0])},"))
    assert chain.transition[first, second] == pytest.approx(count / starts, rel=70 * np.finfo(float).eps, abs=0)


def test_counts_are_the_shared_ones():
    if not SHARED_FILE.exists():
        pytest.skip("not run: no ../shared beside the project")
    assert CSV.read_bytes() == SHARED_FILE.read_bytes()
