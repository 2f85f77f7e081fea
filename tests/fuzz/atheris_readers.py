"""A reader of files under what atheris finds by the coverage of its code, beside the changes of test_readers.

    python -m tests.fuzz.atheris_readers                                 every reader, RUNS inputs each
    python -m tests.fuzz.atheris_readers ledger -runs=200000 -seed=3     one of them, with options of libFuzzer

An input is the whole content of a file, or changes of a file that is right. It ends with an error at the first one that
is accepted and changed, or that is refused without a name. Extra: fuzz.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["simulate", "paper_checks", "json", "tomllib"]):
    from .outcomes import AS_SAID, REFUSED, SAME, outcome
    from .readers import READERS

from .mutations import KINDS, Mutation, mutated

RUNS, SEED = 4000, 21


def changed(content: bytes, data: bytes) -> bytes:
    """What an input makes of the content of a file."""
    source = atheris.FuzzedDataProvider(data)
    if source.ConsumeBool():
        return source.ConsumeBytes(sys.maxsize)
    for _ in range(source.ConsumeIntInRange(1, 3)):
        places = source.ConsumeIntInRange(0, 65535), source.ConsumeIntInRange(0, 65535)
        change = Mutation(source.PickValueInList(list(KINDS)), *places, source.ConsumeIntInRange(0, 255))
        content = mutated(content, change)
    return content


def fuzz(name: str, options: list[str]) -> None:
    """Run one reader; the process ends with it."""
    reader, folder = READERS[name], Path(tempfile.mkdtemp())
    path, corpus = folder / reader.name, folder / "corpus"
    path.parent.mkdir(parents=True, exist_ok=True)
    corpus.mkdir()
    reader.write(path)
    before, content = reader.read(path), path.read_bytes()
    if len(content) < 10**5:
        (corpus / "right").write_bytes(content + b"\1")  # the last byte is the first that is asked: a whole content

    def once(data: bytes) -> None:
        found, said = outcome(reader, path, before, changed(content, data))
        if found not in (REFUSED, SAME, AS_SAID):
            raise AssertionError(f"{name}: {found}: {said}")

    atheris.Setup([sys.argv[0], str(corpus), *options], once)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """One reader, or each in a process of its own."""
    if arguments[:1] and arguments[0] in READERS:
        fuzz(arguments[0], arguments[1:])
    options = [f"-runs={RUNS}", f"-seed={SEED}", "-verbosity=0", *arguments]
    statuses = {}
    for name in READERS:
        statuses[name] = subprocess.run([sys.executable, "-m", "tests.fuzz.atheris_readers", name, *options]).returncode
        print(f"{name}: {'found something' if statuses[name] else 'nothing found'}", flush=True)
    return int(any(statuses.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
