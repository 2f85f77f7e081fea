"""Every reader of files: a changed file is refused by name or keeps its meaning, and is never accepted and changed."""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .mutations import CHANGE, mutated
from .outcomes import AS_SAID, COUNTED, REFUSED, SAME, outcome, outcome_there
from .readers import OURS, READERS

EXAMPLES, FULL = 60, 1000
"""Changed files of each reader, in an ordinary run and with --trust-full."""
SEED = 21
HOSTILE = {
    "empty": b"", "zeros": b"\0" * 100, "lists in lists": b"[" * 100_000, "tables in tables": b'{"a":' * 100_000,
    "closed": b"[" * 100_000 + b"]" * 100_000, "a huge integer": b'{"a": ' + b"9" * 10_000 + b"}",
    "a key twice": b'{"text": "a b", "text": "c d", "answer": " x", "question": "a", "question": "b"}',
    "NaN": b'{"a": NaN}', "beyond the floats": b'{"a": 1e999}', "another encoding": '{"ä": "ö"}'.encode("utf-16"),
    "half a character": b'{"text": "\\ud800", "answer": " x"}', "no UTF-8": b"\xff\xfe\xfd",
    "lists in TOML": b"x = " + b"[" * 100_000, "a header of 2^63 bytes": b"\xff" * 7 + b"\x7f{}",
}  # fmt: skip


@pytest.fixture(params=list(READERS))
def name(request):
    return request.param


@pytest.fixture
def file(name, tmp_path):
    """A file as it is written, what is read of it, and its bytes."""
    path = tmp_path / READERS[name].name
    path.parent.mkdir(parents=True, exist_ok=True)
    READERS[name].write(path)
    return path, READERS[name].read(path), path.read_bytes()


def test_a_changed_file_is_refused_or_keeps_its_meaning(name, file, request):
    path, before, content = file
    is_full = request.config.getoption("--trust-full", False)

    @seed(SEED)
    @settings(
        max_examples=FULL if is_full else EXAMPLES, phases=[Phase.generate, Phase.shrink], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(CHANGE, min_size=1, max_size=3))
    def check(changes):
        changed = content
        for change in changes:
            changed = mutated(changed, change)
        if changed == content:
            return
        found, said = outcome(READERS[name], path, before, changed)
        COUNTED[name, found] += 1
        assert found in (REFUSED, SAME, AS_SAID), f"{found}: {said}"

    check()
    assert COUNTED[name, REFUSED] > EXAMPLES // 3


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_is_refused_by_name(name, file, hostile):
    path, before, _ = file
    found, said = outcome(READERS[name], path, before, HOSTILE[hostile])
    assert found == REFUSED, f"{found}: {said}"


def test_a_folder_in_its_place_is_refused_by_name(name, file):
    path, before, _ = file
    path.unlink()
    path.mkdir()
    found, said = outcome_there(READERS[name], path, before, b"")
    assert found == REFUSED or (name == "result store" and str(path.parent) in said), f"{found}: {said}"


@pytest.mark.parametrize("name", OURS, indirect=True)
def test_every_byte_counts(name, file):
    """No single byte of a file of ours can be another one; of a large one every 1009th, and all of its ends."""
    path, before, content = file
    step = 1 if len(content) < 3000 else 97 if len(content) < 10**5 else len(content) // 40
    for at in sorted({*range(0, len(content), step), *range(20), *range(len(content) - 20, len(content))}):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        found, said = outcome(READERS[name], path, before, changed)
        assert found == REFUSED, f"byte {at}: {found}: {said}"
