"""The commands of this project by name, `python -m paper_checks COMMAND …`."""

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """The module of this package whose `main(arguments) -> int` runs it, one sentence, and arguments of an example."""

    module: str
    sentence: str
    example: str


COMMANDS = {
    "report": Command("commands.report", "Write a run as a page for people, with pictures.", "--out report"),
    "badges": Command(
        "commands.badges",
        "Write the badges of a run, or hold README's against it.",
        "--check paper_checks/badges --table README.md",
    ),
    "fill": Command(
        "commands.fill", "Fill the numbers of a run into README, or hold README's against it.", "README.md --check"
    ),
    "rotation": Command(
        "commands.rotation", "Run one part of the claims at a base seed that is drawn from the commit.", "--record FILE"
    ),
    "scope": Command(
        "commands.scope",
        "Draw where a claim holds over your own range of sizes and noise levels.",
        "T1.3 --N 8:512 --alpha 0.01:0.99 --out map.svg",
    ),
    "seeds": Command(
        "commands.seeds",
        "Run claims at many base seeds, and say at which one is red.",
        "--claims E,P --seeds 7,11 --jobs 2 --out seeds",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Run the command that is named first; returns its exit status, 2 without a name that is known."""
    name = arguments[0] if arguments else "nothing"
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        accepted = ", ".join([*COMMANDS, "--help"])
        print(f"paper_checks: error: the command must be one of {accepted}, got {name}", file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(f".{COMMANDS[name].module}", __package__)
        status: int = module.main(arguments[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return status


def _usage() -> str:
    lines = ["usage: python -m paper_checks COMMAND …   (COMMAND --help says what it takes)", ""]
    for name, command in COMMANDS.items():
        lines += [f"  {name:10}{command.sentence}", f"{'':12}python -m paper_checks {name} {command.example}"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
