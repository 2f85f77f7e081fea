"""Where a model's files are found, and what is said when they are missing, broken, pickles, or out of reach."""

import hashlib
import json
import re
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")

from huggingface_hub import constants

from simulate.language.models import find_folder, identical_weights, load_language_model
from tests.oracles.tiny_language_models import COMMIT, cached, forbid_building, written

WHOLE = "model.safetensors"


@pytest.fixture
def unbuilt(monkeypatch):
    """Fails if a model is built from weights."""
    forbid_building(monkeypatch)


@pytest.fixture
def connections(monkeypatch):
    """The connections that are asked for; none is made."""
    asked = []

    def refuse(*arguments, **options):
        asked.append(arguments)
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as loading needs: the description of a revision, its files, and each file."""

    def __init__(self, folders, asked, *arguments):
        self.folders, self.asked = folders, asked
        super().__init__(*arguments)

    def log_message(self, *arguments):
        pass

    def answer(self, content, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "X-Repo-Commit": COMMIT, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_GET(self):
        self.asked.append(self.path)
        parts = self.path.partition("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if name == "org/gated":
            return self.answer(b"", 403, X_Error_Code="GatedRepo")
        if name not in self.folders:
            return self.answer(b"", 404, X_Error_Code="RepoNotFound")
        folder = self.folders[name]
        if parts[0] != "api":
            content = (folder / parts[-1]).read_bytes()
            return self.answer(content, ETag=f'"{hashlib.sha256(content).hexdigest()}"')
        if parts[-1] not in (COMMIT, "step1000", "main", name.split("/")[1]):
            return self.answer(b"", 404, X_Error_Code="RevisionNotFound")
        files = sorted(folder.iterdir())
        listed = [{"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40} for file in files]
        known = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file.name} for file in files]}
        return self.answer(json.dumps(listed if "tree" in parts else known).encode(), Content_Type="application/json")

    do_HEAD = do_GET


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of this machine that has org/tiny and org/pickled, and what it was asked for."""
    folders = {name: written(tmp_path / "hub" / name) for name in ("org/tiny", "org/pickled", "org/bare")}
    for unwanted in ("pytorch_model.bin", "modeling_own.py", "tokenizer_own.py", "tokenizer.pkl", "weights.unknown"):
        (folders["org/tiny"] / unwanted).write_bytes(b"unwanted")
    (folders["org/pickled"] / WHOLE).rename(folders["org/pickled"] / "pytorch_model.bin")
    (folders["org/bare"] / "tokenizer.json").unlink()
    asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folders, asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_cached_model_is_found_without_a_connection(tmp_path, connections):
    snapshot = cached(tmp_path / "cache", written(tmp_path / "plain"))
    cached(tmp_path / "cache", tmp_path / "plain", revision="main")
    for revision in ("step1000", "main", None, COMMIT):
        found = load_language_model("org/tiny", revision, cache_dir=tmp_path / "cache")
        assert (found.name, found.revision) == ("org/tiny", revision)
        assert found.label == ("org/tiny" if revision is None else f"org/tiny@{revision}")
        assert find_folder("org/tiny", revision, cache_dir=str(tmp_path / "cache")) == snapshot
    local = load_language_model(tmp_path / "plain")
    assert local.sha256 == found.sha256 and local.files == found.files
    assert not connections


def test_revisions_with_identical_weights_are_found(tmp_path, connections):
    cache, commits = tmp_path / "cache", [f"{number:040x}" for number in range(3)]
    for step, commit, seed in zip((0, 1, 2), commits, (0, 0, 1), strict=True):
        folder = written(tmp_path / commit, seed=seed, shard="6KB" if step == 1 else "5GB")
        cached(cache, folder, revision=f"step{step}", commit=commit)
    models = [load_language_model("org/tiny", f"step{step}", cache_dir=cache) for step in range(3)]
    assert identical_weights(models) == [("org/tiny@step0", "org/tiny@step1")] and not connections


def test_a_model_out_of_reach_says_how_to_fetch_it(tmp_path, connections):
    words = (
        r"org/tiny@step1000 is not whole in the hub's cache \(nothing of it is there\) and the hub is not reached .*"
        r"`hf download org/tiny --revision step1000`, or pass a folder$"
    )
    with pytest.raises(ConnectionError, match=words):
        load_language_model("org/tiny", "step1000", cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match=r"run `hf download org/tiny`, or pass a folder$"):
        find_folder("org/tiny", cache_dir=tmp_path)
    assert connections


@pytest.mark.parametrize("name", ["tokenizer.json", WHOLE])
def test_what_the_cache_lacks_is_said_when_out_of_reach(tmp_path, connections, name):
    (cached(tmp_path / "cache", written(tmp_path / "plain")) / name).unlink()
    with pytest.raises(ConnectionError, match=rf"not whole in .* cache \(folder .* {re.escape(name)}.*hf download"):
        find_folder("org/tiny", "step1000", cache_dir=tmp_path / "cache")


def test_offline_mode_is_kept(tmp_path, monkeypatch, hub):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match=r"hub is not reached .*hf download org/tiny --revision step1000"):
        find_folder("org/tiny", "step1000", cache_dir=tmp_path / "cache")
    assert not hub


def test_only_safe_files_are_fetched_and_then_kept(tmp_path, hub):
    found = load_language_model("org/tiny", "step1000", cache_dir=tmp_path / "cache")
    assert found.sha256 == load_language_model(tmp_path / "hub" / "org" / "tiny").sha256
    fetched = {path.rpartition("/")[2] for path in hub if "/resolve/" in path}
    assert fetched == {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", WHOLE}
    hub.clear()
    load_language_model("org/tiny", "step1000", cache_dir=tmp_path / "cache")
    assert not hub


def test_what_the_cache_lacks_is_fetched(tmp_path, hub):
    snapshot = cached(tmp_path / "cache", tmp_path / "hub" / "org" / "tiny")
    (snapshot / WHOLE).unlink()
    assert find_folder("org/tiny", "step1000", cache_dir=tmp_path / "cache") == snapshot
    assert (snapshot / WHOLE).read_bytes() == (tmp_path / "hub" / "org" / "tiny" / WHOLE).read_bytes()


@pytest.mark.parametrize(
    ("name", "revision", "error", "words"),
    [
        ("org/pickled", None, ValueError, "org/pickled must hold .* pickles alone: pytorch_model.bin; .*run any"),
        ("org/bare", "main", FileNotFoundError, "hub model org/bare@main must hold all .* must hold tokenizer.json"),
        ("org/tiny", "step7", ValueError, "revision must be one that the hub has of org/tiny, got 'step7'"),
        ("org/none", None, FileNotFoundError, "must be a folder that exists or a hub name, 'org/none' is neither"),
        ("org/gated", None, PermissionError, "hub model org/gated asks for permission: .*hf auth login"),
    ],
)
def test_what_the_hub_does_not_have_is_said(tmp_path, hub, unbuilt, name, revision, error, words):
    with pytest.raises(error, match=words):
        load_language_model(name, revision, cache_dir=tmp_path / "cache")
    assert not any(path.endswith(".bin") for path in hub)


def test_a_cached_file_that_is_not_the_hubs_is_refused(tmp_path, unbuilt):
    """A bit of a weight turned: still a safetensors file, but not of the sha256 by which the cache names it."""
    blob = (cached(tmp_path / "cache", written(tmp_path / "plain")) / WHOLE).resolve()
    content = bytearray(blob.read_bytes())
    content[-4] ^= 1
    blob.write_bytes(content)
    with pytest.raises(ValueError, match=f"{WHOLE} must have the hub's sha256 {blob.name}, got .*; delete it, fetch"):
        load_language_model("org/tiny", "step1000", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize(
    ("source", "revision", "error", "words"),
    [
        (3, None, TypeError, r"source must be a folder or a hub name, got 3 \(int\)"),
        ("org/tiny", 1000, TypeError, r"revision must be a string or None, got 1000 \(int\)"),
        ("", None, ValueError, "source and revision must not be empty"),
        ("org/tiny", "", ValueError, "source and revision must not be empty"),
        ("./models/tiny", None, FileNotFoundError, "there is no folder models/tiny"),
        ("~nobody-here/tiny", None, FileNotFoundError, "there is no folder ~nobody-here/tiny"),
        ("models/tiny/", None, FileNotFoundError, "there is no folder models/tiny"),
        ("models/org/tiny", None, FileNotFoundError, "there is no folder models/org/tiny"),
        ("or g/tiny!", None, ValueError, "source must be a folder that exists or a hub name, got 'or g/tiny!'"),
    ],
)
def test_a_source_that_cannot_be_is_refused(tmp_path, connections, source, revision, error, words):
    with pytest.raises(error, match=words):
        load_language_model(source, revision, cache_dir=tmp_path)
    assert not connections


def test_a_cache_folder_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"cache_dir must be a folder or None, got 5 \(int\)"):
        find_folder("org/tiny", cache_dir=5)


def test_a_missing_folder_a_file_and_a_revision_of_a_folder_are_refused(tmp_path, connections):
    with pytest.raises(FileNotFoundError, match=f"there is no folder {re.escape(str(tmp_path / 'none'))}"):
        load_language_model(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="there is no folder org/tiny"):
        load_language_model(tmp_path.relative_to(tmp_path) / "org" / "tiny")
    written(tmp_path)
    with pytest.raises(NotADirectoryError, match=r"got the file .*model.safetensors; pass its folder"):
        load_language_model(tmp_path / WHOLE)
    with pytest.raises(ValueError, match="for a folder or file, which has no revisions, got 'step1000'"):
        load_language_model(tmp_path, "step1000")
    assert not connections
