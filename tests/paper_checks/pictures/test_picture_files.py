"""The files of a picture: which are ours, and that what is written never has the numbers of another one beside it."""

import hashlib
import os
import threading
from types import SimpleNamespace

import pytest

from paper_checks.commands.draw.picture import _write
from paper_checks.commands.groups import Stopped
from paper_checks.pictures import MARK
from paper_checks.pictures.ours import is_picture
from tests.oracles.picture_commands import OLD

MARKED = f"{MARK}{'0' * 64}".encode()


class Drawn:
    """A picture, as far as it is written."""

    def __init__(self, name):
        self.numbers = f"number\n{name}\n".encode()

    def table(self):
        return SimpleNamespace(csv=lambda: self.numbers)

    def render(self, form):
        return OLD.replace("0" * 64, hashlib.sha256(self.numbers).hexdigest()).encode()


def shown(folder):
    """The two files, None for one that is not there, and the names of all others."""
    names = {path.name: path.read_bytes() for path in folder.iterdir()}
    return names.pop("a.svg", None), names.pop("a.csv", None), sorted(names)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("call", ["fsync", "replace", "unlink"])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("before", ["old", "new", None])
def test_no_picture_has_the_numbers_of_another_one(tmp_path, monkeypatch, before, at, call, error):
    old, new, calls = Drawn(before), Drawn("new"), []
    if before is not None:
        _write(tmp_path / "a.svg", old)
    real = getattr(os, call)

    def fails(*arguments, **options):
        calls.append(str(arguments[0]))
        if len([one for one in calls if not one.endswith(".lock")]) == at:
            raise error
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        try:
            _write(tmp_path / "a.svg", new)
        except (Stopped, KeyboardInterrupt):
            assert len(calls) >= at
    picture, numbers, others = shown(tmp_path)
    assert others == [] and picture in (old.render("svg") if before else None, new.render("svg"))
    assert numbers is None or hashlib.sha256(numbers).hexdigest().encode() in picture
    _write(tmp_path / "a.svg", new)
    assert shown(tmp_path) == (new.render("svg"), new.numbers, [])


def test_a_disk_that_is_full_while_they_are_written_leaves_both(tmp_path, monkeypatch):
    _write(tmp_path / "a.svg", Drawn("old"))
    before, real, calls = shown(tmp_path), os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Stopped, match=r"the picture cannot be written: .* No space left on device"):
        _write(tmp_path / "a.svg", Drawn("new"))
    assert shown(tmp_path) == before


def test_links_stay_and_their_files_are_written(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("a.svg", "a.csv"):
        (tmp_path / name).symlink_to(tmp_path / "there" / name)
    for name in ("old", "new"):
        _write(tmp_path / "a.svg", Drawn(name))
        assert shown(tmp_path / "there") == (Drawn(name).render("svg"), Drawn(name).numbers, [])
    assert (tmp_path / "a.svg").is_symlink() and (tmp_path / "a.csv").is_symlink()


def test_writers_by_two_names_of_one_file_wait(tmp_path):
    """Each with numbers of its own beside it: neither takes what the other is writing for something that was left."""
    (tmp_path / "there").mkdir()
    failed = []

    def write(name):
        try:
            for number in range(30):
                _write(tmp_path / name, Drawn(f"{name}{number}"))
        except Stopped as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("a.svg", "b.svg")]
    for name in ("a.svg", "b.svg"):
        (tmp_path / name).symlink_to(tmp_path / "there" / "it.svg")
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == [] and [path.name for path in (tmp_path / "there").iterdir()] == ["it.svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.svg", "b.csv", "b.svg", "there"]


def test_an_older_picture_in_another_form_shows_that_the_numbers_are_not_its_own(tmp_path):
    old, new = Drawn("old"), Drawn("new")
    _write(tmp_path / "a.svg", old)
    _write(tmp_path / "a.pdf", new)
    assert shown(tmp_path) == (old.render("svg"), new.numbers, ["a.pdf"])
    digest = hashlib.sha256(new.numbers).hexdigest().encode()
    assert digest in new.render("pdf") and digest not in old.render("svg")


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_a_picture_of_ours_is_known_by_what_it_says_of_itself(form):
    pytest.importorskip("matplotlib", exc_type=ModuleNotFoundError)
    from matplotlib.figure import Figure

    from paper_checks.pictures.file import content

    def figure(text=""):
        found = Figure()
        found.text(0, 0, text)
        return found

    ours = content(figure, form, "title", "description", b"numbers")
    assert is_picture(ours) and not is_picture(ours[: len(ours) // 20]) and not is_picture(b"Mine:\n" + ours)
    assert not is_picture(ours.replace(MARK.encode(), b"numbers: sha512 "))


@pytest.mark.parametrize(
    "other",
    [
        b"My notes: " + MARKED,
        b"<?xml?><svg><text>" + MARKED + b"</text><metadata></metadata></svg>",
        b"<?xml?><svg><dc:identifier>" + MARKED + b"</dc:identifier></svg>",
        b"<?xml?><svg><g><svg><metadata><dc:identifier>" + MARKED + b"</dc:identifier></metadata></svg></g></svg>",
        b"<?xml?><html><pre><metadata><dc:identifier>" + MARKED + b"</dc:identifier></metadata></pre></html>",
        b"\x89PNG\r\n\x1a\n....IDAT..tEXtIdentifier\0" + MARKED,
        b"\x89PNG\r\n\x1a\n....tEXtComment\0" + MARKED + b"IDAT",
        b"%PDF-1.4\n(/Keywords (" + MARKED + b"))\nendstream\ntrailer",
        b"%PDF-1.4\nendstream\n/Subject (" + MARKED + b")\ntrailer",
    ],
)
def test_what_only_quotes_a_picture_of_ours_is_of_others(other):
    assert not is_picture(other)
