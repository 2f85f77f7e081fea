"""Files are written whole or not at all."""

import pytest

from simulate.runtime import files
from simulate.runtime.files import read_json, write_json


def test_json_is_whole_or_untouched(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "claims.json"
    write_json(path, {"a": [1.5, "τ"]})
    assert read_json(path) == {"a": [1.5, "τ"]}
    for failure in (lambda: write_json(path, {"a": float("nan")}), lambda: write_json(path, {"a": object()})):
        with pytest.raises((ValueError, TypeError)):
            failure()

    def interrupted(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert read_json(path) == {"a": [1.5, "τ"]}
    assert [file.name for file in path.parent.iterdir()] == ["claims.json"]
