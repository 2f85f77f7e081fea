"""Without the extra `language` the checks of P are not run; whatever else is missing is an error."""

import sys

import pytest

from paper_checks.claims.p.conftest import of_extra_language
from paper_checks.experiments.named import LANGUAGE_PACKAGES


def test_modules_are_those_of_the_experiments():
    assert hasattr(of_extra_language("rise"), "chosen_checkpoint")


@pytest.mark.parametrize("package", LANGUAGE_PACKAGES)
def test_a_missing_package_of_the_extra_skips(monkeypatch, tmp_path, package):
    planted(monkeypatch, tmp_path, f"import {package}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(pytest.skip.Exception, match="needs the extra language"):
        of_extra_language("planted")


@pytest.mark.parametrize("line", ["import numpie", "from simulate import nothing_like_it", "import simulate.gone"])
def test_a_broken_import_of_our_own_is_an_error(monkeypatch, tmp_path, line):
    planted(monkeypatch, tmp_path, line)
    with pytest.raises(ImportError):
        of_extra_language("planted")
    with pytest.raises(ModuleNotFoundError, match="no_such_experiments"):
        of_extra_language("no_such_experiments")


def planted(monkeypatch, folder, line):
    """The module `paper_checks.experiments.planted` with one line."""
    (folder / "planted.py").write_text(line + "\n")
    from paper_checks import experiments

    monkeypatch.setattr(experiments, "__path__", [*experiments.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "paper_checks.experiments.planted", raising=False)
