"""No file is parsed but where a reader is tried under changes, or where another reason stands here."""

import re

from tests.places import ROOT

PARSES = re.compile(
    r"\bjson\.loads?\(|\btomllib\.loads?\(|\bsafe_open\(|\bnp\.(?:load|loadtxt|genfromtxt)\(|\bload_file\("
)
LANGUAGE = "files of language models, tried by the tests of simulate.language"
TEXT = "text that this process made"
DIGEST = "a part of a file whose digest is right"
TRIED = "tried here"
KNOWN = {
    "paper_checks/commands/train_pocket.py": TEXT,
    "paper_checks/evidence/ledger/reading.py": TRIED,
    "paper_checks/jobs/store/result_file.py": TRIED,
    "paper_checks/jobs/values.py": DIGEST,
    "paper_checks/pictures/language/beside_data.py": "a shipped file, held against its digest by pocket_folders",
    "paper_checks/session/found.py": "names of plugins in a ledger, whose reader is tried here",
    "simulate/gsm8k/results.py": TEXT,
    "simulate/language/gguf_files.py": LANGUAGE,
    "simulate/language/weight_files.py": LANGUAGE,
    "simulate/laser/sweeps.py": DIGEST,
    "simulate/runtime/checkpoints.py": DIGEST,
    "simulate/runtime/outputs.py": "whether an output may be written over",
    "simulate/runtime/plain_json.py": TRIED,
    "simulate/transformer/training.py": TEXT,
}


def test_no_file_is_parsed_elsewhere():
    packages = ("theory", "simulate", "paper_checks")
    sources = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in sources if PARSES.search(path.read_text(encoding="utf-8"))}
    assert found <= set(KNOWN), "read files by simulate.runtime.files, or give the reason here"


def test_what_is_named_still_parses():
    assert [name for name in KNOWN if not PARSES.search((ROOT / name).read_text(encoding="utf-8"))] == []
