"""--model, --revision and --checkpoints: what is refused before the run, and a run on a model of the test's own."""

import json
import subprocess
import sys

import pytest

from tests.places import ROOT

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.experiments.named import checkpoint_source
from paper_checks.session.paper import check_model
from simulate.language.models import load_language_model
from simulate.language.saving import save_model
from simulate.laser.reduction import Choice, truncated
from simulate.pocket.shipped import is_pocket, pocket_folders
from tests.oracles.tiny_language_models import written


class Options:
    """A pytest configuration with these options alone."""

    def __init__(self, model=None, revision=None, checkpoints=None, start=None):
        self._options = {"--model": model, "--revision": revision, "--checkpoints": checkpoints, "--start": start}

    def getoption(self, name):
        return self._options[name]


def last(seed):
    steps = pocket_folders()[seed]
    return steps[max(steps)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"revision": "step1"}, "revisions of --model, which is not given"),
        ({"checkpoints": "step1,step2"}, "revisions of --model, which is not given"),
        ({"start": ""}, "--start is a token of --model's tokenizer, which is not given"),
        ({"model": "m", "checkpoints": "step1"}, "at least two revisions"),
        ({"model": "m", "checkpoints": "step1,,step2"}, "at least two revisions"),
        ({"model": "./no such folder"}, "no such folder"),
        ({"model": str(last(1))}, "is pocket Pythia, whose claims are P1 to P5"),
    ],
)
def test_refused(options, message):
    with pytest.raises(pytest.UsageError, match=message):
        check_model(Options(**options))


def test_a_folder_has_no_revisions(tmp_path):
    folder = str(written(tmp_path / "tiny"))
    check_model(Options(folder))
    check_model(Options())
    with pytest.raises(pytest.UsageError, match="revision"):
        check_model(Options(folder, revision="step1"))
    assert checkpoint_source("org/name", folder) == (folder, None)
    assert checkpoint_source("org/name", "step8") == ("org/name", "step8")


def test_start_is_a_token_of_the_model(tmp_path):
    folder = str(written(tmp_path / "tiny"))
    for start in ("", "<|end|>", "w3"):
        check_model(Options(folder, start=start))
    for start, message in (("w3 w4", "'w3 w4': 2 tokens"), ("Mary", "'Mary': a word that it does not know")):
        with pytest.raises(pytest.UsageError, match=f"--model {folder}: --start must be one token of .*{message}"):
            check_model(Options(folder, start=start))


def test_pocket_models_are_known_by_their_weights(tmp_path):
    found = load_language_model(last(1))
    assert all(is_pocket(path) for steps in pocket_folders().values() for path in steps.values())
    save_model(found.model, found.tokenizer, tmp_path / "other type")
    assert not is_pocket(tmp_path / "other type")


def test_a_run_on_another_model(tmp_path):
    """The path of the claims on Pythia, on a model that is none: in lines of their own, with the weights' sha256, the
    start token and the number of prompts; that its BOS marks chats is said and fails nothing."""
    found = load_language_model(last(1))
    found.tokenizer.chat_template = "{{ '" + found.tokenizer.bos_token + "' + message['role'] }}"
    save_model(truncated(found.model, Choice("mlp_in", -1, 4)), found.tokenizer, tmp_path / "model")
    evidence = tmp_path / "evidence.json"
    command = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "-p", "no:cacheprovider", "-q"]
    command += ["-k", "pythia and compete", "--model", str(tmp_path / "model"), "--evidence", str(evidence)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the tokenizer's BOS, which is a mark of its chats" in ran.stdout
    claims = {claim["id"]: claim for claim in json.loads(evidence.read_text(encoding="utf-8"))["claims"]}
    verdicts = {name: claim["verdict"] for name, claim in claims.items() if name.startswith("P")}
    assert {name for name, found in verdicts.items() if found == "verified"} == {"P1.pythia", "P2.pythia"}
    assert set(verdicts.values()) == {"verified", "not run"}
    (known,) = {tuple(one["details"]["models"].items()) for one in claims["P1.pythia"]["evidence"]}
    assert known == ((str(tmp_path / "model"), load_language_model(tmp_path / "model").sha256),)
    details = claims["P1.pythia"]["evidence"][0]["details"]
    assert details["fingerprints"] == {str(tmp_path / "model"): load_language_model(tmp_path / "model").fingerprint}
    assert details["start"] == {str(tmp_path / "model"): found.tokenizer.bos_token}
    assert details["asked"] == {str(tmp_path / "model"): {"recall": "320 of 320", "facts": "96 of 96"}}
