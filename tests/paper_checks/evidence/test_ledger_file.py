"""A ledger read from its file: what is wrong has a line, a claim and a key; what it need not say."""

import pytest

from paper_checks.evidence.ledger import meanings, read_ledger
from tests.oracles.claim_project import ENTRY, GROUPS

OTHER = ENTRY.replace("T1.1", "T1.2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OTHER + "\n" + ENTRY.replace('scope = "c"', "scope = 3"), "line 13: claim T1.1: scope must be"),
        (OTHER + ENTRY.replace('scope = "c"\n', ""), "line 7: claim T1.1: missing keys ['scope']"),
        (ENTRY + OTHER + 'colour = "red"\n', "line 13: claim T1.2: missing keys [], unknown keys ['colour']"),
        (ENTRY + "rule = { seeds = 0 }\n", "line 7: claim T1.1: rule: seeds must be"),
        (OTHER + ENTRY + '["T1.1".rule]\nx = 1\nseeds = 3\n', "line 15: claim T1.1: rule: seeds must be"),
        (OTHER + ENTRY + '["T1.1".rule]\nseeds = 9\nx = "y"\n', "line 15: claim T1.1: rule: x must be"),
        (ENTRY + '["T1.1".rule]\nx = 1\nx_absent = 0.8\nx_stated = 0.9\n', "line 8: claim T1.1: rule: shares 0.8"),
        (ENTRY + "catches = 'W_K transposed'\n", "line 7: claim T1.1: catches must be a list, got"),
        ('["T1.2".rule]\nx = 1\n' + ENTRY, "line 1: claim T1.2: missing keys"),
        (ENTRY + "['T1.2']\ngroup = 3\n", "line 7: claim T1.2: missing keys"),
        ("# a comment\ntitle = 'x'\n" + ENTRY, "line 2: claim title: [title] must be a table"),
        ("[T3.1]\ngroup = 'T1'\n", "line 1: claim T3: missing keys"),
        (OTHER + ENTRY.replace('group = "T1"', 'group = "T 1"'), "line 8: claim T1.1: group must be"),
    ],
)
def test_what_is_wrong_has_a_line(tmp_path, text, message):
    path = tmp_path / "claims.toml"
    path.write_text(text + GROUPS)
    with pytest.raises(ValueError) as caught:
        read_ledger(path)
    assert str(caught.value).startswith(f"claims.toml, {message}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENTRY + "title = 'one two three four five six seven'\n", ["T1.1", "title", "at most 6 words"]),
        (ENTRY + "depends_on = ['T9.9']\n", ["T1.1", "depends_on must be ids of claims", "T9.9"]),
        (ENTRY + "depends_on = ['T1.1']\n", ["T1.1", "must not lead back", "rests on itself"]),
        (
            ENTRY + "depends_on = ['T1.2']\n" + OTHER + "depends_on = ['T1.1']\n",
            ["T1.1", "must not lead back", "rests on itself"],
        ),
        (ENTRY + "proof = [{ test = 'tests/test_x.py::test_y' }]\n", ["T1.1", "proof", "missing keys ['by']"]),
        (ENTRY + 'colour = "red"\n', ["T1.1", "colour"]),
        (ENTRY.replace('scope = "c"\n', ""), ["T1.1", "scope"]),
        (ENTRY + "id = 'T1.2'\n", ["T1.1", "unknown keys ['id']"]),
        (ENTRY.replace('scope = "c"', "scope = 1979-05-27"), ["T1.1", "scope must be a string", "1979"]),
        (ENTRY.replace('group = "T1"', 'group = "T3"'), ["T1.1", "group must have a title", "(T1, T2)", "'T3'"]),
        (ENTRY.replace('scope = "c"', "scope = 3"), ["T1.1", "scope", "3"]),
        (ENTRY.replace('scope = "c"', 'scope = " "'), ["T1.1", "scope"]),
        (ENTRY.replace('group = "T1"', "group = T1"), ["claims.toml", "line 2"]),
        ('title = "x"\n', ["title", "table"]),
        (ENTRY.replace("T1.1", "<b>"), ["'<b>'", "id must be up to 40 letters"]),
        (ENTRY.replace("T1.1", "../x"), ["'../x'", "id must be"]),
        (ENTRY.replace('group = "T1"', 'group = "T 1"'), ["T1.1", "group must be", "'T 1'"]),
        (ENTRY.replace("T1.1", "T1"), ["must not be the name of a group", "T1"]),
        (ENTRY + "rule = 3\n", ["T1.1", "rule", "3"]),
        (ENTRY + "rule = { seeds = 5 }\n", ["T1.1", "rule", "seeds must be an integer >= 6, got 5"]),
        (ENTRY + "rule = { seeds = true }\n", ["T1.1", "rule", "seeds", "True"]),
        (ENTRY + "rule = { least = 'x' }\n", ["T1.1", "rule", "least", "x"]),
        (ENTRY + "rule = { least = inf }\n", ["T1.1", "rule", "least", "inf"]),
        (
            ENTRY + "rule = { x = 1, x_absent = 0.9, x_stated = 0.5 }\n",
            ["rule", "0 < absent < stated < 1", "0.9", "0.5"],
        ),
        (ENTRY + "catches = ['a', '']\n", ["T1.1", "catches: entry 2 must be a non-empty string, got ''"]),
    ],
)
def test_a_malformed_ledger_is_named(tmp_path, text, words):
    path = tmp_path / "claims.toml"
    path.write_text(text + GROUPS)
    with pytest.raises(ValueError) as caught:
        read_ledger(path)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff", "utf-8"), (b"", "at least one claim"), (None, "No such file")]
)
def test_a_ledger_that_cannot_be_read_is_named(tmp_path, content, words):
    path = tmp_path / "claims.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^claims.toml: .*{words}"):
        read_ledger(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY + "[groups]\nT1 = ''\n", "line 8: [groups]: T1 must be a non-empty string, got ''"),
        (ENTRY + "[groups]\n'T 1' = 'x'\n", "line 8: [groups]: T 1 must be up to 40 letters"),
        ("groups = 3\n" + ENTRY, "line 1: [groups]: must be a table of strings, got 3"),
        ("[symbols]\nN = 3\n" + ENTRY + GROUPS, "line 2: [symbols]: N must be a non-empty string, got 3"),
        (ENTRY + GROUPS + "[group_symbols.T1]\nN = ''\n", "line 10: [group_symbols]: N must be a non-empty string"),
        (
            ENTRY + GROUPS + "[group_symbols.T9]\nN = 'x'\n",
            "line 10: [group_symbols]: must be tables by group (T1, T2)",
        ),
        ("symbols = 3\n" + ENTRY, "line 1: [symbols]: must be a table of strings, got 3"),
        ("[project]\nfirst = ['T9']\n" + ENTRY + GROUPS, "line 2: [project]: first must be ids of claims, got T9"),
        (ENTRY, "line 2: claim T1.1: group must have a title in [groups] (none), got 'T1'"),
        (
            ENTRY + GROUPS + "[project]\nx = 'red'\n",
            "line 11: [project]: missing keys [], unknown keys ['x']",
        ),
        (ENTRY + GROUPS + "[project]\ntitle = 3\n", "line 11: [project]: title must be a string, got 3"),
        (ENTRY + GROUPS + "[project]\ncode = ['a', 3]\n", "line 11: [project]: code: entry 2 must be a string, got 3"),
    ],
)
def test_groups_have_titles_and_a_project_is_of_known_keys(tmp_path, text, message):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_ledger(path)
    assert str(caught.value).startswith(f"claims.toml, {message}")


def test_what_a_ledger_does_not_say_is_its_folder(tmp_path):
    """Code, checks and pilots beside it; the digest is of the Python files, the ledger and the pilots."""
    path = tmp_path / "claims.toml"
    path.write_text(ENTRY + GROUPS)
    (tmp_path / "test_x.py").write_text("x = 1\n")
    found = read_ledger(path)
    assert (found.checks, found.pilots, found.recorded) == (tmp_path, tmp_path / "pilots", tmp_path / "recorded")
    assert found.named == [] and found.code_hash() == found.recorded_hash() == read_ledger(path).code_hash()
    known = [found.code_hash()]
    (tmp_path / "pilots").mkdir()
    for name in ("pilots/T1.json", "deeper.py", "claims.toml"):
        (tmp_path / name).write_text((ENTRY + GROUPS) + "# more\n")
        known.append(found.code_hash())
    assert len(set(known)) == 4
    other = path.rename(tmp_path / "mine.toml")
    assert read_ledger(other).named == ["--ledger", str(other)]
    assert read_ledger(other).command == f"pytest {tmp_path} -m claims --ledger {other}"


def test_a_symbol_may_stand_for_something_else_in_a_group(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(ENTRY + GROUPS + "[symbols]\nN = 'size'\n\n[group_symbols.T1]\nN = 'number'\nx = 'input'\n")
    symbols = read_ledger(path).symbols
    assert symbols == {"N": "size", "N in T1": "number", "x in T1": "input"}
    assert meanings(symbols, "T1") == {"N": "number", "x": "input"} and meanings(symbols, "T2") == {"N": "size"}
