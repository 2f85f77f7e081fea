"""What the tests of the picture commands share: the words of an SVG, and checks of what every command promises."""

import csv
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

from paper_checks.commands import command_line
from paper_checks.pictures import MARK
from simulate.runtime import files

SVG = "{http://www.w3.org/2000/svg}"
OLD = f"<?xml old?><svg><metadata><dc:identifier>{MARK}{'0' * 64}</dc:identifier></metadata></svg>"
"""A picture of ours, as far as is asked: another file would not be replaced."""


def command(*names):
    """A command as a function of its arguments that returns its exit status."""
    return lambda arguments: command_line.main([*names, *arguments])


def words(root):
    """The texts of an SVG."""
    return ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]


def description(out):
    """The description in an SVG."""
    return ET.parse(out).getroot().find(f"{SVG}desc").text


def draw(main, out, *arguments):
    """The status of a command that writes to out."""
    return main([*arguments, "--out", str(out)])


def keeps_the_old_picture_on_a_full_disk(monkeypatch, capsys, main, arguments, out):
    """The command ends with one line and leaves the file as it was, and nothing beside it."""

    def full(source, target):
        raise OSError(28, "No space left on device")

    out.write_text(OLD)
    monkeypatch.setattr(files.os, "replace", full)
    assert draw(main, out, *arguments) == 2
    assert capsys.readouterr().err == "the picture cannot be written: [Errno 28] No space left on device\n"
    assert out.read_text() == OLD and list(out.parent.iterdir()) == [out]


def show(monkeypatch, data, work, shown):
    """Let each of the functions of data named in work, by picture, find the numbers of that picture in shown()."""
    for name, function in work.items():
        monkeypatch.setattr(data, function, lambda *options, name=name: shown()[name])


def hide(monkeypatch, package):
    """Let imports of a package fail."""
    for module in [module for module in sys.modules if module.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)


def forget(monkeypatch, *modules):
    """Let modules be imported anew."""
    for module in modules:
        package, _, name = module.rpartition(".")
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.delattr(f"{package}.{name}", raising=False)


INTERRUPTED_IMPORT = """
import sys

class Interrupted:
    def find_spec(name, path, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted)
from paper_checks.commands.command_line import main
sys.exit(main(sys.argv[2:]))
"""


def assert_interrupted_import(package, words, said):
    """Ctrl-C while a package is imported, in the seconds before the work, is one line and writes nothing."""
    program = [sys.executable, "-c", INTERRUPTED_IMPORT, package, *map(str, words)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", said)


def interrupted(*options):
    """Work during which Ctrl-C is pressed."""
    raise KeyboardInterrupt


def assert_described(main, name, folder, expected):
    """The picture and its numbers are written, with the title, texts in the picture and texts in its description
    expected."""
    out = folder / "picture.svg"
    assert draw(main, out, name) == 0
    assert sorted(folder.iterdir()) == [folder / "picture.csv", out]
    root, (title, drawn, said) = ET.parse(out).getroot(), expected
    assert root.find(f"{SVG}title").text == title and title in " ".join(words(root))
    assert [text for text in drawn if text not in words(root)] == []
    assert [text for text in said if text not in root.find(f"{SVG}desc").text] == []


def assert_same_bytes(picture, shown):
    """Two pictures of the same numbers are the same SVG."""
    one, other = (picture(shown()) for _ in range(2))
    found = one.render("svg")
    assert found == other.render("svg") and found.startswith(b"<?xml")


def rows_beside(out):
    """The numbers beside a picture, one dictionary per row."""
    return list(csv.DictReader(out.with_suffix(".csv").read_text(encoding="utf-8").splitlines()))


def rows_of(picture):
    """The rows of a picture's table, as they are in its file."""
    return list(csv.DictReader(picture.table().csv().decode().splitlines()))


def assert_forms(main, name, folder):
    """PNG and PDF are what they are called, and the same bytes each time."""
    for form, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        outs = [folder / f"{run}.{form}" for run in "ab"]
        assert [draw(main, out, name) for out in outs] == [0, 0]
        assert outs[0].read_bytes() == outs[1].read_bytes() and outs[0].read_bytes().startswith(start)


def assert_refused(main, arguments, folder, capsys, error):
    """An error of one line that begins as the pattern says, and nothing written."""
    name, *options = arguments.split()
    assert main([name, "--out", str(folder / "picture.svg"), *options]) == 2
    said = capsys.readouterr().err
    assert re.match(error, said) and said.count("\n") == 1
    assert not list(folder.iterdir())


def assert_interrupted(main, name, folder, capsys):
    """Work that is interrupted is one line and leaves the old picture alone."""
    out = folder / "picture.svg"
    out.write_text(OLD)
    assert draw(main, out, name) == 130
    assert capsys.readouterr().err == "interrupted; no picture written\n"
    assert out.read_text() == OLD and list(folder.iterdir()) == [out]


def assert_help(main, names, example, capsys):
    """The help of the command and of each of its pictures has an example."""
    for arguments in ([], *([name] for name in names)):
        assert main([*arguments, "--help"]) == 0
        assert example in capsys.readouterr().out
